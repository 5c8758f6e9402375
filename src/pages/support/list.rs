use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::talk::{TicketBadge, outlook_words};
use crate::auth::AppState;
use crate::model::{Member, TicketState, UnixMs};
use crate::pages::error::PageError;
use crate::pages::parts::{EmptyState, PageHeader, Pagination, Table, When, counted};
use crate::pages::shell::{Frame, Section, Visit};
use crate::rotation::tickets::{Outlook, TicketList};
use crate::store::tickets::Ticket;

/// Tickets on a page.
const PER_PAGE: u64 = 25;

#[derive(Deserialize)]
pub(super) struct Ask {
    page: Option<String>,
}

/// The tickets of the visitor's account.
pub(super) async fn page(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let page = ask.page.and_then(|page| page.parse().ok()).unwrap_or(1);
    let page = page.clamp(1, 10_000);
    let (offset, limit) = ((page - 1) * PER_PAGE, PER_PAGE);
    let (offset, limit) = (offset.cast_signed(), limit.cast_signed());
    let list = app
        .engine
        .tickets(&member, None, None, offset, limit)
        .await?;
    let outlook = app.engine.support_outlook().await?;
    let frame = Frame::new("Support", Section::Support);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            view! { <Tickets list outlook page/> }
        })
        .await)
}

/// The answer: whose turn it is.
fn headline(list: &TicketList) -> String {
    let (open, answered) = (
        list.count(TicketState::Open),
        list.count(TicketState::Answered),
    );
    let tickets = |count: i64| counted(count.unsigned_abs(), "ticket", "tickets");
    match (open, answered) {
        (0, 0) if list.count(TicketState::Closed) == 0 => "Nothing was asked yet.".to_owned(),
        (0, 0) => "Every ticket is closed.".to_owned(),
        (0, 1) => "Support has answered your ticket.".to_owned(),
        (0, _) => format!("Support has answered {}.", tickets(answered)),
        (1, 0) => "Your ticket waits for support.".to_owned(),
        (_, 0) => format!("{} wait for support.", tickets(open)),
        (1, _) => format!("1 ticket waits for support, {} answered.", are(answered)),
        (_, _) => format!(
            "{} wait for support, {} answered.",
            tickets(open),
            are(answered)
        ),
    }
}

fn are(count: i64) -> String {
    if count == 1 {
        "1 is".to_owned()
    } else {
        format!("{count} are")
    }
}

#[component]
fn Tickets(list: TicketList, outlook: Option<Outlook>, page: u64) -> impl IntoView {
    let title = headline(&list);
    let sub = outlook.map(outlook_words).unwrap_or_default();
    let now = list.now;
    let total: i64 = list.counts.iter().map(|count| count.tickets).sum();
    let rows: Vec<_> = list
        .tickets
        .into_iter()
        .map(|ticket| row(ticket, now))
        .collect();
    if total == 0 {
        return view! {
            <PageHeader title sub/>
            <EmptyState
                title="Ask when something does not work"
                text="Most refused requests are mended on the integration’s page, by a new token. For the rest, “Get help” at the foot of \
                      every page asks support; from an integration’s page it sends along what you would have to explain: \
                      the integration, its last refusal. Never the token."
            >
                <a class="button primary" href="/support/new">"Ask a question"</a>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <PageHeader title sub>
            <a class="button primary" href="/support/new">"Ask a question"</a>
        </PageHeader>
        <Table
            caption="Your tickets, those that wait for support first"
            columns=["Ticket", "State", "About", "Asked by", "Last change"]
        >
            {rows}
        </Table>
        <Pagination page per_page=PER_PAGE total=total.unsigned_abs() href=|page| format!("/support?page={page}")/>
    }
    .into_any()
}

fn row(ticket: Ticket, now: UnixMs) -> impl IntoView {
    let href = format!("/support/{}", ticket.id);
    let about = ticket.integration_name.unwrap_or_else(|| "–".to_owned());
    view! {
        <tr>
            <th scope="row"><a href=href>{ticket.subject}</a></th>
            <td data-label="State"><TicketBadge state=ticket.state/></td>
            <td data-label="About">{about}</td>
            <td data-label="Asked by">{ticket.asked_by}</td>
            <td data-label="Last change"><When at=ticket.changed_at now/></td>
        </tr>
    }
}
