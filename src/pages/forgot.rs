use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::error::PageError;
use super::parts::{ErrorSummary, FieldError, PageHeader, error_of};
use super::passwords::EmailField;
use super::shell::{Frame, Section, Visit};
use super::words::sentence;
use crate::auth::{AppState, ask_for_password_link};
use crate::model::EmailAddress;
use crate::rotation::Caller;

/// A link by mail that sets a password.
pub fn routes() -> Router<AppState> {
    Router::new().route("/forgot", get(page).post(submit))
}

#[derive(Deserialize)]
struct Forgot {
    #[serde(default)]
    email: String,
}

async fn page(visit: Visit) -> Response {
    show(visit, StatusCode::OK, String::new(), Vec::new()).await
}

async fn submit(
    State(app): State<AppState>,
    caller: Caller,
    visit: Visit,
    Form(form): Form<Forgot>,
) -> Result<Response, PageError> {
    let email = match form.email.parse::<EmailAddress>() {
        Ok(email) => email,
        Err(invalid) => {
            let errors = vec![FieldError::new("email", sentence(&invalid.to_string()))];
            return Ok(show(visit, StatusCode::UNPROCESSABLE_ENTITY, form.email, errors).await);
        }
    };
    let seconds = ask_for_password_link(&app, &caller, email).await?;
    if seconds > 0 {
        let text = format!("Too many links were asked for. Try again in {seconds} seconds.");
        let errors = vec![FieldError::new("email", text)];
        let mut response = show(visit, StatusCode::TOO_MANY_REQUESTS, form.email, errors).await;
        response
            .headers_mut()
            .insert("retry-after", HeaderValue::from(seconds));
        return Ok(response);
    }
    Ok(sent(visit, form.email).await)
}

async fn show(
    visit: Visit,
    status: StatusCode,
    email: String,
    errors: Vec<FieldError>,
) -> Response {
    let frame = Frame::new("Forgot your password?", Section::Elsewhere)
        .narrow()
        .refused(!errors.is_empty());
    visit
        .show(status, frame, move || {
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title="Set a new password" sub="We send you a link that works once, for 24 hours."/>
                <form class="form panel" method="post" action="/forgot">
                    <EmailField value=email error=error_of(&errors, "email")/>
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Send the link"</button>
                    </div>
                    <p class="small"><a href="/login">"Back to sign in"</a></p>
                </form>
            }
        })
        .await
}

/// The same for everybody, whether the address is known or not.
async fn sent(visit: Visit, email: String) -> Response {
    let frame = Frame::new("Check your mail", Section::Elsewhere).narrow();
    visit
        .show(StatusCode::OK, frame, move || {
            view! {
                <PageHeader
                    title="Check your mail."
                    sub=format!(
                        "If {} belongs to a user here, a link that sets a new password is on its way. It works once, for \
                         24 hours; an older one no longer does.",
                        email.trim()
                    )
                />
                <p class="measure">
                    "Nothing after five minutes: look among the unwanted mail, or ask whoever manages your account which \
                     address you sign in with."
                </p>
                <div class="actions"><a class="button" href="/login">"Back to sign in"</a></div>
            }
        })
        .await
}
