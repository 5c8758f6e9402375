use secrecy::SecretString;

use super::AppState;
use crate::model::{Person, RecoveryCode};
use crate::rotation::second_factor::Verdict;
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
    let attempt = match app.throttle.admit(db, &name, caller).await? {
        Ok(attempt) => attempt,
        Err(seconds) => return Ok(Checked::Wait { seconds }),
    };
    let user = app.engine.user(person.user()).await?;
    let hash = user.and_then(|user| user.password_hash);
    match app.passwords.verify(password, hash.as_deref()).await {
        Ok(true) => {
            attempt.succeeded(db).await?;
            Ok(Checked::Right(hash))
        }
        Ok(false) => {
            attempt.failed(db).await?;
            Ok(Checked::Wrong)
        }
        Err(_) => Ok(Checked::Busy),
    }
}

/// Turns a second factor on when the code is right: [`Engine::confirm_second_factor`], counted, so that
/// a stolen session does not try all codes of one that was begun and left. `Err` is how long to wait, in
/// seconds.
///
/// [`Engine::confirm_second_factor`]: crate::rotation::Engine::confirm_second_factor
pub async fn confirm_second_factor(
    app: &AppState,
    person: &Person,
    caller: &Caller,
    code: &str,
) -> Result<Result<Verdict<Vec<RecoveryCode>>, i64>, RotationError> {
    let db = app.engine.db();
    let name = format!("set-up {}", person.email());
    let attempt = match app.throttle.admit(db, &name, caller).await? {
        Ok(attempt) => attempt,
        Err(seconds) => return Ok(Err(seconds)),
    };
    let verdict = app.engine.confirm_second_factor(person, code).await?;
    match verdict {
        Verdict::Right(_) => attempt.succeeded(db).await?,
        Verdict::Gone => {}
        Verdict::Wrong | Verdict::Used | Verdict::ClockOff { .. } => attempt.failed(db).await?,
    }
    Ok(Ok(verdict))
}
