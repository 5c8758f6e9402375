//! HTTP for machines: forward-auth, keys, health. Refusals are problem documents.

mod health;
mod jwks;
mod problem;
mod verify;

use axum::Router;
use axum::routing::{any, get};

use crate::auth::AppState;

pub use verify::bearer;

/// Every route for machines. None of them knows sessions.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/verify", any(verify::verify))
        .route("/.well-known/jwks.json", get(jwks::jwks))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
}
