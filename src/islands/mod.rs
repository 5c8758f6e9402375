//! All code that runs in the browser. Every page works without it; an island adds comfort.

mod copy;
mod live;

pub use copy::{CopyButton, CopyLine};
pub use live::Live;
