use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use super::generate::again;
use super::page::{self, Opened};
use crate::auth::AppState;
use crate::model::{IntegrationId, Member, TokenId, TokenState, UnixMs};
use crate::pages::customer::hint;
use crate::pages::error::PageError;
use crate::pages::parts::{FieldError, Notice, Tone, when};
use crate::pages::shell::Visit;
use crate::pages::words::sentence;
use crate::rotation::overview::Story;
use crate::rotation::registry::Shown;
use crate::rotation::undo::may_be_undone;
use crate::rotation::{RotationError, Rule};

/// What was done to a token, or refused, stands on its integration's page.
pub(super) async fn to_page(Path((id, _)): Path<(String, String)>) -> Result<Redirect, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    Ok(Redirect::to(&format!("/integrations/{id}")))
}

/// Revokes a token; returns when no node accepts it.
pub(super) async fn revoke(
    State(app): State<AppState>,
    member: Member,
    Path(path): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let (id, token) = read(&app, &member, path).await?;
    app.engine.revoke_token(&member, &token).await?;
    Ok(Redirect::to(&format!("/integrations/{id}?revoked={token}")))
}

/// Undoes that while it may be; returns when every node knows.
pub(super) async fn undo(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(path): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (id, token) = read(&app, &member, path).await?;
    let rule = match app.engine.undo_revocation(&member, &token).await {
        Ok(_) => {
            let there = format!("/integrations/{id}?undone={token}");
            return Ok(Redirect::to(&there).into_response());
        }
        Err(RotationError::Refused(
            rule @ (Rule::UndoOver
            | Rule::UndoReplaced
            | Rule::UndoExpired
            | Rule::TooManyTokens(_)),
        )) => rule,
        Err(error) => return Err(error.into()),
    };
    let story = app.engine.integration(&member, &id).await?;
    let error = FieldError::new("generate", sentence(&rule.to_string()));
    let state = again(&app, vec![error]);
    Ok(page::show(visit, story, state, Opened::Plainly).await)
}

/// The integration and the token that an address names, if they belong together and to the asker.
async fn read(
    app: &AppState,
    member: &Member,
    (id, token): (String, String),
) -> Result<(IntegrationId, TokenId), PageError> {
    let (Ok(id), Ok(token)) = (id.parse::<IntegrationId>(), token.parse::<TokenId>()) else {
        return Err(PageError::NotFound);
    };
    let shown = app.engine.show_token(member, &token).await?;
    if shown.row.integration_id != id {
        return Err(PageError::NotFound);
    }
    Ok((id, token))
}

/// The button that revokes, behind a word on what it does: no script, no dialog.
pub(super) fn revoke_button(token: &Shown) -> impl IntoView + use<> {
    let name = hint(&token.row);
    let action = action(token, "revoke");
    let effect = if token.state == TokenState::Dormant {
        "It is refused already, and stays so. For 60 minutes you can undo the revocation."
    } else {
        "Requests with it are refused at once. For 60 minutes you can undo that."
    };
    view! {
        <details class="ask">
            <summary class="link-button">
                "Revoke"<span class="visually-hidden">{format!(" token {name}")}</span>
            </summary>
            <form class="stack tight" method="post" action=action>
                <p class="small">{effect}</p>
                <button type="submit" class="button danger small">{format!("Revoke {name}")}</button>
            </form>
        </details>
    }
}

/// The button that undoes it, while it may be.
pub(super) fn undo_button(token: &Shown, now: UnixMs) -> impl IntoView + use<> {
    may_be_undone(&token.row, now).then(|| {
        let name = hint(&token.row);
        view! {
            <form method="post" action=action(token, "undo")>
                <button type="submit" class="button small">
                    "Undo"<span class="visually-hidden">{format!(" the revocation of {name}")}</span>
                </button>
            </form>
        }
    })
}

fn action(token: &Shown, what: &str) -> String {
    let row = &token.row;
    format!(
        "/integrations/{}/tokens/{}/{what}",
        row.integration_id, row.id
    )
}

/// What is said to whoever revoked a token, or undid it: how it stands now, whatever happened since.
pub(super) fn outcome(story: &Story, token: &str) -> Option<AnyView> {
    let now = story.moment.now;
    let mut tokens = story.view.tokens.iter();
    let token = tokens.find(|shown| shown.row.id.as_str() == token)?;
    let name = hint(&token.row);
    let (tone, text) = match token.state {
        TokenState::Revoked => (
            Tone::Good,
            format!("Token {name} is revoked: requests with it are refused."),
        ),
        TokenState::Active => (
            Tone::Good,
            format!("Token {name} is not revoked: requests with it are answered."),
        ),
        TokenState::Dormant => (
            Tone::Warn,
            format!(
                "Token {name} is not revoked, but still refused: it made no request in the recording phase."
            ),
        ),
        TokenState::Replaced | TokenState::Expired | TokenState::Held => return None,
    };
    let until = token
        .row
        .undo_until
        .filter(|_| may_be_undone(&token.row, now));
    let undo = until.map(|until| {
        let by_mistake = format!(
            "Revoked by mistake? You can undo it until {}.",
            when(until, now)
        );
        view! { <p>{by_mistake}</p>{undo_button(token, now)} }
    });
    Some(
        view! { <Notice tone><div class="stack tight"><p>{text}</p>{undo}</div></Notice> }
            .into_any(),
    )
}
