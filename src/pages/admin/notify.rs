use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;

use crate::auth::AppState;
use crate::model::{Admin, LetterKind, UnixMs};
use crate::pages::parts::{Badge, EmptyState, PageHeader, Shape, Table, Tone, When, counted};
use crate::pages::settings::letter_words;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::outbox::UnsentLetters;
use crate::store::letters::Unsent;

/// Mail that has not left.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin/notify", get(page))
        .route("/admin/notify/{letter}/again", post(again))
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
) -> Result<Response, PageError> {
    let unsent = app.engine.unsent_letters(&admin).await?;
    let frame = Frame::new("Mail", Section::Mail);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let (title, sub) = headline(&unsent);
            let UnsentLetters { first, now, .. } = unsent;
            view! {
                <PageHeader title sub/>
                <Listed letters=first now/>
            }
        })
        .await)
}

async fn again(
    State(app): State<AppState>,
    admin: Admin,
    Path(letter): Path<String>,
) -> Result<Redirect, PageError> {
    // One that waits again already shows so on the page.
    app.engine.send_letter_again(&admin, &letter).await?;
    Ok(Redirect::to("/admin/notify"))
}

fn headline(unsent: &UnsentLetters) -> (String, &'static str) {
    let figure = |count: i64| u64::try_from(count).unwrap_or(0);
    let letters = |count: i64| counted(figure(count), "letter", "letters");
    match (unsent.given_up, unsent.waiting) {
        (0, 0) => (
            "Every letter has left.".to_owned(),
            "What could not be sent is listed here, with what the mail server said.",
        ),
        (0, waiting) => (
            format!(
                "{} {} to be sent.",
                letters(waiting),
                if waiting == 1 { "waits" } else { "wait" }
            ),
            "Each is tried again by itself: after half a minute, then at longer and longer intervals, for about ten hours.",
        ),
        (given_up, waiting) => (
            format!(
                "{} {} given up, {} {}.",
                letters(given_up),
                if given_up == 1 { "was" } else { "were" },
                figure(waiting),
                if waiting == 1 { "waits" } else { "wait" },
            ),
            "What was given up is not tried again by itself. Mend what the mail server complains of, then send it again.",
        ),
    }
}

#[component]
fn Listed(letters: Vec<Unsent>, now: UnixMs) -> impl IntoView {
    if letters.is_empty() {
        return view! { <EmptyState title="Nothing waits"/> }.into_any();
    }
    let rows = letters
        .into_iter()
        .map(|letter| row(letter, now))
        .collect_view();
    view! {
        <Table
            caption="Letters that have not left, those given up first; times are UTC"
            columns=["To", "Letter", "State", "What the mail server said", "Do"]
            wide="Letters that have not left"
        >
            {rows}
        </Table>
    }
    .into_any()
}

fn row(letter: Unsent, now: UnixMs) -> impl IntoView {
    let kind = LetterKind::of_slug(&letter.kind);
    let words = kind.map_or_else(
        || letter.kind.clone(),
        |kind| letter_words(kind).0.to_owned(),
    );
    let tried = counted(u64::try_from(letter.attempts).unwrap_or(0), "try", "tries");
    let account = letter.account_name.unwrap_or_else(|| "admin".to_owned());
    let (state, button) = match letter.given_up_at {
        Some(at) => {
            let name = format!("Send again: {words}, to {}", letter.email);
            let action = format!("/admin/notify/{}/again", letter.id);
            (
                view! {
                    <span class="cell-two">
                        <Badge tone=Tone::Bad shape=Shape::Alert words="Given up"/>
                        <span class="quiet small"><When at now brief=true/> ", after " {tried}</span>
                    </span>
                }
                .into_any(),
                view! {
                    <form method="post" action=action>
                        <button type="submit" class="button small" aria-label=name>"Send again"</button>
                    </form>
                }
                .into_any(),
            )
        }
        None if letter.attempts == 0 => (
            view! {
                <span class="cell-two">
                    <Badge tone=Tone::Plain shape=Shape::Waiting words="Waiting"/>
                    <span class="quiet small">"goes out " <When at=letter.due_at now brief=true/></span>
                </span>
            }
            .into_any(),
            view! { <span class="quiet small">"Nothing"</span> }.into_any(),
        ),
        None => (
            view! {
                <span class="cell-two">
                    <Badge tone=Tone::Warn shape=Shape::Waiting words="Tried again"/>
                    <span class="quiet small">"next " <When at=letter.due_at now brief=true/> ", after " {tried}</span>
                </span>
            }
            .into_any(),
            view! { <span class="quiet small">"Nothing"</span> }.into_any(),
        ),
    };
    let reason = letter.reason.unwrap_or_else(|| "–".to_owned());
    view! {
        <tr>
            <th scope="row"><span class="cell-two">{letter.email} <span class="quiet">{account}</span></span></th>
            <td data-label="Letter">
                <span class="cell-two">{words} <span class="quiet small"><When at=letter.ordered_at now brief=true/></span></span>
            </td>
            <td data-label="State">{state}</td>
            <td data-label="What the mail server said">{reason}</td>
            <td data-label="Do">{button}</td>
        </tr>
    }
}
