use secrecy::SecretString;
use tower_sessions::Session;

use super::session_store::{CALLER_AGENT, CALLER_SOURCE, USER};
use super::{AppState, PasswordError, throttle};
use crate::rotation::{Caller, RotationError};
use crate::store::users::{self, User};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address or the password is wrong: which of the two is not said.
    #[error("the e-mail address or the password is wrong")]
    Wrong,
    /// Too many failures: wait.
    #[error("too many attempts; try again in {seconds} seconds")]
    Wait {
        /// How long, in seconds.
        seconds: i64,
    },
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once; try again in a moment")]
    Busy,
    /// The database did not do its part.
    #[error(transparent)]
    Failed(#[from] RotationError),
}

/// Signs a user in: checks the password, then begins a session with a new id. The answer to an
/// unknown address is the same as to a wrong password, and takes as long.
pub async fn sign_in(
    app: &AppState,
    session: &Session,
    caller: &Caller,
    email: &str,
    password: &SecretString,
) -> Result<User, SignInError> {
    let db = app.engine.db();
    let wait = throttle::wait_ms(db, email, caller)
        .await
        .map_err(RotationError::from)?;
    if wait > 0 {
        return Err(SignInError::Wait {
            seconds: (wait + 999) / 1_000,
        });
    }
    let mut tx = db.read().await.map_err(RotationError::from)?;
    let user = users::by_email(&mut tx, email)
        .await
        .map_err(RotationError::from)?;
    drop(tx);
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let matches = match app.passwords.verify(password, hash).await {
        Ok(matches) => matches,
        Err(PasswordError::Busy | PasswordError::Length) => return Err(SignInError::Busy),
    };
    let allowed = |user: &User| user.disabled_at.is_none() && user.account_disabled_at.is_none();
    let Some(user) = user.filter(|user| matches && allowed(user)) else {
        throttle::count_failure(db, email, caller)
            .await
            .map_err(RotationError::from)?;
        return Err(SignInError::Wrong);
    };
    throttle::forgive(db, email, caller)
        .await
        .map_err(RotationError::from)?;
    begin(session, &user, caller).await.map_err(|error| {
        tracing::error!(%error, "a session could not be begun");
        SignInError::Busy
    })?;
    Ok(user)
}

/// Begins a session under a new id; one that the browser had before ends.
async fn begin(
    session: &Session,
    user: &User,
    caller: &Caller,
) -> Result<(), tower_sessions::session::Error> {
    if session.id().is_some() {
        session.flush().await?;
    }
    session.insert(USER, user.id.as_str()).await?;
    session.insert(CALLER_SOURCE, &caller.source).await?;
    session.insert(CALLER_AGENT, &caller.agent).await?;
    session.save().await
}

/// Ends the session of this browser.
pub async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.flush().await
}
