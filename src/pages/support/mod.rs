//! Questions to support, as customers ask and follow them.

/// The form: on its page and in the dialog.
mod form;
/// The tickets of one's account.
mod list;
/// Ask.
mod new;
/// What is said in a ticket, for both sides.
pub mod talk;
/// One ticket: reply, close, revoke what stood in it.
mod thread;

use axum::Router;
use axum::routing::{get, post};
use leptos::prelude::*;

use crate::auth::{AppState, Who};
use crate::pages::parts::{Icon, Shape};
use crate::pages::shell::Frame;
use crate::rotation::tickets::Context;

/// The most characters of a form's id; ours have 32.
pub const MOST_FORM_ID: usize = 64;

/// Tickets of customers.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/support", get(list::page))
        .route("/support/new", get(new::page).post(new::submit))
        .route("/support/new/form", get(new::fragment))
        .route("/support/{id}", get(thread::page).post(thread::reply))
        .route("/support/{id}/close", post(thread::close))
        .route("/support/{id}/tokens/{token}/revoke", post(thread::revoke))
}

/// Where a question about this is asked.
pub fn ask_href(about: &Context) -> String {
    format!("/support/new{}", about.query())
}

/// A way to help in the text of a member's page: it opens as [`widget`] does.
pub fn help_link(about: &Context) -> impl IntoView + use<> {
    view! { <a href=ask_href(about) data-dialog=fragment_href(about)>"Get help"</a> }
}

fn fragment_href(about: &Context) -> String {
    format!("/support/new/form{}", about.query())
}

/// The way to help that stands in the same place on every page of whoever is not support. With script a
/// member asks in a dialog, over the page; without, on the page that the link leads to.
pub fn widget(who: &Who, frame: &Frame) -> Option<impl IntoView + use<>> {
    if matches!(who, Who::Admin(_)) {
        return None;
    }
    let in_dialog = matches!(who, Who::Member { .. }) && !frame.is_question;
    let src = in_dialog.then(|| fragment_href(&frame.about));
    let current = frame.is_question.then_some("page");
    Some(view! {
        <a class="button small" href=ask_href(&frame.about) data-dialog=src aria-current=current>
            <Icon shape=Shape::Help small=true/>
            "Get help"
        </a>
    })
}

/// The place of the dialog on a member's page.
pub fn dialog_place(who: &Who) -> Option<impl IntoView + use<>> {
    let is_member = matches!(who, Who::Member { .. });
    is_member.then(|| view! { <dialog id="dialog" aria-label="Get help"></dialog> })
}
