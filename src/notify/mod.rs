//! Mail to people: what is sent, and how it leaves the house.

/// What mails say.
mod letters;
mod mailer;

pub use letters::Letter;
pub use mailer::{MailError, Mailer};
