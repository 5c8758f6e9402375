use super::AppState;
use crate::model::EmailAddress;
use crate::rotation::{Caller, RotationError};

/// Orders the letter with the link that sets a password for whoever has this address, if anybody has. Gives how many
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
    match app.throttle.admit(db, &name, caller).await? {
        // Each is counted: the letter is what must not be had without end.
        Ok(attempt) => attempt.failed(db).await?,
        Err(seconds) => return Ok(seconds),
    }
    let engine = app.engine.clone();
    tokio::spawn(async move {
        if let Err(error) = engine.order_password_link(&email).await {
            tracing::error!(%error, "a link that sets a password was not ordered");
        }
    });
    Ok(0)
}
