use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::error::PageError;
use super::second_step;
use super::shell::{Frame, Section, Visit};
use super::words::sentence;
use crate::auth::{AppState, SignInError, SignedIn, Who, is_own_path, sign_in, sign_out};
use crate::rotation::Caller;
use crate::store::users::User;

/// Sign in and out.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(page).post(submit))
        .route("/logout", post(leave))
}

#[derive(Deserialize)]
struct Ask {
    next: Option<String>,
    /// What was just set: `password`, or `up` for the first admin.
    set: Option<String>,
    /// What became of a form that was sent: `unsent`.
    form: Option<String>,
}

/// What the sign-in form carries; the page at `/fix` shows the same form.
#[derive(Deserialize)]
struct SignInForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// What went wrong with a submit, in words, and the way back.
#[derive(Clone, Debug, Default)]
pub struct SignInFormState {
    /// Where to go after signing in: a path of this site.
    pub next: String,
    /// The address as it was typed.
    pub email: String,
    /// What went wrong.
    pub problem: Option<String>,
}

async fn page(visit: Visit, headers: HeaderMap, Query(ask): Query<Ask>) -> Response {
    let next = own_or_start(ask.next.as_deref());
    let why = match &visit.who {
        Who::Nobody { rotated } if *rotated || was_rotated(&headers) => Why::Rotated {
            unsent: ask.is_unsent(),
        },
        Who::Nobody { .. } => Why::of(&ask),
        Who::Member { .. } | Who::Admin(_) => return Redirect::to(&next).into_response(),
    };
    let state = SignInFormState {
        next,
        ..SignInFormState::default()
    };
    show(visit, StatusCode::OK, state, why).await
}

/// Why somebody is asked to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Plainly,
    /// The rotation ended the session; perhaps while a form was filled in.
    Rotated {
        unsent: bool,
    },
    /// A password was set, which ends every session.
    PasswordSet,
    /// The first admin was created.
    SetUp,
    /// A form was sent after the session had ended.
    Unsent,
}

impl Why {
    fn of(ask: &Ask) -> Self {
        match ask.set.as_deref() {
            Some("password") => Self::PasswordSet,
            Some("up") => Self::SetUp,
            _ if ask.is_unsent() => Self::Unsent,
            _ => Self::Plainly,
        }
    }

    const fn words(self) -> Option<&'static str> {
        match self {
            Self::Plainly => None,
            Self::Rotated { .. } => Some(
                "The security keys of this service were rotated, and this browser was signed out by it. Nothing is wrong \
                 with your password.",
            ),
            Self::PasswordSet => Some("Your new password is set. Sign in with it."),
            Self::SetUp => Some("The first admin is created. Sign in as them."),
            Self::Unsent => Some(
                "You were signed out before the form was sent, so it changed nothing. Sign in, and send it again.",
            ),
        }
    }
}

impl Ask {
    fn is_unsent(&self) -> bool {
        self.form.as_deref() == Some("unsent")
    }
}

/// Takes back the cookie that [`was_rotated`] reads.
const FORGET_ROTATED: &str = "ended=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax";

/// Whether a page sent the browser here because the rotation ended its session.
fn was_rotated(headers: &HeaderMap) -> bool {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .any(|pair| pair.trim() == "ended=rotation")
}

/// A path of this site, or the start.
pub fn own_or_start(next: Option<&str>) -> String {
    next.filter(|path| is_own_path(path))
        .unwrap_or("/")
        .to_owned()
}

async fn submit(
    State(app): State<AppState>,
    visit: Visit,
    session: Session,
    caller: Caller,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, PageError> {
    let next = own_or_start(Some(&form.next));
    let (status, problem, wait) =
        match sign_in(&app, &session, &caller, &form.email, &form.password).await {
            Ok(SignedIn::Wholly(user)) => return Ok(arrive(&user, &next, &headers)),
            Ok(SignedIn::Halfway(step)) => {
                return Ok(second_step::show(visit, StatusCode::OK, step, next, None).await);
            }
            Err(error @ (SignInError::Wrong | SignInError::Disabled)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, error.to_string(), None)
            }
            Err(ref error @ SignInError::Wait { seconds }) => (
                StatusCode::TOO_MANY_REQUESTS,
                error.to_string(),
                Some(seconds),
            ),
            Err(error @ SignInError::Busy) => {
                (StatusCode::SERVICE_UNAVAILABLE, error.to_string(), Some(2))
            }
            Err(SignInError::Failed(error)) => return Err(error.into()),
        };
    let why = if was_rotated(&headers) {
        Why::Rotated { unsent: false }
    } else {
        Why::Plainly
    };
    let state = SignInFormState {
        next,
        email: form.email,
        problem: Some(sentence(&problem)),
    };
    let mut response = show(visit, status, state, why).await;
    if let Some(seconds) = wait {
        response
            .headers_mut()
            .insert("retry-after", HeaderValue::from(seconds));
    }
    Ok(response)
}

/// Goes to where whoever has signed in wanted to go.
pub fn arrive(user: &User, next: &str, headers: &HeaderMap) -> Response {
    let start = if user.account_id.is_none() && next == "/" {
        "/admin"
    } else {
        next
    };
    let mut response = Redirect::to(start).into_response();
    if was_rotated(headers) {
        // Said once: after signing in again there is nothing to explain any more.
        let forget = HeaderValue::from_static(FORGET_ROTATED);
        response.headers_mut().append(SET_COOKIE, forget);
    }
    response
}

async fn leave(session: Session) -> Result<Response, PageError> {
    sign_out(&session).await.map_err(|error| {
        tracing::error!(%error, "a session could not be ended");
        PageError::Unavailable
    })?;
    Ok(Redirect::to("/login").into_response())
}

async fn show(visit: Visit, status: StatusCode, state: SignInFormState, why: Why) -> Response {
    let frame = Frame::new("Sign in", Section::Elsewhere)
        .narrow()
        .refused(state.problem.is_some());
    let is_rotated = matches!(why, Why::Rotated { .. });
    visit
        .show(status, frame, move || {
            view! {
                <div class="page-head">
                    <h1>{if is_rotated { "Sign in again" } else { "Sign in" }}</h1>
                    {why.words().map(|words| view! { <p class="sub">{words}</p> })}
                    {(why == Why::Rotated { unsent: true }).then(|| view! {
                        <p class="sub">"The form that was sent changed nothing: sign in, and send it again."</p>
                    })}
                </div>
                <SignIn state/>
            }
        })
        .await
}

/// The sign-in form, with what went wrong above it.
#[component]
pub fn SignIn(
    /// What is filled in, and what went wrong.
    state: SignInFormState,
) -> impl IntoView {
    let invalid = state.problem.is_some();
    view! {
        {state.problem.map(|problem| view! {
            <div class="error-summary" role="alert" tabindex="-1" autofocus="">
                <h2>"You are not signed in"</h2>
                <ul><li><a href="#email">{problem}</a></li></ul>
            </div>
        })}
        <form class="form panel" method="post" action="/login">
            <input type="hidden" name="next" value=state.next/>
            <div class="field">
                <label for="email">"Email"</label>
                <input class="input" id="email" name="email" type="email" autocomplete="username" required=""
                    value=state.email aria-invalid=invalid.then_some("true")/>
            </div>
            <div class="field">
                <label for="password">"Password"</label>
                <input class="input" id="password" name="password" type="password"
                    autocomplete="current-password" required=""/>
            </div>
            <div class="actions">
                <button type="submit" class="button primary wide">"Sign in"</button>
            </div>
            <p class="small"><a href="/forgot">"Forgot your password?"</a></p>
        </form>
    }
}
