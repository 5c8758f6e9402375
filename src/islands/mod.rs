//! All code that runs in the browser. Every page works without it; an island adds comfort.

mod copy;
mod live;
#[cfg(feature = "hydrate")]
mod once;

pub use copy::{CopyButton, CopyLine};
pub use live::Live;
#[cfg(feature = "hydrate")]
pub use once::guard_forms;
