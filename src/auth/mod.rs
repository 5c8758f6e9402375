//! Who asks: passwords, sessions, and the proofs that use cases take.

mod caller;
mod operator;
mod own_password;
mod own_path;
mod passwords;
mod reset;
/// What a password must be.
pub mod rules;
mod session_store;
mod sign_in;
mod state;
mod throttle;
mod who;

pub use caller::TrustedProxies;
pub use operator::{in_place_of, operator};
pub use own_password::{Checked, check_own_password, confirm_second_factor};
pub use own_path::{is_own_path, sent_from};
pub use passwords::{PasswordError, Passwords};
pub use reset::ask_for_password_link;
pub use rules::Whose;
pub use session_store::SessionRows;
pub use sign_in::{SecondStep, SignInError, SignedIn, second_step, sign_in, sign_out};
pub use state::{AppState, Mode};
pub use throttle::Throttle;
pub use who::{Denied, SessionDigest, Who};
