//! The rules and the use cases. A door obtains proof of who asks, calls one function of
//! [`Engine`], and dresses the result.

/// How often an integration calls, read from its days of use.
pub mod cadence;
/// Accounts, users and integrations.
mod customers;
/// The verdict on a token: pure and total.
pub mod decide;
mod engine;
mod error;
mod index;
mod keyring;
mod nodes;
/// What a customer sees of its integrations.
pub mod overview;
/// start, finalise, reopen, abort, close.
pub mod phases;
mod recorder;
/// Issue, look up and revoke access tokens.
pub mod registry;
/// Who breaks if we finalise now, and who has recovered.
pub mod rehearsal;
/// Dashboard sessions under the same rules as tokens.
pub mod sessions;
/// Where a token and an integration stand: pure.
pub mod standing;
/// What a rotation looks like from outside.
pub mod status;
mod verify;

pub use customers::{NewUser, Setup};
pub use engine::{Engine, Settings};
pub use error::{RotationError, Rule};
pub use keyring::{Jwk, MasterKey};
pub use verify::{Accepted, Answer, Caller, Receipt, Refusal};
