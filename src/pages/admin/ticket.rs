use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;
use serde::Deserialize;

use super::words::{id, refusal};
use crate::auth::AppState;
use crate::model::{Admin, Side, TicketId, TicketState, TokenState, UnixMs};
use crate::pages::customer::{hint, last_refusal};
use crate::pages::parts::{
    Crumb, ErrorSummary, FieldError, PageHeader, StandingBadge, TextField, ago, error_of, when,
};
use crate::pages::support::MOST_FORM_ID;
use crate::pages::support::talk::{About, Conversation, asked_for};
use crate::pages::words::in_short;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::RotationError;
use crate::rotation::overview::{IntegrationView, Overview};
use crate::rotation::tickets::{MOST_TEXT, Thread, Written};

/// Integrations listed beside a ticket, those in need first.
const INTEGRATIONS: usize = 8;

/// One customer's question.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin/tickets/{id}", get(page).post(answer))
        .route("/admin/tickets/{id}/reopen", post(reopen))
}

/// The answer as it was sent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct AnswerSent {
    form: String,
    answer: String,
    /// Which button: `close`, or nothing.
    then: String,
}

/// What the form of an answer shows.
#[derive(Default)]
struct Answering {
    form_id: String,
    written: Written,
    errors: Vec<FieldError>,
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(ticket): Path<String>,
) -> Result<Response, PageError> {
    let answering = Answering::default();
    show(
        &app,
        &admin,
        visit,
        &id(&ticket)?,
        StatusCode::OK,
        answering,
    )
    .await
}

/// Answers, closes, or both. A repeat of the same changes nothing.
async fn answer(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(ticket): Path<String>,
    Form(sent): Form<AnswerSent>,
) -> Result<Response, PageError> {
    if sent.form.len() > MOST_FORM_ID {
        return Err(PageError::BadForm);
    }
    let ticket: TicketId = id(&ticket)?;
    let written = Written::of(&sent.answer);
    let form_id = (!sent.form.is_empty()).then_some(sent.form);
    let close = sent.then == "close";
    let done = app
        .engine
        .answer_ticket(&admin, &ticket, written.clone(), close, form_id)
        .await;
    let Err(error) = done else {
        return Ok(back(&ticket));
    };
    let answering = Answering {
        written,
        errors: vec![match error {
            RotationError::Invalid(_) => asked_for("answer"),
            error => FieldError::new("answer", refusal(error)?),
        }],
        ..Answering::default()
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    show(&app, &admin, visit, &ticket, status, answering).await
}

async fn reopen(
    State(app): State<AppState>,
    admin: Admin,
    Path(ticket): Path<String>,
) -> Result<Response, PageError> {
    let ticket: TicketId = id(&ticket)?;
    app.engine.reopen_ticket(&admin, &ticket).await?;
    Ok(back(&ticket))
}

fn back(ticket: &TicketId) -> Response {
    Redirect::to(&format!("/admin/tickets/{ticket}")).into_response()
}

async fn show(
    app: &AppState,
    admin: &Admin,
    visit: Visit,
    ticket: &TicketId,
    status: StatusCode,
    mut answering: Answering,
) -> Result<Response, PageError> {
    answering.form_id = app.engine.random().hex::<16>();
    let thread = app.engine.ticket(admin, ticket).await?;
    let overview = app
        .engine
        .overview(admin, &thread.ticket.account_id)
        .await?;
    let frame = Frame::new(thread.ticket.subject.clone(), Section::Tickets)
        .refused(!answering.errors.is_empty());
    Ok(visit
        .show(
            status,
            frame,
            move || view! { <Page thread overview answering/> },
        )
        .await)
}

/// The answer: who waits, and how long.
fn headline(thread: &Thread) -> (String, String) {
    let (ticket, now) = (&thread.ticket, thread.now);
    let account = &ticket.account_name;
    let title = match (ticket.state, ticket.waiting_since) {
        (TicketState::Open, Some(since)) => match ago(since, now).as_str() {
            "just now" => format!("{account} waits for an answer."),
            long => format!(
                "{account} has waited for an answer for {}.",
                long.trim_end_matches(" ago")
            ),
        },
        (TicketState::Open, None) => format!("{account} waits for an answer."),
        (TicketState::Answered, _) => format!("{account} has an answer."),
        (TicketState::Closed, _) => format!("This ticket of {account} is closed."),
    };
    let last = thread
        .entries
        .iter()
        .rev()
        .find(|entry| entry.side == Side::Support);
    let sub = match (ticket.state, &ticket.closed_by, ticket.closed_at) {
        (TicketState::Closed, Some(by), Some(at)) => {
            format!("“{}”, closed by {by} {}.", ticket.subject, when(at, now))
        }
        (TicketState::Answered, ..) => match last {
            Some(entry) => format!(
                "“{}”, answered by {} {}.",
                ticket.subject,
                entry.name,
                when(entry.at, now)
            ),
            None => format!("“{}”", ticket.subject),
        },
        _ => format!("“{}”", ticket.subject),
    };
    (title, sub)
}

#[component]
fn Page(thread: Thread, overview: Overview, answering: Answering) -> impl IntoView {
    let (title, sub) = headline(&thread);
    let now = thread.now;
    let of = |state| {
        let tokens = thread.live_tokens().filter(|token| token.state == state);
        tokens.map(|token| hint(&token.row)).collect::<Vec<_>>()
    };
    let pasted = [
        (of(TokenState::Active), "accepted"),
        (
            of(TokenState::Dormant),
            "refused since the cutover, and not revoked",
        ),
    ];
    let warned: Vec<_> = pasted
        .into_iter()
        .filter(|(tokens, _)| !tokens.is_empty())
        .map(|(tokens, how)| {
            let words = format!(
                "Pasted into this ticket and {how}: {}. The customer is offered to revoke it.",
                in_short(&tokens)
            );
            view! { <p class="small quiet">{words}</p> }
        })
        .collect();
    let Thread {
        ticket, entries, ..
    } = thread;
    let crumbs = vec![
        Crumb::link("Tickets", "/admin/tickets"),
        Crumb::here(ticket.subject.clone()),
    ];
    let account = format!("/admin/accounts/{}", ticket.account_id);
    let name = ticket.account_name.clone();
    let errors = answering.errors.clone();
    let (id, state) = (ticket.id.clone(), ticket.state);
    let about = ticket.integration_id.as_ref().map(ToString::to_string);
    view! {
        <ErrorSummary errors/>
        <PageHeader title sub crumbs/>
        <div class="columns side">
            <div class="stack">
                <Conversation entries now/>
                <AnswerForm id state answering/>
            </div>
            <aside class="stack" aria-label="Facts">
                <div class="panel">
                    <h2>"The ticket"</h2>
                    <About ticket now/>
                    {warned}
                </div>
                <div class="panel">
                    <h2><a href=account>{name}</a></h2>
                    <Standings overview about now/>
                </div>
            </aside>
        </div>
    }
}

/// How the account fares: its integrations, the one that is asked about first, each with its last refusal.
#[component]
fn Standings(overview: Overview, about: Option<String>, now: UnixMs) -> impl IntoView {
    let mut views = overview.integrations;
    views.sort_by_key(|view| Some(view.integration.id.as_str()) != about.as_deref());
    if views.is_empty() {
        return view! { <p class="quiet small">"It has no integration."</p> }.into_any();
    }
    let more = views.len().saturating_sub(INTEGRATIONS);
    let lines = views
        .iter()
        .take(INTEGRATIONS)
        .map(|view| standing(view, now))
        .collect_view();
    view! {
        <ul class="stack" role="list">{lines}</ul>
        {(more > 0).then(|| view! { <p class="quiet small">{format!("And {more} more, on the account’s page.")}</p> })}
    }
    .into_any()
}

fn standing(view: &IntegrationView, now: UnixMs) -> impl IntoView + use<> {
    let last = last_refusal(&view.tokens, now);
    view! {
        <li class="stack tight">
            <div class="split"><strong>{view.integration.name.clone()}</strong> <StandingBadge standing=view.standing/></div>
            {last.map(|last| view! { <p class="quiet small">{last}</p> })}
        </li>
    }
}

#[component]
fn AnswerForm(id: TicketId, state: TicketState, answering: Answering) -> impl IntoView {
    let here = format!("/admin/tickets/{id}");
    let is_closed = state == TicketState::Closed;
    let reopen = is_closed.then(|| {
        let action = format!("{here}/reopen");
        view! {
            <form method="post" action=action>
                <button type="submit" class="button">"Open the ticket again"</button>
            </form>
        }
    });
    let close = (!is_closed).then(|| {
        view! {
            <button type="submit" class="button" name="then" value="close" formnovalidate=true>"Close the ticket"</button>
        }
    });
    let hint = if is_closed {
        "It goes to the customer by mail too. An answer opens the ticket again, as answered."
    } else {
        "It goes to the customer by mail too. To close sends what is written here with it, and may go without."
    };
    view! {
        <form class="form panel" method="post" action=here>
            <input type="hidden" name="form" value=answering.form_id/>
            <TextField
                name="answer"
                label="Your answer"
                hint
                value=answering.written.as_str().to_owned()
                error=error_of(&answering.errors, "answer")
                required=true
                max_length=u32::try_from(MOST_TEXT).unwrap_or(u32::MAX)
            />
            <div class="actions">
                <button type="submit" class="button primary">"Send the answer"</button>
                {close}
            </div>
        </form>
        {reopen}
    }
}
