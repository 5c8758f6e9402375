//! Pages for people. One file a page: its view, its POST handlers, its words. A handler obtains
//! proof of who asks, calls one use case, and dresses the result; every page works with no script.

/// A user's sessions.
mod activity;
/// The rotation, the accounts, the keys and the audit, for admins.
mod admin;
/// Scripts, styles and fonts.
pub mod assets;
/// Commands that show whether a token is accepted.
mod check;
/// What several pages say to a customer: the rotation, the last use.
mod customer;
/// A pasted token, explained without being sent.
mod diagnose;
/// What goes wrong on the way to a page, as a page.
mod error;
/// Where the link in a 401 leads.
mod fix;
/// A link by mail that sets a password.
mod forgot;
/// Questions, answers, and what each refusal code means.
mod help;
/// One integration: its story, its tokens, a new token.
mod integration;
/// Your integrations.
mod integrations;
/// Sign in and out.
mod login;
/// What integrations need that do not keep working by themselves, in words.
mod needs;
/// The pieces that pages are made of.
pub mod parts;
/// What every form that sets a password shares.
mod passwords;
/// The second factor at sign-in.
mod second_step;
/// A new password, by a link that works once.
mod set_password;
/// A user's own account: password, letters.
mod settings;
/// The first admin, while there is none.
mod setup;
/// What stands around every page: head, bar, foot, security headers.
mod shell;
/// The rotation's state, for anyone.
mod status;
/// Questions to support.
mod support;
/// Words that many pages need.
mod words;

pub use error::{PageError, dress_bare_errors};
pub use shell::{Frame, Section, Theme, Visit, fragment, status_of};

use axum::Router;

use crate::auth::AppState;

/// Every page.
pub fn router() -> Router<AppState> {
    // Once in a process; the second time says only that it was done.
    let _ = any_spawner::Executor::init_tokio();
    Router::new()
        .merge(admin::routes())
        .merge(activity::routes())
        .merge(diagnose::routes())
        .merge(fix::routes())
        .merge(forgot::routes())
        .merge(help::routes())
        .merge(integration::routes())
        .merge(integrations::routes())
        .merge(login::routes())
        .merge(second_step::routes())
        .merge(set_password::routes())
        .merge(settings::routes())
        .merge(setup::routes())
        .merge(shell::routes())
        .merge(status::routes())
        .merge(support::routes())
        .fallback(async || PageError::NotFound)
}
