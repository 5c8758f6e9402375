//! The router and the layers around it.

use std::time::Duration;

use axum::Router;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration as CookieDuration;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::auth::SessionRows;
pub use crate::auth::{AppState, Mode};
use crate::model::{DAY_MS, Random};
pub use crate::pages::assets;
use crate::rotation::sessions::ABSOLUTE_MS;
use crate::{api, pages};

/// The most a request's body may hold, in bytes: a form, never a file.
const MOST_BODY: usize = 64 * 1024;
/// How long a request may take.
const MOST_TIME: Duration = Duration::from_secs(20);

/// Everything that is served on the public address.
pub fn router(app: &AppState) -> Router {
    let people = pages::router()
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(app.clone(), pages::dress_bare_errors))
                // Inside what dresses them: who comes too late or sends too much reads a page.
                .layer(CatchPanicLayer::custom(panicked))
                .layer(in_time())
                .layer(RequestBodyLimitLayer::new(MOST_BODY))
                .layer(CsrfLayer::new())
                .layer(sessions(app)),
        )
        .with_state(app.clone());
    let machines = api::router().with_state(app.clone()).layer(
        ServiceBuilder::new()
            .layer(in_time())
            .layer(RequestBodyLimitLayer::new(MOST_BODY)),
    );
    let common = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(RandomRequestId(
            app.engine.random().clone(),
        )))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(header_layer(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(X_FRAME_OPTIONS, "DENY"))
        .layer(header_layer(REFERRER_POLICY, "same-origin"))
        .layer(header_layer(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ))
        .layer(header_layer(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ))
        // Pages bring a policy of their own; nothing else may load anything.
        .layer(header_layer(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .option_layer(
            app.is_https()
                .then(|| header_layer(STRICT_TRANSPORT_SECURITY, "max-age=31536000")),
        );
    machines
        .merge(people)
        .merge(pages::assets::router())
        .layer(common)
        // Whatever could not do its part, from a page to the limits above: the client may come back.
        .layer(SetResponseHeaderLayer::if_not_present(
            RETRY_AFTER,
            |response: &Response| {
                let passing = response.status() == StatusCode::SERVICE_UNAVAILABLE;
                passing.then(|| HeaderValue::from_static("1"))
            },
        ))
}

/// Answers for whatever takes too long. What it had begun to write is written all the same.
fn in_time() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, MOST_TIME)
}

fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Sessions in a cookie that no script reads and no other site's form brings along.
fn sessions(app: &AppState) -> SessionManagerLayer<SessionRows> {
    SessionManagerLayer::new(SessionRows(app.engine.clone()))
        .with_name(app.cookie.to_string())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(app.is_https())
        .with_expiry(Expiry::OnInactivity(CookieDuration::days(
            ABSOLUTE_MS / DAY_MS,
        )))
}

/// A span for the logs: never the query, which may hold a link that works once.
fn span<B>(request: &Request<B>) -> tracing::Span {
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Names every request, so that its answer, its log lines and a question about it meet. What a
/// client sends as an id is replaced: a log is not for strangers to write in.
#[derive(Clone)]
struct RandomRequestId(Random);

impl MakeRequestId for RandomRequestId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&self.0.hex::<8>())
            .ok()
            .map(RequestId::new)
    }
}
