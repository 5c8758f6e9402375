//! The words of the domain. No I/O, and nothing here knows of a database or of HTTP.

mod cell;
mod ids;
mod key_state;
mod letter;
mod named;
mod phase;
mod proof;
mod reason;
mod secret;
mod sources;
mod standing;
mod time;

pub use cell::harmless_cell;
pub(crate) use ids::sortable;
pub use ids::{AccountId, IntegrationId, RotationId, SessionId, TokenId, UserId};
pub use key_state::{KeyDates, KeyState};
pub use letter::{Letter, LetterKind};
pub use named::{EmailAddress, InvalidInput, Name};
pub use phase::{Generation, Phase, Retirement, Stage};
pub use proof::{Acts, Admin, Member, Operator, Steers};
pub use reason::Reason;
pub use secret::{Digest, OneTimeSecret, PlainToken, hex};
pub use sources::{Clock, Random};
pub use standing::{Standing, TokenState};
pub use time::{DAY_MS, HOUR_MS, Span, UnixMs};
