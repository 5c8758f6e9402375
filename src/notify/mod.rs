//! Mail to people: what is sent, and how it leaves the house.

/// Sends what waits in the outbox.
mod delivery;
/// What mails say.
mod letters;
/// One mail, as text and as HTML.
mod mail;
mod mailer;
/// What mails about tickets say.
mod tickets;

pub use delivery::{Delivery, deliver_due};
pub use letters::compose;
pub use mail::Mail;
pub use mailer::{MailError, Mailer};
