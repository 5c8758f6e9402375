use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;
use tower_sessions::Session;

use super::error::PageError;
use super::login::{arrive, own_or_start};
use super::parts::{ErrorSummary, Field, FieldError, PageHeader, error_of};
use super::shell::{Frame, Section, Visit};
use super::words::sentence;
use crate::auth::{AppState, SecondStep, SignInError, second_step};
use crate::model::{OneTimeSecret, percent_encoded};
use crate::rotation::Caller;
use crate::rotation::second_factor::Verdict;

/// The second factor at sign-in.
pub fn routes() -> Router<AppState> {
    Router::new().route("/login/code", get(back).post(submit))
}

/// The page has no address of its own: whoever comes back to it begins again.
async fn back() -> Redirect {
    Redirect::to("/login")
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    step: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    code: String,
    /// A recovery code, from the form for whoever has no app at hand.
    #[serde(default)]
    recovery: String,
}

async fn submit(
    State(app): State<AppState>,
    visit: Visit,
    session: Session,
    caller: Caller,
    headers: HeaderMap,
    Form(form): Form<Answer>,
) -> Result<Response, PageError> {
    let next = own_or_start(Some(&form.next));
    let step = OneTimeSecret::from_visitor(form.step);
    let (field, code) = if form.recovery.is_empty() {
        ("code", &form.code)
    } else {
        ("recovery", &form.recovery)
    };
    let (status, text, wait) = match second_step(&app, &session, &caller, &step, code).await {
        Ok(SecondStep::In(user)) => return Ok(arrive(&user, &next, &headers)),
        Ok(SecondStep::Not(Verdict::Gone)) => return Ok(gone(visit, next).await),
        Ok(SecondStep::Not(verdict)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            said(&verdict, field),
            None,
        ),
        Err(ref error @ SignInError::Wait { seconds }) => (
            StatusCode::TOO_MANY_REQUESTS,
            sentence(&error.to_string()),
            Some(seconds),
        ),
        Err(SignInError::Failed(error)) => return Err(error.into()),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            sentence(&error.to_string()),
            Some(2),
        ),
    };
    let problem = FieldError::new(field, text);
    let mut response = show(visit, status, step, next, Some(problem)).await;
    if let Some(seconds) = wait {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert("retry-after", seconds);
    }
    Ok(response)
}

/// What is said of a code that signs nobody in.
pub fn said<T>(verdict: &Verdict<T>, field: &str) -> String {
    match verdict {
        Verdict::Used => {
            "This code was used already, and each works once. Wait until your app shows the next one."
                .to_owned()
        }
        Verdict::ClockOff { minutes, ahead } => format!(
            "This code is of another time: the clock of your device is about {minutes} {} {}. Let it set its time by \
             itself, then type the code it shows.",
            if *minutes == 1 { "minute" } else { "minutes" },
            if *ahead { "ahead" } else { "behind" },
        ),
        Verdict::Right(_) | Verdict::Wrong | Verdict::Gone if field == "recovery" => {
            "This is none of your recovery codes, or it was used. Each works once; new ones made the old ones useless."
                .to_owned()
        }
        Verdict::Right(_) | Verdict::Wrong | Verdict::Gone => {
            "This code is not right. Type the six digits that your app shows now for this site.".to_owned()
        }
    }
}

/// Asks for the second factor. The page is the answer to the form before it, so its secret stands in
/// no address.
pub async fn show(
    visit: Visit,
    status: StatusCode,
    step: OneTimeSecret,
    next: String,
    problem: Option<FieldError>,
) -> Response {
    let frame = Frame::new("Your code", Section::Elsewhere)
        .narrow()
        .refused(problem.is_some());
    visit
        .show(status, frame, move || {
            let errors: Vec<FieldError> = problem.into_iter().collect();
            let is_recovery = errors.iter().any(|error| error.field == "recovery");
            let hidden = move || {
                let (step, next) = (step.expose().to_owned(), next.clone());
                view! {
                    <input type="hidden" name="step" value=step/>
                    <input type="hidden" name="next" value=next/>
                }
            };
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title="Your password is right. Now your code."
                    sub="Open the app that makes your codes and type the one it shows for this site."/>
                <form class="form panel" method="post" action="/login/code">
                    {hidden.clone()()}
                    <Field name="code" label="Six-digit code" autocomplete="one-time-code" required=true max_length=12
                        numeric=true class="mid mono" error=error_of(&errors, "code")/>
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Sign in"</button>
                    </div>
                </form>
                <details class="qa" open=is_recovery>
                    <summary>"No phone at hand?"</summary>
                    <div>
                        <form class="form" method="post" action="/login/code">
                            {hidden()}
                            <Field name="recovery" label="Recovery code" required=true max_length=60 class="mono"
                                hint="One of the ten that you kept when you turned the second factor on."
                                error=error_of(&errors, "recovery")/>
                            <div class="actions">
                                <button type="submit" class="button">"Use the recovery code"</button>
                            </div>
                        </form>
                        <p class="small quiet">
                            "Lost both? Ask whoever runs this platform to take your second factor off. You will get a letter about it."
                        </p>
                    </div>
                </details>
            }
        })
        .await
}

/// The sign-in that waited is over.
async fn gone(visit: Visit, next: String) -> Response {
    let frame = Frame::new("This sign-in is over", Section::Elsewhere).narrow();
    let again = if next == "/" {
        "/login".to_owned()
    } else {
        format!("/login?next={}", percent_encoded(&next))
    };
    visit
        .show(StatusCode::GONE, frame, move || {
            view! {
                <PageHeader
                    title="This sign-in is over."
                    sub="It was completed already, perhaps in another tab, or it waited longer than ten minutes, or your \
                         password was changed since."
                />
                <div class="actions">
                    <a class="button primary" href=again>"Sign in"</a>
                    <a class="button" href=next>"I am signed in: go on"</a>
                </div>
            }
        })
        .await
}
