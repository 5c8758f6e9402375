use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use leptos::prelude::*;

use super::shell::{Frame, Section, Visit};
use super::support::ask_href;
use crate::auth::{AppState, Denied};
use crate::rotation::RotationError;
use crate::rotation::tickets::Context;
use crate::store::StoreError;

/// What goes wrong on the way to a page. Variants carry nothing, so that one may be seen anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// There is no such page, or it is not this user's.
    NotFound,
    /// The form was not understood.
    BadForm,
    /// The form came from another site.
    CrossSite,
    /// The request took or held too much.
    TooLarge,
    /// The truth could not be reached.
    Unavailable,
    /// A defect.
    Internal,
}

impl PageError {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadForm => StatusCode::BAD_REQUEST,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::NotFound,
            StatusCode::FORBIDDEN => Self::CrossSite,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => Self::Unavailable,
            status if status.is_client_error() => Self::BadForm,
            _ => Self::Internal,
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => (
                "This page does not exist",
                "The address may be mistyped, or it belongs to another account.",
            ),
            Self::BadForm => (
                "The form could not be read",
                "Go back, reload the page and try again. Nothing was changed.",
            ),
            Self::CrossSite => (
                "This request came from another site",
                "Nothing was changed. Open the page here and try again.",
            ),
            Self::TooLarge => (
                "That was too much at once",
                "Nothing was changed. Send less and try again.",
            ),
            Self::Unavailable => (
                "We cannot reach our records right now",
                "Nothing was changed. Try again in a few seconds.",
            ),
            Self::Internal => (
                "Something went wrong on our side",
                "Nothing is wrong with your account. If it goes on, get help: the request id goes along.",
            ),
        }
    }
}

impl From<RotationError> for PageError {
    /// Refusals that a page has words for are caught before; what is left is not the visitor's.
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::NotFound(_) => Self::NotFound,
            RotationError::Invalid(_)
            | RotationError::Taken(_)
            | RotationError::Refused(_)
            | RotationError::Ledger(_)
            | RotationError::Store(StoreError::Unstorable(_)) => Self::BadForm,
            RotationError::Busy => Self::Unavailable,
            RotationError::Store(error) if error.is_passing() => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "a page could not reach the database");
                Self::Unavailable
            }
            error @ (RotationError::Store(_)
            | RotationError::Sealed { .. }
            | RotationError::FactorSealed
            | RotationError::Older { .. }
            | RotationError::Mark { .. }
            | RotationError::File { .. }) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "a page failed");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns refusals without a body, from extractors and layers below, into pages that say what
/// happened and what to do. Answers with a body, and redirects, pass as they are.
pub async fn dress_bare_errors(
    State(_): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut kept = axum::http::Request::new(()).into_parts().0;
    kept.uri = parts.uri.clone();
    kept.headers = parts.headers.clone();
    let id = parts
        .headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let is_page = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let error = match response.extensions().get::<PageError>() {
        Some(error) => *error,
        None => match response.extensions().get::<Denied>() {
            Some(Denied::NotFound) => PageError::NotFound,
            Some(Denied::Unavailable) => PageError::Unavailable,
            _ => PageError::of_status(status),
        },
    };
    let (headline, advice) = error.words();
    let about = Context::of("", "", id.as_deref().unwrap_or_default(), "");
    let help = ask_href(&about);
    let frame = Frame::new(headline, Section::Elsewhere)
        .reading()
        .about(about);
    Visit::of_nobody(kept)
        .show(error.status(), frame, move || {
            view! {
                <div class="page-head">
                    <h1>{headline}</h1>
                    <p class="sub">{advice}</p>
                </div>
                <p><a class="button" href="/">"Go to the start"</a></p>
                {id.map(|id| view! {
                    <p class="quiet small">
                        "Request id: " <code>{id}</code> ". " <a href=help>"Get help with this request"</a>
                    </p>
                })}
            }
        })
        .await
}
