use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::problem;
use crate::auth::AppState;

/// The keys that verify (RFC 7517 §5), kept by caches no longer than the lease. A service that
/// checks tokens by these alone sees no capture and no dormancy.
pub async fn jwks(State(app): State<AppState>, headers: HeaderMap) -> Response {
    match app.engine.jwks().await {
        Ok(keys) => {
            let seconds = app.engine.lease_ms() / 1_000;
            let mut response = json!({ "keys": keys }).to_string().into_response();
            let set = response.headers_mut();
            set.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/jwk-set+json"),
            );
            if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}")) {
                set.insert(CACHE_CONTROL, value);
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "the keys could not be read");
            problem::unavailable(&app, &headers)
        }
    }
}
