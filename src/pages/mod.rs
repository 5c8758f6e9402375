//! Pages for people. One file a page: its view, its POST handlers, its words. A handler obtains
//! proof of who asks, calls one use case, and dresses the result; every page works with no script.

/// Scripts, styles and fonts.
pub mod assets;
/// Commands that show whether a token is accepted.
mod check;
/// What several pages say to a customer: the rotation, the last use.
mod customer;
/// What goes wrong on the way to a page, as a page.
mod error;
/// One integration: its story, its tokens, a new token.
mod integration;
/// Your integrations.
mod integrations;
/// Sign in and out.
mod login;
/// The pieces that pages are made of.
pub mod parts;
/// What stands around every page: head, bar, foot, security headers.
mod shell;
/// Words that many pages need.
mod words;

pub use error::{PageError, dress_bare_errors};
pub use shell::{Frame, Section, Theme, Visit};

use axum::Router;

use crate::auth::AppState;

/// Every page.
pub fn router() -> Router<AppState> {
    // Once in a process; the second time says only that it was done.
    let _ = any_spawner::Executor::init_tokio();
    Router::new()
        .merge(integration::routes())
        .merge(integrations::routes())
        .merge(login::routes())
        .merge(shell::routes())
        .fallback(async || PageError::NotFound)
}
