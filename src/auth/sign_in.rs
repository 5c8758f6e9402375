use secrecy::SecretString;
use tower_sessions::Session;

use super::AppState;
use super::session_store::{CALLER_AGENT, CALLER_SOURCE, USER};
use super::throttle::Attempt;
use crate::model::OneTimeSecret;
use crate::rotation::second_factor::Verdict;
use crate::rotation::{Caller, RotationError};
use crate::store::users::{self, User};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address or the password is wrong: which of the two is not said.
    #[error("the email address or the password is wrong")]
    Wrong,
    /// The password is right, and the account or the user is disabled. Told to nobody else.
    #[error(
        "your account is disabled, so nobody can sign in to it; whoever runs this service can enable it"
    )]
    Disabled,
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

/// How far a right password leads.
#[derive(Debug)]
pub enum SignedIn {
    /// In: a session has begun.
    Wholly(User),
    /// The second factor is awaited; the secret names this sign-in.
    Halfway(OneTimeSecret),
}

/// Signs a user in: checks the password, then begins a session with a new id, or waits for the second
/// factor. The answer to an
/// unknown address is the same as to a wrong password, and takes as long.
pub async fn sign_in(
    app: &AppState,
    session: &Session,
    caller: &Caller,
    email: &str,
    password: &SecretString,
) -> Result<SignedIn, SignInError> {
    let db = app.engine.db();
    let attempt = admit(app, email, caller).await?;
    let mut tx = db.read().await.map_err(RotationError::from)?;
    let user = users::by_email(&mut tx, email)
        .await
        .map_err(RotationError::from)?;
    drop(tx);
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let Ok(matches) = app.passwords.verify(password, hash).await else {
        return Err(SignInError::Busy);
    };
    let allowed = |user: &User| user.disabled_at.is_none() && user.account_disabled_at.is_none();
    let Some(user) = user.filter(|_| matches) else {
        attempt.failed(db).await.map_err(RotationError::from)?;
        return Err(SignInError::Wrong);
    };
    if !allowed(&user) {
        return Err(SignInError::Disabled);
    }
    let signed_in = if user.has_second_factor {
        SignedIn::Halfway(app.engine.await_second_factor(&user.id).await?)
    } else {
        begin(session, &user, caller).await?;
        SignedIn::Wholly(user.clone())
    };
    if !is_still_theirs(app, session, &user).await? {
        return Err(SignInError::Wrong);
    }
    attempt.succeeded(db).await.map_err(RotationError::from)?;
    Ok(signed_in)
}

/// What came of a second factor.
#[derive(Debug)]
pub enum SecondStep {
    /// In: a session has begun.
    In(User),
    /// Not in, and why.
    Not(Verdict<()>),
}

/// Completes a sign-in with the second factor: a code from the app, or a recovery code. Wrong ones
/// are counted by user.
pub async fn second_step(
    app: &AppState,
    session: &Session,
    caller: &Caller,
    step: &OneTimeSecret,
    code: &str,
) -> Result<SecondStep, SignInError> {
    let db = app.engine.db();
    let Some(user) = app.engine.waiting_sign_in(step).await? else {
        return Ok(SecondStep::Not(Verdict::Gone));
    };
    let name = format!("second factor {}", user.email);
    let attempt = admit(app, &name, caller).await?;
    let user = match app.engine.answer_second_factor(step, code).await? {
        Verdict::Right(user) => user,
        Verdict::Gone => return Ok(SecondStep::Not(Verdict::Gone)),
        wrong => {
            attempt.failed(db).await.map_err(RotationError::from)?;
            return Ok(SecondStep::Not(wrong.instead()));
        }
    };
    if user.disabled_at.is_some() || user.account_disabled_at.is_some() {
        return Ok(SecondStep::Not(Verdict::Gone));
    }
    attempt.succeeded(db).await.map_err(RotationError::from)?;
    begin(session, &user, caller).await?;
    if !is_still_theirs(app, session, &user).await? {
        return Ok(SecondStep::Not(Verdict::Gone));
    }
    Ok(SecondStep::In(user))
}

/// Whether the password is still the one that was checked; if not, what has begun with it ends. Until
/// this is said nobody has been told the id of the session.
async fn is_still_theirs(
    app: &AppState,
    session: &Session,
    user: &User,
) -> Result<bool, SignInError> {
    let hash = user.password_hash.clone();
    let is_theirs = app.engine.is_still_password(&user.id, hash).await?;
    if !is_theirs {
        sign_out(session).await.map_err(|error| {
            tracing::error!(%error, "a session whose password was changed could not be ended");
            SignInError::Busy
        })?;
    }
    Ok(is_theirs)
}

/// Refuses to look at what comes too soon after too many failures.
async fn admit(app: &AppState, name: &str, caller: &Caller) -> Result<Attempt, SignInError> {
    let admitted = app.throttle.admit(app.engine.db(), name, caller).await;
    admitted
        .map_err(RotationError::from)?
        .map_err(|seconds| SignInError::Wait { seconds })
}

/// Begins a session under a new id; one that the browser had before ends.
async fn begin(session: &Session, user: &User, caller: &Caller) -> Result<(), SignInError> {
    let begun: Result<(), tower_sessions::session::Error> = async {
        if session.id().is_some() {
            session.flush().await?;
        }
        session.insert(USER, user.id.as_str()).await?;
        session.insert(CALLER_SOURCE, &caller.source).await?;
        session.insert(CALLER_AGENT, &caller.agent).await?;
        session.save().await
    }
    .await;
    begun.map_err(|error| {
        tracing::error!(%error, "a session could not be begun");
        SignInError::Busy
    })
}

/// Ends the session of this browser.
pub async fn sign_out(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.flush().await
}
