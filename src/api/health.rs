use axum::extract::State;
use axum::http::StatusCode;

use crate::auth::AppState;

/// The process runs.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The process may answer: the database is reached, the view fresh, a key signs.
pub async fn readyz(State(app): State<AppState>) -> (StatusCode, String) {
    let answer = |status, words: &str| (status, format!("{words}\n"));
    if app.engine.went_back() {
        return answer(
            StatusCode::SERVICE_UNAVAILABLE,
            "the database went back in time: it was restored from a backup. Put the newer one back, or accept this \
             one with --accept-older-database",
        );
    }
    if !app.engine.is_ready() {
        return answer(
            StatusCode::SERVICE_UNAVAILABLE,
            "the view of the database is stale",
        );
    }
    match app.engine.keys().await {
        Ok(keys)
            if keys
                .iter()
                .any(|key| key.sealed.is_some() && key.activated_at.is_some()) =>
        {
            answer(StatusCode::OK, "ready")
        }
        Ok(_) => answer(StatusCode::SERVICE_UNAVAILABLE, "no key signs"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            answer(
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer",
            )
        }
    }
}
