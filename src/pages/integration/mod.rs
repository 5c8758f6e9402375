//! One integration: where it stands, what happened, its tokens, and a new one.

mod answer;
mod archived;
mod callers;
mod edit;
mod form;
mod fresh;
mod generate;
mod handover;
mod live;
mod page;
mod refusals;
mod repeated;
mod revoke;
mod timeline;
mod tokens;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::get;

use super::error::PageError;
use crate::auth::AppState;
use crate::model::{HOUR_MS, IntegrationId, Member};
use crate::rotation::RotationError;

/// An integration and what can be done to its tokens.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/integrations/{id}", get(page::get))
        .route("/integrations/{id}/live", get(live::fragment))
        .route("/integrations/{id}/edit", get(edit::get))
        .route(
            "/integrations/{id}/rename",
            get(edit::to_page).post(edit::rename),
        )
        .route(
            "/integrations/{id}/archive",
            get(edit::to_page).post(edit::archive),
        )
        .route(
            "/integrations/{id}/tokens",
            get(generated).post(generate::submit),
        )
        .route(
            "/integrations/{id}/tokens/{token}/revoke",
            get(revoke::to_page).post(revoke::revoke),
        )
        .route(
            "/integrations/{id}/tokens/{token}/undo",
            get(revoke::to_page).post(revoke::undo),
        )
}

/// The page of a fresh token cannot be opened again: whoever comes back is told so. Where the form was
/// refused, or it is long ago, there is nothing to tell.
async fn generated(
    State(app): State<AppState>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    let newest = match app.engine.integration_standing(&member, &id).await {
        // Archived meanwhile, or a stranger's: its page says so.
        Err(RotationError::NotFound(_)) => None,
        found => found?.1,
    };
    let now = app.engine.now();
    let is_fresh = newest.is_some_and(|token| now.since(token.issued_at) < HOUR_MS);
    let note = if is_fresh { "?generated=already" } else { "" };
    Ok(Redirect::to(&format!("/integrations/{id}{note}")))
}
