use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use super::error::PageError;
use super::parts::{ErrorSummary, FieldError, PageHeader, error_of};
use super::passwords::{self, EmailField, PasswordField};
use super::shell::{Frame, Section, Visit};
use super::words::sentence;
use crate::auth::{AppState, Whose, rules};
use crate::model::{EmailAddress, OneTimeSecret};
use crate::rotation::{NewUser, RotationError, Rule};

/// The first admin, while there is none.
pub fn routes() -> Router<AppState> {
    Router::new().route("/setup", get(page).post(submit))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    link: String,
}

#[derive(Deserialize)]
struct FirstAdmin {
    #[serde(default)]
    link: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    advised: String,
}

/// Whether the visitor holds the link; with an admin there is no such page.
async fn holds_link(app: &AppState, link: &OneTimeSecret) -> Result<bool, PageError> {
    if app.engine.has_admin().await? {
        return Err(PageError::NotFound);
    }
    match app.engine.check_link(link, "setup").await {
        Ok(_) => Ok(true),
        Err(RotationError::Refused(Rule::LinkSpent)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn page(
    State(app): State<AppState>,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let link = OneTimeSecret::from_visitor(ask.link);
    if holds_link(&app, &link).await? {
        Ok(show(visit, StatusCode::OK, link, Filled::default(), Vec::new()).await)
    } else {
        Ok(spent(visit).await)
    }
}

async fn submit(
    State(app): State<AppState>,
    visit: Visit,
    Form(form): Form<FirstAdmin>,
) -> Result<Response, PageError> {
    let link = OneTimeSecret::from_visitor(form.link);
    if !holds_link(&app, &link).await? {
        return Ok(spent(visit).await);
    }
    let email = match form.email.parse::<EmailAddress>() {
        Ok(email) => email,
        Err(invalid) => {
            let errors = vec![FieldError::new("email", sentence(&invalid.to_string()))];
            return Ok(show(
                visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                link,
                Filled::of(form.email),
                errors,
            )
            .await);
        }
    };
    let whose = Whose {
        email: email.as_str(),
        has_second_factor: false,
    };
    let hashed = passwords::hash(&app, &form.password, &form.advised, &whose).await;
    let password_hash = match hashed {
        Ok(hash) => Some(hash),
        Err(problem) => {
            let filled = Filled {
                email: form.email,
                advised: problem.is_advice,
            };
            return Ok(show(visit, problem.status, link, filled, vec![problem.error]).await);
        }
    };
    let new = NewUser {
        account: None,
        name: None,
        email,
        password_hash,
    };
    match app.engine.set_up(&link, new).await {
        Ok(_) => Ok(Redirect::to("/login?set=up").into_response()),
        Err(RotationError::Refused(Rule::LinkSpent)) => Ok(spent(visit).await),
        Err(RotationError::Refused(Rule::SetUp)) => Err(PageError::NotFound),
        Err(RotationError::Taken(_)) => {
            let errors = vec![FieldError::new(
                "email",
                "A user has this address already. Choose another.",
            )];
            Ok(show(
                visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                link,
                Filled::of(form.email),
                errors,
            )
            .await)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the form was filled with.
#[derive(Default)]
struct Filled {
    email: String,
    /// Whether they have been advised against the password they chose.
    advised: bool,
}

impl Filled {
    fn of(email: String) -> Self {
        Self {
            email,
            advised: false,
        }
    }
}

async fn show(
    visit: Visit,
    status: StatusCode,
    link: OneTimeSecret,
    filled: Filled,
    errors: Vec<FieldError>,
) -> Response {
    let frame = Frame::new("Set up Rollcall", Section::Elsewhere)
        .narrow()
        .refused(!errors.is_empty());
    visit
        .show(status, frame, move || {
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader
                    title="Create the first admin"
                    sub="Admins start and finish rotations and see every account. This page is gone afterwards."
                />
                <form class="form panel" method="post" action="/setup">
                    <input type="hidden" name="link" value=link.expose().to_owned()/>
                    <EmailField value=filled.email error=error_of(&errors, "email")/>
                    <PasswordField
                        least=rules::LEAST_ALONE
                        advised=filled.advised
                        error=error_of(&errors, "password")
                    />
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Create admin"</button>
                    </div>
                </form>
            }
        })
        .await
}

async fn spent(visit: Visit) -> Response {
    let frame = Frame::new("This link no longer works", Section::Elsewhere).narrow();
    visit
        .show(StatusCode::GONE, frame, || {
            view! {
                <PageHeader
                    title="This link does not work."
                    sub="The set-up link is printed when the server starts, and works once, for 24 hours. Start the server \
                         again to print a new one, or create an admin on the command line."
                />
                <div class="code"><pre><code>"rollcall admin create --email you@example.com"</code></pre></div>
            }
        })
        .await
}
