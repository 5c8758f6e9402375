//! Who asks: passwords, sessions, and the proofs that use cases take.

mod caller;
mod operator;
mod passwords;
mod reset;
mod session_store;
mod sign_in;
mod state;
mod throttle;
mod who;

pub use caller::TrustedProxies;
pub use operator::operator;
pub use passwords::{PasswordError, Passwords};
pub use reset::ask_for_password_link;
pub use session_store::SessionRows;
pub use sign_in::{SignInError, sign_in, sign_out};
pub use state::{AppState, Mode};
pub use who::{Denied, SessionDigest, Who};
