use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;

use super::Done;
use crate::auth::AppState;
use crate::model::{LetterKind, Person};
use crate::pages::parts::{Crumb, PageHeader};
use crate::pages::{Frame, PageError, Section, Visit};

pub fn routes() -> Router<AppState> {
    Router::new().route("/settings/notifications", get(page).post(submit))
}

async fn page(
    State(app): State<AppState>,
    person: Person,
    visit: Visit,
) -> Result<Response, PageError> {
    let wanted = app.engine.letters_wanted(&person).await?;
    let frame = Frame::new("Letters", Section::Settings).narrow();
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let count = wanted.iter().filter(|(_, wanted)| *wanted).count();
            let title = if count == wanted.len() {
                "You get every letter.".to_owned()
            } else {
                format!("You get {count} of {} kinds of letters.", wanted.len())
            };
            let crumbs = vec![Crumb::link("Settings", "/settings"), Crumb::here("Letters")];
            let choices = wanted
                .into_iter()
                .map(|(kind, wanted)| view! { <Kind kind wanted/> })
                .collect_view();
            let always = LetterKind::ALL
                .into_iter()
                .filter(|kind| !kind.may_be_declined())
                .map(|kind| view! { <li>{words(kind).0}</li> })
                .collect_view();
            view! {
                <PageHeader title crumbs
                    sub=format!("They go to {}. Several of a kind within a quarter of an hour come as one.", person.email())/>
                <form class="form panel" method="post" action="/settings/notifications">
                    <fieldset class="field">
                        <legend>"Send me a letter when"</legend>
                        <ul class="checks" role="list">{choices}</ul>
                    </fieldset>
                    <div class="actions">
                        <button type="submit" class="button primary wide">"Keep this choice"</button>
                    </div>
                </form>
                <section class="section">
                    <h2>"Always sent"</h2>
                    <p class="quiet">"They tell you when somebody else may be at work in your name."</p>
                    <ul>{always}</ul>
                </section>
            }
        })
        .await)
}

async fn submit(
    State(app): State<AppState>,
    person: Person,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    // Each ticked box sends its kind under the same name.
    let wanted = form
        .iter()
        .filter(|(name, _)| name == "letter")
        .filter_map(|(_, slug)| LetterKind::of_slug(slug))
        .collect();
    app.engine.want_letters(&person, wanted).await?;
    Ok(Redirect::to(&Done::Letters.path()).into_response())
}

#[component]
fn Kind(kind: LetterKind, wanted: bool) -> impl IntoView {
    let (title, detail) = words(kind);
    let id = format!("letter-{}", kind.slug());
    view! {
        <li>
            <label class="check">
                <input type="checkbox" id=id name="letter" value=kind.slug() checked=wanted/>
                <span>
                    <strong>{title}</strong>
                    <span class="quiet">{detail}</span>
                </span>
            </label>
        </li>
    }
}

/// What a kind of letter tells, and what it is good for.
pub const fn words(kind: LetterKind) -> (&'static str, &'static str) {
    match kind {
        LetterKind::TokenIssued => (
            "A token was generated",
            "By anybody of your account, or for it by the platform.",
        ),
        LetterKind::TicketAnswered => (
            "Support has answered",
            "Or has closed a ticket in which you wrote. The answer stands on its page in any case.",
        ),
        LetterKind::TicketAsked => ("A customer asks", "A new ticket, or a reply in one."),
        LetterKind::SignedIn => (
            "A new sign-in",
            "With a browser or from an address that you were not seen with before.",
        ),
        LetterKind::SetPassword => (
            "A link for a forgotten password",
            "Somebody asked for it with your address.",
        ),
        LetterKind::PasswordChanged => ("Your password was changed", ""),
        LetterKind::SecondFactorChanged => (
            "Your second factor was turned on or off, or has new recovery codes",
            "",
        ),
        LetterKind::RecoveryCodeUsed => ("A recovery code was used", ""),
    }
}
