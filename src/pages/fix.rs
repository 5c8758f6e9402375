use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::customer::cutover;
use super::error::PageError;
use super::login::{SignIn, SignInFormState};
use super::parts::{PageHeader, when};
use super::shell::{Frame, Section, Visit};
use crate::auth::{AppState, Who};
use crate::model::UnixMs;
use crate::rotation::RotationError;
use crate::rotation::tickets::Context;

/// The most characters of a reference; ours have 20.
const MOST_REF: usize = 64;

/// Where the link in a 401 leads.
pub fn routes() -> Router<AppState> {
    Router::new().route("/fix", get(page))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default, rename = "ref")]
    fix_ref: String,
}

/// The reference, where it could be one: it goes back into an address as it is.
fn readable(fix_ref: &str) -> Option<&str> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!fix_ref.is_empty() && fix_ref.len() <= MOST_REF && fix_ref.bytes().all(fine))
        .then_some(fix_ref)
}

async fn page(
    State(app): State<AppState>,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let fix_ref = readable(&ask.fix_ref);
    let member = match &visit.who {
        Who::Member { member, .. } => member.clone(),
        Who::Admin(_) => return Ok(unknown(visit).await),
        Who::Nobody { .. } => {
            let moment = app.engine.moment().await?;
            let at = cutover(&moment);
            return Ok(welcome(visit, fix_ref, at, moment.now).await);
        }
    };
    let Some(fix_ref) = fix_ref else {
        return Ok(unknown(visit).await);
    };
    match app.engine.integration_of_ref(&member, fix_ref).await {
        Ok(id) => Ok(Redirect::to(&format!("/integrations/{id}?from=401")).into_response()),
        Err(RotationError::NotFound(_)) => Ok(unknown(visit).await),
        Err(error) => Err(error.into()),
    }
}

/// What happened, and the way in. It says the same whether the reference is known or not: whose
/// token it was, only its owner learns.
async fn welcome(
    visit: Visit,
    fix_ref: Option<&str>,
    cutover: Option<UnixMs>,
    now: UnixMs,
) -> Response {
    let state = SignInFormState {
        next: fix_ref.map_or_else(|| "/".to_owned(), |fix_ref| format!("/fix?ref={fix_ref}")),
        ..SignInFormState::default()
    };
    let sub = match cutover {
        Some(at) => format!(
            "The signing key of this service was rotated at the cutover of {}, and tokens that had not been used in the \
             days before stopped working. Sign in, and the integration that was refused is open before you.",
            when(at, now)
        ),
        None => "Its access token is no longer accepted. Sign in, and the integration that was refused is open before you, \
                 with the reason."
            .to_owned(),
    };
    let about = Context::of("", "", "", fix_ref.unwrap_or_default());
    let frame = Frame::new("Your request was refused", Section::Elsewhere)
        .narrow()
        .about(about);
    visit
        .show(StatusCode::OK, frame, move || {
            view! {
                <PageHeader title="Your request was refused. A new token mends it." sub/>
                <SignIn state/>
                <ol class="steps" role="list" aria-label="What comes next">
                    <li aria-current="step"><div>"Sign in."</div></li>
                    <li><div>"Generate a new token for the integration that is shown."</div></li>
                    <li><div>"Copy it, and put it in your code in place of the old one."</div></li>
                </ol>
                <p class="small"><a href="/help/token_not_captured">"Read what the code in the answer means"</a></p>
            }
        })
        .await
}

/// The reference leads nowhere for this user.
async fn unknown(visit: Visit) -> Response {
    let is_admin = matches!(visit.who, Who::Admin(_));
    let (href, words) = if is_admin {
        ("/admin/accounts", "Look at the accounts")
    } else {
        ("/", "Open your integrations")
    };
    let frame = Frame::new("This link is not for your account", Section::Elsewhere).reading();
    visit
        .show(StatusCode::NOT_FOUND, frame, move || {
            view! {
                <PageHeader
                    title="This link leads to no integration of yours."
                    sub="It may be cut off, or the refused request came from another account. To open it, sign in as \
                         somebody of that account."
                />
                <div class="actions">
                    <a class="button primary" href=href>{words}</a>
                    <form method="post" action="/logout">
                        <button type="submit" class="button">"Sign out, to sign in as somebody else"</button>
                    </form>
                </div>
            }
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_a_reference_goes_back_into_an_address() {
        assert_eq!(readable("aB3-_x"), Some("aB3-_x"));
        for wrong in ["", "a&next=//evil", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(readable(wrong), None, "{wrong}");
        }
    }
}
