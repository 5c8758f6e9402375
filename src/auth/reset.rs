use super::{AppState, throttle};
use crate::model::EmailAddress;
use crate::notify::Letter;
use crate::rotation::{Caller, RotationError};

/// Sends the link that sets a password to whoever has this address, if anybody has. Gives how many
/// seconds to wait where too many were asked for; 0 when it was taken on. Neither the answer nor the
/// time it takes tells whether the address is known: the rest goes on behind it.
pub async fn ask_for_password_link(
    app: &AppState,
    caller: &Caller,
    email: EmailAddress,
) -> Result<i64, RotationError> {
    let db = app.engine.db();
    // Counted apart from sign-ins of the same name, together with the address it comes from.
    let name = format!("reset {}", email.key());
    let wait = throttle::wait_ms(db, &name, caller).await?;
    if wait > 0 {
        return Ok((wait + 999) / 1_000);
    }
    throttle::count_failure(db, &name, caller).await?;
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = send(&app, email).await {
            tracing::error!(%error, "a link that sets a password was not sent");
        }
    });
    Ok(0)
}

async fn send(
    app: &AppState,
    email: EmailAddress,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if let Some((_, link)) = app.engine.password_link(&email).await? {
        let letter = Letter::set_password(email, &app.engine.settings().public_url, &link);
        app.mailer.send(&letter).await?;
    }
    Ok(())
}
