//! Pages for admins of the platform. To anyone else who is signed in they do not exist.

/// One account, and what can be done about it.
mod account;
/// Readmit a token; disable and enable an account.
mod account_steps;
/// The list of accounts.
mod accounts;
/// Forged tokens and compromised keys, where nobody overlooks them.
mod alarm;
/// What was done, by whom.
mod audit;
/// What each step does to how many.
mod consequences;
/// The list of accounts as CSV.
mod export;
/// Which accounts the URL asks for.
mod filter;
/// Tokens issued elsewhere that are not registered.
mod held;
/// One of them: approve or refuse it.
mod held_token;
/// The signing keys by generation.
mod keys;
/// Mail that has not left.
mod notify;
/// The rotation now.
mod now;
/// The recording phase and the recovery as curves.
mod pictures;
/// After the cutover, and when all is over.
mod recovery;
/// Who would break if the rotation were finalised now.
mod rehearsal;
/// Every rotation, and the way to one of them.
mod rotations;
/// Start a rotation.
mod start;
/// Finalise, reopen, abort, close.
mod steps;
/// One customer's question: its facts, the answer.
mod ticket;
/// Customers' questions.
mod tickets;
/// Refusals, counts and phases in words.
mod words;

use axum::Router;

use crate::auth::AppState;

/// Every page for admins.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(now::routes())
        .merge(rotations::routes())
        .merge(start::routes())
        .merge(steps::routes())
        .merge(accounts::routes())
        .merge(export::routes())
        .merge(account::routes())
        .merge(account_steps::routes())
        .merge(held::routes())
        .merge(held_token::routes())
        .merge(keys::routes())
        .merge(alarm::routes())
        .merge(audit::routes())
        .merge(notify::routes())
        .merge(tickets::routes())
        .merge(ticket::routes())
}
