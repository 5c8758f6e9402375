//! All code that runs in the browser. Every page works without it; an island adds comfort.

#[cfg(feature = "hydrate")]
mod clock;
mod copy;
mod diagnose;
#[cfg(feature = "hydrate")]
mod escape;
mod live;
#[cfg(feature = "hydrate")]
mod once;
mod pasted;

#[cfg(feature = "hydrate")]
pub use clock::tell_local_times;
pub use copy::{CopyButton, CopyLine};
pub use diagnose::Diagnose;
#[cfg(feature = "hydrate")]
pub use escape::close_on_escape;
pub use live::Live;
#[cfg(feature = "hydrate")]
pub use once::guard_forms;
