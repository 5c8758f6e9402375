use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::MOST_FORM_ID;
use super::form::Removed;
use super::new::{carried, found_before, refused};
use super::talk::{About, Conversation, asked_for, outlook_words};
use crate::auth::AppState;
use crate::model::{Member, Side, TicketId, TicketState, TokenId, TokenState, UnixMs};
use crate::pages::customer::hint;
use crate::pages::error::PageError;
use crate::pages::parts::{
    Crumb, ErrorSummary, FieldError, Notice, PageHeader, TextField, Tone, error_of, when,
};
use crate::pages::shell::{Frame, Section, Visit};
use crate::rotation::RotationError;
use crate::rotation::registry::Shown;
use crate::rotation::tickets::{MOST_TEXT, Reply, Thread, Written};
use crate::rotation::undo::may_be_undone;

/// The reply as it was sent.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ReplySent {
    form: String,
    reply: String,
    found: String,
}

/// What the form of a reply shows.
#[derive(Default)]
struct Replying {
    form_id: String,
    written: Written,
    found: String,
    errors: Vec<FieldError>,
}

fn id(text: &str) -> Result<TicketId, PageError> {
    text.parse().map_err(|_| PageError::NotFound)
}

/// One ticket.
pub(super) async fn page(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(ticket): Path<String>,
) -> Result<Response, PageError> {
    let thread = app.engine.ticket(&member, &id(&ticket)?).await?;
    let replying = Replying {
        form_id: app.engine.random().hex::<16>(),
        ..Replying::default()
    };
    Ok(show(visit, StatusCode::OK, thread, replying).await)
}

/// Adds a reply. A repeat of the same changes nothing.
pub(super) async fn reply(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(ticket): Path<String>,
    Form(sent): Form<ReplySent>,
) -> Result<Response, PageError> {
    if sent.form.len() > MOST_FORM_ID {
        return Err(PageError::BadForm);
    }
    let ticket = id(&ticket)?;
    let reply = Reply {
        text: Written::of(&sent.reply),
        found: found_before(&sent.found),
        form_id: (!sent.form.is_empty()).then_some(sent.form),
    };
    let done = app
        .engine
        .reply_to_ticket(&member, &ticket, reply.clone())
        .await;
    let (status, errors) = match done {
        Ok(()) => return Ok(back(&ticket)),
        Err(RotationError::Invalid(_)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, vec![asked_for("reply")])
        }
        Err(RotationError::Refused(rule)) => refused(&rule)?,
        Err(error) => return Err(error.into()),
    };
    let thread = app.engine.ticket(&member, &ticket).await?;
    let replying = Replying {
        form_id: app.engine.random().hex::<16>(),
        found: carried(&app, &member, reply.found, &[&reply.text]).await?,
        written: reply.text,
        errors,
    };
    Ok(show(visit, status, thread, replying).await)
}

/// The customer says that it is settled.
pub(super) async fn close(
    State(app): State<AppState>,
    member: Member,
    Path(ticket): Path<String>,
) -> Result<Response, PageError> {
    let ticket = id(&ticket)?;
    app.engine.close_ticket(&member, &ticket).await?;
    Ok(back(&ticket))
}

/// Revokes a token that stood in the ticket; returns when no node accepts it.
pub(super) async fn revoke(
    State(app): State<AppState>,
    member: Member,
    Path((ticket, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let ticket = id(&ticket)?;
    let token: TokenId = token.parse().map_err(|_| PageError::NotFound)?;
    let thread = app.engine.ticket(&member, &ticket).await?;
    if !thread.tokens.iter().any(|found| found.row.id == token) {
        return Err(PageError::NotFound);
    }
    app.engine.revoke_token(&member, &token).await?;
    Ok(back(&ticket))
}

fn back(ticket: &TicketId) -> Response {
    Redirect::to(&format!("/support/{ticket}")).into_response()
}

async fn show(visit: Visit, status: StatusCode, thread: Thread, replying: Replying) -> Response {
    let frame = Frame::new(thread.ticket.subject.clone(), Section::Support)
        .refused(!replying.errors.is_empty());
    visit
        .show(status, frame, move || view! { <Page thread replying/> })
        .await
}

/// The answer: whose turn it is.
fn headline(thread: &Thread) -> (String, String) {
    let (ticket, now) = (&thread.ticket, thread.now);
    let subject = &ticket.subject;
    let answer = thread
        .entries
        .iter()
        .rev()
        .find(|entry| entry.side == Side::Support);
    match ticket.state {
        TicketState::Open => (
            format!("“{subject}” waits for support."),
            thread.outlook.map_or_else(
                || "The answer comes here and by mail.".to_owned(),
                |outlook| {
                    format!(
                        "{} The answer comes here and by mail.",
                        outlook_words(outlook)
                    )
                },
            ),
        ),
        TicketState::Answered => (
            format!("Support has answered “{subject}”."),
            answer.map_or_else(String::new, |entry| {
                format!("{} wrote {}.", entry.name, when(entry.at, now))
            }),
        ),
        TicketState::Closed => (
            format!("“{subject}” is closed."),
            match (&ticket.closed_by, ticket.closed_at) {
                (Some(by), Some(at)) => {
                    format!("{by} closed it {}. A reply opens it again.", when(at, now))
                }
                _ => "A reply opens it again.".to_owned(),
            },
        ),
    }
}

#[component]
fn Page(thread: Thread, replying: Replying) -> impl IntoView {
    let (title, sub) = headline(&thread);
    let now = thread.now;
    let found: Vec<_> = thread
        .live_tokens()
        .map(|token| found(&thread.ticket.id, token, now))
        .collect();
    let revoked: Vec<_> = thread
        .tokens
        .iter()
        .filter_map(|token| revoked(token, now))
        .collect();
    let Thread {
        ticket, entries, ..
    } = thread;
    let crumbs = vec![
        Crumb::link("Support", "/support"),
        Crumb::here(ticket.subject.clone()),
    ];
    let href = ticket
        .integration_id
        .as_ref()
        .map(|integration| format!("/integrations/{integration}"));
    let errors = replying.errors.clone();
    view! {
        <ErrorSummary errors/>
        <PageHeader title sub crumbs/>
        {found}
        {revoked}
        <div class="columns side">
            <div class="stack">
                <Conversation entries now/>
                <ReplyForm id=ticket.id.clone() state=ticket.state replying/>
            </div>
            <aside class="stack" aria-label="Facts">
                <div class="panel"><About ticket integration_href=href now/></div>
            </aside>
        </div>
    }
}

/// A live token that stood in the ticket: whoever saw it elsewhere can use it.
fn found(ticket: &TicketId, token: &Shown, now: UnixMs) -> impl IntoView + use<> {
    let name = hint(&token.row);
    let action = format!("/support/{ticket}/tokens/{}/revoke", token.row.id);
    let integration = format!("/integrations/{}#generate", token.row.integration_id);
    let issued = when(token.row.issued_at, now);
    let said = format!(
        "Your token {name}, issued {issued}, was pasted into this ticket. It was removed before anything was stored."
    );
    let advice = if token.state == TokenState::Dormant {
        "It has been refused since the cutover. Revoked, it stays so for good.".into_any()
    } else {
        view! {
            "It still works. If others have seen it too, revoke it; " <a href=integration>"generate a new one"</a>
            " first, so that nothing stops."
        }
        .into_any()
    };
    view! {
        <Notice tone=Tone::Warn>
            <form class="stack tight" method="post" action=action>
                <p>{said} " " {advice}</p>
                <div class="actions">
                    <button type="submit" class="button small danger">{format!("Revoke {name}")}</button>
                </div>
            </form>
        </Notice>
    }
}

/// A token that stood in the ticket and was revoked: done, and where to take it back while one may.
fn revoked(token: &Shown, now: UnixMs) -> Option<impl IntoView + use<>> {
    let at = token.row.revoked_at?;
    let said = format!(
        "Your token {} was pasted into this ticket. It was revoked {}.",
        hint(&token.row),
        when(at, now)
    );
    let integration = format!("/integrations/{}", token.row.integration_id);
    let undo = may_be_undone(&token.row, now).then(
        || view! { " "<a href=integration>"Undo it on its integration’s page"</a>", for an hour." },
    );
    Some(view! { <Notice tone=Tone::Good><p>{said}{undo}</p></Notice> })
}

#[component]
fn ReplyForm(id: TicketId, state: TicketState, replying: Replying) -> impl IntoView {
    let Replying {
        form_id,
        written,
        found,
        errors,
    } = replying;
    let here = format!("/support/{id}");
    let close = (state != TicketState::Closed).then(|| {
        let action = format!("{here}/close");
        view! {
            <form method="post" action=action>
                <button type="submit" class="button">"It is settled: close the ticket"</button>
            </form>
        }
    });
    let class = if state == TicketState::Open {
        "button"
    } else {
        "button primary"
    };
    let removed = written.removed();
    view! {
        <form class="form panel" method="post" action=here>
            <input type="hidden" name="form" value=form_id/>
            <input type="hidden" name="found" value=found/>
            {(removed > 0).then(|| view! { <Removed removed/> })}
            <TextField
                name="reply"
                label="Your reply"
                hint="We do not need the token itself. One that slips in is removed before anything is stored."
                value=written.as_str().to_owned()
                error=error_of(&errors, "reply")
                required=true
                max_length=u32::try_from(MOST_TEXT).unwrap_or(u32::MAX)
            />
            <div class="actions">
                <button type="submit" class=class>"Send the reply"</button>
            </div>
        </form>
        {close}
    }
}
