use secrecy::SecretString;

use super::{AppState, throttle};
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
    if let Err(seconds) = throttle::admit(db, &name, caller).await? {
        return Ok(Checked::Wait { seconds });
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
    if let Err(seconds) = throttle::admit(db, &name, caller).await? {
        return Ok(Err(seconds));
    }
    let verdict = app.engine.confirm_second_factor(person, code).await?;
    match verdict {
        Verdict::Right(_) | Verdict::Gone => throttle::forgive(db, &name, caller).await?,
        Verdict::Wrong | Verdict::Used | Verdict::ClockOff { .. } => {
            throttle::count_failure(db, &name, caller).await?;
        }
    }
    Ok(Ok(verdict))
}
