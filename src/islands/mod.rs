//! All code that runs in the browser. Every page works without it; an island adds comfort.

#[cfg(feature = "hydrate")]
mod clock;
mod copy;
mod diagnose;
#[cfg(feature = "hydrate")]
mod dialog;
#[cfg(feature = "hydrate")]
mod escape;
#[cfg(feature = "hydrate")]
mod leave;
mod live;
#[cfg(feature = "hydrate")]
mod once;
mod pasted;

#[cfg(feature = "hydrate")]
pub use clock::tell_local_times;
pub use copy::{CopyText, CopyToken, mask};
pub use diagnose::Diagnose;
#[cfg(feature = "hydrate")]
pub use dialog::open_dialogs;
#[cfg(feature = "hydrate")]
pub use escape::close_on_escape;
#[cfg(feature = "hydrate")]
pub use leave::{guard_token, remember_language};
pub use live::Live;
#[cfg(feature = "hydrate")]
pub use once::guard_forms;

/// On a fresh token that was copied, or whose loss was warned of.
const KEPT: &str = "data-kept";
