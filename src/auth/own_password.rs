use secrecy::SecretString;

use super::{AppState, throttle};
use crate::model::Person;
use crate::rotation::{Caller, RotationError};

/// What a password turned out to be that somebody signed in typed once more.
#[derive(Debug)]
pub enum Checked {
    /// Theirs. The hash that it was checked against, if they have a password at all.
    Right(Option<String>),
    /// Not theirs.
    Wrong,
    /// Too many were wrong: wait.
    Wait {
        /// How long, in seconds.
        seconds: i64,
    },
    /// Too many are being checked at once.
    Busy,
}

/// Whether somebody who is signed in knows their password: asked before what a stranger at an open
/// screen must not do. Counted, so that a stolen session does not try them all.
pub async fn check_own_password(
    app: &AppState,
    person: &Person,
    caller: &Caller,
    password: &SecretString,
) -> Result<Checked, RotationError> {
    let db = app.engine.db();
    let name = format!("own {}", person.email());
    let wait = throttle::wait_ms(db, &name, caller).await?;
    if wait > 0 {
        return Ok(Checked::Wait {
            seconds: (wait + 999) / 1_000,
        });
    }
    let user = app.engine.user(person.user()).await?;
    let hash = user.and_then(|user| user.password_hash);
    match app.passwords.verify(password, hash.as_deref()).await {
        Ok(true) => {
            throttle::forgive(db, &name, caller).await?;
            Ok(Checked::Right(hash))
        }
        Ok(false) => {
            throttle::count_failure(db, &name, caller).await?;
            Ok(Checked::Wrong)
        }
        Err(_) => Ok(Checked::Busy),
    }
}
