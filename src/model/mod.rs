//! The words of the domain. No I/O, and nothing here knows of a database or of HTTP.

mod cell;
mod device;
mod ids;
mod key_state;
mod letter;
mod named;
mod percent;
mod phase;
mod proof;
mod reason;
mod renewal;
mod secret;
mod sources;
mod standing;
mod ticket;
mod time;

pub use cell::harmless_cell;
pub use device::device;
pub(crate) use ids::sortable;
pub use ids::{AccountId, IntegrationId, RotationId, SessionId, TicketId, TokenId, UserId};
pub use key_state::{KeyDates, KeyState};
pub use letter::{FactorChange, Letter, LetterKind};
pub use named::{EmailAddress, InvalidInput, Name, is_unseen};
pub use percent::percent_encoded;
pub use phase::{Generation, Phase, Stage};
pub use proof::{Acts, Admin, Member, Operator, Person, Steers};
pub use reason::Reason;
pub use renewal::{Expiry, Retirement};
pub use secret::{Digest, OneTimeSecret, PlainToken, RecoveryCode, hex};
pub use sources::{Clock, Random};
pub use standing::{Standing, TokenState};
pub use ticket::{Deed, Side, TicketState};
pub use time::{DAY_MS, HOUR_MS, Span, UnixMs, ago};
