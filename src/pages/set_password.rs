use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use super::error::PageError;
use super::parts::{ErrorSummary, Field, FieldError, PageHeader, error_of};
use super::shell::{Frame, Section, Visit};
use super::words::sentence;
use crate::auth::{AppState, PasswordError};
use crate::model::OneTimeSecret;
use crate::rotation::{RotationError, Rule};

/// A new password, by a link that works once.
pub fn routes() -> Router<AppState> {
    Router::new().route("/set-password", get(page).post(submit))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    link: String,
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    link: String,
    #[serde(default)]
    password: SecretString,
}

async fn page(
    State(app): State<AppState>,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let link = OneTimeSecret::from_visitor(ask.link);
    match app.engine.check_link(&link, "set-password").await {
        Ok(_) => Ok(show(visit, StatusCode::OK, link, None).await),
        Err(RotationError::Refused(Rule::LinkSpent)) => Ok(spent(visit).await),
        Err(error) => Err(error.into()),
    }
}

async fn submit(
    State(app): State<AppState>,
    visit: Visit,
    Form(form): Form<NewPassword>,
) -> Result<Response, PageError> {
    let link = OneTimeSecret::from_visitor(form.link);
    // Asked first: hashing has a price, and only whoever holds a link may cause it.
    match app.engine.check_link(&link, "set-password").await {
        Ok(_) => {}
        Err(RotationError::Refused(Rule::LinkSpent)) => return Ok(spent(visit).await),
        Err(error) => return Err(error.into()),
    }
    let hash = match app.passwords.hash(&form.password).await {
        Ok(hash) => hash,
        Err(error) => {
            let (status, problem) = refused(error);
            return Ok(show(visit, status, link, Some(problem)).await);
        }
    };
    match app.engine.set_password_by_link(&link, hash).await {
        Ok(_) => Ok(Redirect::to("/login?set=password").into_response()),
        Err(RotationError::Refused(Rule::LinkSpent)) => Ok(spent(visit).await),
        Err(error) => Err(error.into()),
    }
}

/// Why a password was not taken, and the status that says so.
pub(super) fn refused(error: PasswordError) -> (StatusCode, FieldError) {
    let status = match error {
        PasswordError::Length => StatusCode::UNPROCESSABLE_ENTITY,
        PasswordError::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (
        status,
        FieldError::new("password", sentence(&error.to_string())),
    )
}

async fn show(
    visit: Visit,
    status: StatusCode,
    link: OneTimeSecret,
    problem: Option<FieldError>,
) -> Response {
    let title = if problem.is_some() {
        "Error: Set your password"
    } else {
        "Set your password"
    };
    let errors: Vec<FieldError> = problem.into_iter().collect();
    let frame = Frame::new(title, Section::Elsewhere).narrow();
    visit
        .show(status, frame, move || {
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title="Set your password" sub="You are signed out everywhere when it is set."/>
                <form class="form panel" method="post" action="/set-password">
                    <input type="hidden" name="link" value=link.expose().to_owned()/>
                    <PasswordField error=error_of(&errors, "password")/>
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Set password"</button>
                    </div>
                </form>
            }
        })
        .await
}

/// The field for a new password, with what it takes.
#[component]
pub(super) fn PasswordField(
    /// What is wrong with the one given.
    #[prop(optional_no_strip)]
    error: Option<String>,
) -> impl IntoView {
    view! {
        <Field
            name="password"
            label="New password"
            hint="8 characters at least. Three or four words that nobody puts together are strong."
            kind="password"
            autocomplete="new-password"
            required=true
            error
        />
    }
}

/// The link has been used, or is too old.
async fn spent(visit: Visit) -> Response {
    let frame = Frame::new("This link no longer works", Section::Elsewhere).narrow();
    visit
        .show(StatusCode::GONE, frame, || {
            view! {
                <PageHeader
                    title="This link no longer works."
                    sub="It was used already, a newer one was asked for, or it is older than 24 hours. Your password is as \
                         it was."
                />
                <div class="actions">
                    <a class="button primary" href="/forgot">"Ask for a new link"</a>
                    <a class="button" href="/login">"Sign in"</a>
                </div>
            }
        })
        .await
}
