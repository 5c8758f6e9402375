use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::problem;
use crate::auth::{AppState, Mode};
use crate::model::Reason;
use crate::rotation::{Accepted, Answer, Caller, Refusal};

/// Forward-auth: a gateway asks whether a request may pass. Any method, for gateways forward it.
pub async fn verify(State(app): State<AppState>, caller: Caller, headers: HeaderMap) -> Response {
    let refuse = |reason| {
        Answer::Refused(Refusal {
            reason,
            token: None,
            fix_ref: None,
            cutover: None,
        })
    };
    let answer = match bearer(&headers) {
        Ok(token) => app.engine.verify(token, &caller).await,
        Err(reason) => refuse(reason),
    };
    match answer {
        Answer::Accepted(accepted) => accept(&accepted),
        Answer::Refused(refusal) if app.mode == Mode::Observe => observe(&refusal),
        Answer::Refused(refusal) => problem::refusal(&app, &headers, &refusal),
        Answer::Unavailable if app.mode == Mode::Observe => StatusCode::OK.into_response(),
        Answer::Unavailable => problem::unavailable(&app, &headers),
    }
}

/// The token of a request (RFC 6750 §2.1): exactly one Authorization header, the scheme in any case.
///
/// # Errors
/// [`Reason::Missing`] where no bearer token was sent, [`Reason::Malformed`] where more than one
/// header was, or one that is no text.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Reason> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Reason::Missing);
    };
    if values.next().is_some() {
        return Err(Reason::Malformed);
    }
    let text = value.to_str().map_err(|_| Reason::Malformed)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Reason::Missing);
    }
    // One or more spaces stand between (RFC 6750 §2.1). What has other space around or inside is no
    // token, and its form says so.
    let token = token.trim_start_matches(' ');
    match token {
        "" => Err(Reason::Missing),
        token => Ok(token),
    }
}

fn accept(accepted: &Accepted) -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(account) = &accepted.account {
        set("rollcall-account", account.as_str());
    }
    if let Some(integration) = &accepted.integration {
        set("rollcall-integration", integration.as_str());
    }
    set("rollcall-token", accepted.token.as_str());
    set("rollcall-standing", accepted.standing.slug());
    if let Some(receipt) = accepted.receipt {
        set("rollcall-capture", receipt.slug());
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Observing: the request passes, and the header says what would have been answered.
fn observe(refusal: &Refusal) -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(
        "rollcall-would-refuse",
        HeaderValue::from_static(refusal.reason.code()),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn exactly_one_bearer_token_is_taken() {
        assert_eq!(bearer(&sent(&["Bearer a.b.c"])), Ok("a.b.c"));
        assert_eq!(bearer(&sent(&["bearer a.b.c"])), Ok("a.b.c"));
        assert_eq!(bearer(&sent(&[])), Err(Reason::Missing));
        assert_eq!(bearer(&sent(&["Basic abc"])), Err(Reason::Missing));
        assert_eq!(bearer(&sent(&["Bearer"])), Err(Reason::Missing));
        assert_eq!(bearer(&sent(&["Bearer  a.b.c"])), Ok("a.b.c"));
        assert_eq!(
            bearer(&sent(&["Bearer a.b.c", "Bearer a.b.c"])),
            Err(Reason::Malformed)
        );
    }
}
