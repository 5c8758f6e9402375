//! One integration: where it stands, what happened, its tokens, and a new one.

mod answer;
mod archived;
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
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::{get, post};

use super::error::PageError;
use crate::auth::AppState;
use crate::model::IntegrationId;

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
            post(revoke::revoke),
        )
        .route("/integrations/{id}/tokens/{token}/undo", post(revoke::undo))
}

/// The page of a fresh token cannot be opened again: whoever comes back is told so.
async fn generated(Path(id): Path<String>) -> Result<Redirect, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    Ok(Redirect::to(&format!(
        "/integrations/{id}?generated=already"
    )))
}
