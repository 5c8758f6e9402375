use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Done;
use crate::auth::{AppState, Checked, SessionDigest, Whose, check_own_password};
use crate::model::Person;
use crate::pages::parts::{Crumb, ErrorSummary, FieldError, PageHeader, error_of};
use crate::pages::passwords::{self, CurrentPassword, PasswordField, Username};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::{Caller, RotationError, Rule};

pub fn routes() -> Router<AppState> {
    Router::new().route("/settings/password", get(page).post(submit))
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    current: SecretString,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    advised: String,
}

/// What the page says beside the form.
#[derive(Default)]
struct Said {
    errors: Vec<FieldError>,
    advised: bool,
    /// Seconds after which it may be tried again.
    wait: Option<i64>,
}

impl Said {
    fn at(field: &str, text: impl Into<String>) -> Self {
        Self {
            errors: vec![FieldError::new(field, text)],
            ..Self::default()
        }
    }
}

async fn page(
    State(app): State<AppState>,
    person: Person,
    visit: Visit,
) -> Result<Response, PageError> {
    show(&app, person, visit, StatusCode::OK, Said::default()).await
}

async fn submit(
    State(app): State<AppState>,
    person: Person,
    here: SessionDigest,
    caller: Caller,
    visit: Visit,
    Form(form): Form<Change>,
) -> Result<Response, PageError> {
    let before = match check_own_password(&app, &person, &caller, &form.current).await? {
        Checked::Right(hash) => hash,
        other => {
            let (status, said) = current_refused(&other);
            return show(&app, person, visit, status, said).await;
        }
    };
    if form.password.expose_secret() == form.current.expose_secret() {
        let said = Said::at("password", "This is the password you have. Choose another.");
        return show(&app, person, visit, StatusCode::UNPROCESSABLE_ENTITY, said).await;
    }
    let email = person.email().to_owned();
    let whose = Whose {
        email: &email,
        has_second_factor: app.engine.second_factor(&person).await?.is_on(),
    };
    let hash = match passwords::hash(&app, &form.password, &form.advised, &whose).await {
        Ok(hash) => hash,
        Err(problem) => {
            let said = Said {
                errors: vec![problem.error],
                advised: problem.is_advice,
                wait: None,
            };
            return show(&app, person, visit, problem.status, said).await;
        }
    };
    match app
        .engine
        .change_password(&person, here.0, before, hash)
        .await
    {
        Ok(()) => Ok(Redirect::to(&Done::Password.path()).into_response()),
        Err(RotationError::Refused(Rule::PasswordMoved)) => {
            let said = Said::at(
                "current",
                "The password was changed while this page was open. What you typed here was not set.",
            );
            show(&app, person, visit, StatusCode::CONFLICT, said).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What is said of a current password that is not right, or was not looked at.
fn current_refused(checked: &Checked) -> (StatusCode, Said) {
    match checked {
        Checked::Wait { seconds } => (
            StatusCode::TOO_MANY_REQUESTS,
            Said {
                wait: Some(*seconds),
                ..Said::at(
                    "current",
                    format!("Too many wrong passwords. Try again in {seconds} seconds."),
                )
            },
        ),
        Checked::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            Said::at(
                "current",
                "Too many sign-ins at once. Try again in a moment.",
            ),
        ),
        Checked::Wrong | Checked::Right(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Said::at(
                "current",
                "This is not your current password. If you have just changed it, it is done already.",
            ),
        ),
    }
}

async fn show(
    app: &AppState,
    person: Person,
    visit: Visit,
    status: StatusCode,
    said: Said,
) -> Result<Response, PageError> {
    let whose = Whose {
        email: person.email(),
        has_second_factor: app.engine.second_factor(&person).await?.is_on(),
    };
    let least = whose.least();
    let frame = Frame::new("Change your password", Section::Settings)
        .narrow()
        .refused(!said.errors.is_empty());
    let wait = said.wait;
    let mut response = visit
        .show(status, frame, move || {
            let Said { errors, advised, .. } = said;
            let crumbs = vec![Crumb::link("Settings", "/settings"), Crumb::here("Password")];
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title="Change your password" crumbs
                    sub="You stay signed in here and are signed out everywhere else. Tokens are not touched."/>
                <form class="form panel" method="post" action="/settings/password">
                    <Username email=person.email().to_owned()/>
                    <CurrentPassword label="Current password" error=error_of(&errors, "current")/>
                    <PasswordField least advised error=error_of(&errors, "password")/>
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Change password"</button>
                    </div>
                    <p class="small"><a href="/forgot">"Forgot your current password?"</a></p>
                </form>
            }
        })
        .await;
    if let Some(seconds) = wait {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert("retry-after", seconds);
    }
    Ok(response)
}
