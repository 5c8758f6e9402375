use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::auth::AppState;
use crate::model::{Reason, UnixMs};
use crate::rotation::Refusal;

/// A problem document (RFC 9457).
#[derive(Serialize)]
struct Problem<'p> {
    #[serde(rename = "type")]
    kind: String,
    title: &'p str,
    status: u16,
    code: &'p str,
    detail: String,
    help_url: String,
    request_id: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated_at: Option<UnixMs>,
}

/// How long a client is asked to wait before it tries again, in seconds.
const RETRY_SECONDS: i64 = 1;

fn request_id(headers: &HeaderMap) -> &str {
    headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
}

/// The words of a refusal for whoever reads a log at night: what happened, then what to do.
const fn words(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::Missing => (
            "No access token was sent",
            "Send `Authorization: Bearer <token>`.",
        ),
        Reason::Malformed => (
            "This is not an access token",
            "Send exactly one Authorization header with the token as it was copied, nothing before or after it.",
        ),
        Reason::Unknown => (
            "This access token was never issued here",
            "Check that the token was copied whole and belongs to this service, or generate a new one.",
        ),
        Reason::NotCaptured => (
            "This access token stopped working when the signing key was rotated",
            "It made no request in the recording phase. Open help_url, sign in, generate a new token and replace \
             this one in your code.",
        ),
        Reason::Replaced => (
            "This access token was replaced by a newer one",
            "The time both worked is over. Use the newer token, or generate another.",
        ),
        Reason::Revoked => (
            "This access token was revoked",
            "Generate a new token and replace this one in your code.",
        ),
        Reason::Expired => (
            "This access token has expired",
            "Generate a new token and replace this one in your code.",
        ),
        Reason::AccountDisabled => (
            "The account of this access token is disabled",
            "Contact support.",
        ),
    }
}

/// A refusal as RFC 9457 and RFC 6750 §3 have it. `sent` says whether a token came at all.
pub fn refusal(app: &AppState, headers: &HeaderMap, refusal: &Refusal) -> Response {
    let base = &app.engine.settings().public_url;
    let code = refusal.reason.code();
    let (title, advice) = words(refusal.reason);
    let help_url = match (&refusal.fix_ref, refusal.reason) {
        (Some(fix), Reason::NotCaptured | Reason::Replaced | Reason::Revoked | Reason::Expired) => {
            format!("{base}/fix?ref={fix}")
        }
        _ => format!("{base}/help/{code}"),
    };
    let problem = Problem {
        kind: format!("{base}/help/{code}"),
        title,
        status: StatusCode::UNAUTHORIZED.as_u16(),
        code,
        detail: advice.to_owned(),
        help_url,
        request_id: request_id(headers),
        rotation: refusal
            .cutover
            .as_ref()
            .map(|cutover| cutover.rotation.as_str()),
        rotated_at: refusal.cutover.as_ref().map(|cutover| cutover.at),
    };
    let challenge = match refusal.reason {
        // No error code where no token was sent (RFC 6750 §3.1).
        Reason::Missing => "Bearer realm=\"rollcall\"".to_owned(),
        _ => format!(
            "Bearer realm=\"rollcall\", error=\"invalid_token\", error_description=\"{title}\""
        ),
    };
    let mut response = document(StatusCode::UNAUTHORIZED, &problem);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The truth, or the capture, could not be reached.
pub fn unavailable(app: &AppState, headers: &HeaderMap) -> Response {
    let base = &app.engine.settings().public_url;
    let problem = Problem {
        kind: format!("{base}/help/unavailable"),
        title: "The token could not be checked right now",
        status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        code: "unavailable",
        detail: "Nothing is known to be wrong with the token. Try again in a moment.".to_owned(),
        help_url: format!("{base}/help/unavailable"),
        request_id: request_id(headers),
        rotation: None,
        rotated_at: None,
    };
    let mut response = document(StatusCode::SERVICE_UNAVAILABLE, &problem);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    response
}

fn document(status: StatusCode, problem: &Problem<'_>) -> Response {
    let Ok(body) = serde_json::to_string(problem) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
