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
use super::passwords::{self, NotTaken, PasswordField, Username};
use super::shell::{Frame, Section, Visit};
use crate::auth::{AppState, Whose};
use crate::model::OneTimeSecret;
use crate::rotation::{RotationError, Rule};
use crate::store::users::User;

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
    #[serde(default)]
    advised: String,
}

/// Whose password the link sets; `None` when it does not work any more.
async fn owner(app: &AppState, link: &OneTimeSecret) -> Result<Option<User>, PageError> {
    let link = match app.engine.check_link(link, "set-password").await {
        Ok(link) => link,
        Err(RotationError::Refused(Rule::LinkSpent)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match &link.user_id {
        Some(user) => Ok(app.engine.user(user).await?),
        None => Ok(None),
    }
}

async fn page(
    State(app): State<AppState>,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let link = OneTimeSecret::from_visitor(ask.link);
    match owner(&app, &link).await? {
        Some(user) => Ok(show(visit, user, link, None).await),
        None => Ok(spent(visit).await),
    }
}

async fn submit(
    State(app): State<AppState>,
    visit: Visit,
    Form(form): Form<NewPassword>,
) -> Result<Response, PageError> {
    let link = OneTimeSecret::from_visitor(form.link);
    // Asked first: hashing has a price, and only whoever holds a link may cause it.
    let Some(user) = owner(&app, &link).await? else {
        return Ok(spent(visit).await);
    };
    let whose = Whose {
        email: &user.email,
        has_second_factor: user.has_second_factor,
    };
    let hash = match passwords::hash(&app, &form.password, &form.advised, &whose).await {
        Ok(hash) => hash,
        Err(problem) => return Ok(show(visit, user, link, Some(problem)).await),
    };
    match app.engine.set_password_by_link(&link, hash).await {
        Ok(_) => Ok(Redirect::to("/login?set=password").into_response()),
        Err(RotationError::Refused(Rule::LinkSpent)) => Ok(spent(visit).await),
        Err(error) => Err(error.into()),
    }
}

async fn show(
    visit: Visit,
    user: User,
    link: OneTimeSecret,
    problem: Option<NotTaken>,
) -> Response {
    let status = problem
        .as_ref()
        .map_or(StatusCode::OK, |problem| problem.status);
    let frame = Frame::new("Set your password", Section::Elsewhere)
        .narrow()
        .refused(problem.is_some());
    visit
        .show(status, frame, move || {
            let whose = Whose {
                email: &user.email,
                has_second_factor: user.has_second_factor,
            };
            let least = whose.least();
            let advised = problem.as_ref().is_some_and(|problem| problem.is_advice);
            let errors: Vec<FieldError> = problem.map(|problem| problem.error).into_iter().collect();
            let error = error_of(&errors, "password");
            view! {
                <ErrorSummary errors/>
                <PageHeader title="Set your password" sub="You are signed out everywhere when it is set."/>
                <form class="form panel" method="post" action="/set-password">
                    <input type="hidden" name="link" value=link.expose().to_owned()/>
                    <Username email=user.email.clone()/>
                    <PasswordField least advised error/>
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Set password"</button>
                    </div>
                </form>
            }
        })
        .await
}

/// The link has been used, or is too old.
async fn spent(visit: Visit) -> Response {
    let frame = Frame::new("This link no longer works", Section::Elsewhere).narrow();
    visit
        .show(StatusCode::GONE, frame, || {
            view! {
                <PageHeader
                    title="This link no longer works."
                    sub="It was used already, a newer one was asked for, the password was changed since, or it is older \
                         than 24 hours. Your password is as it was set last."
                />
                <div class="actions">
                    <a class="button primary" href="/forgot">"Ask for a new link"</a>
                    <a class="button" href="/login">"Sign in"</a>
                </div>
            }
        })
        .await
}
