//! All code that runs in the browser. Every page works without it; an island adds comfort.

mod copy;

pub use copy::CopyButton;
