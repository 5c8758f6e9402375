use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::words::{count, figure};
use crate::auth::AppState;
use crate::model::{Admin, TicketState, UnixMs};
use crate::pages::parts::{EmptyState, PageHeader, Pagination, Table, When, ago, counted};
use crate::pages::support::talk::TicketBadge;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::tickets::TicketList;
use crate::store::tickets::Ticket;

/// Tickets on a page.
const PER_PAGE: i64 = 50;

/// Customers' questions.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/tickets", get(page))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Ask {
    state: String,
    page: String,
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let state = ask.state.parse::<TicketState>().ok();
    let page = i64::clamp(ask.page.parse().unwrap_or(1), 1, 100_000);
    let list = app
        .engine
        .tickets(&admin, None, state, (page - 1) * PER_PAGE, PER_PAGE)
        .await?;
    let frame = Frame::new("Tickets", Section::Tickets);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let (title, sub) = headline(&list);
            view! {
                <PageHeader title sub/>
                {chips(&list, state)}
                <Listed list state page/>
            }
        })
        .await)
}

/// The answer: how many wait, and how long the first of them.
fn headline(list: &TicketList) -> (String, String) {
    let open = list.count(TicketState::Open);
    match list.waiting_since() {
        Some(since) if open > 0 => {
            let waits = if open == 1 { "waits" } else { "wait" };
            let tickets = counted(count(open), "ticket", "tickets");
            let since = ago(since, list.now).trim_end_matches(" ago").to_owned();
            let first = match (open, since.as_str()) {
                (_, "just now") => "It has just come.".to_owned(),
                (1, _) => format!("It has waited for {since}."),
                _ => format!("The first has waited for {since}."),
            };
            (format!("{tickets} {waits} for an answer."), first)
        }
        _ => (
            "No ticket waits for an answer.".to_owned(),
            "What customers ask by “Get help” at the foot of their pages comes here, with what they would have to explain."
                .to_owned(),
        ),
    }
}

fn href(state: Option<TicketState>, page: u64) -> String {
    let state = state.map(|state| format!("state={}", state.slug()));
    let page = (page > 1).then(|| format!("page={page}"));
    let query: Vec<String> = state.into_iter().chain(page).collect();
    if query.is_empty() {
        "/admin/tickets".to_owned()
    } else {
        format!("/admin/tickets?{}", query.join("&"))
    }
}

fn chips(list: &TicketList, chosen: Option<TicketState>) -> impl IntoView + use<> {
    let all = [
        (None, "All"),
        (Some(TicketState::Open), "Open"),
        (Some(TicketState::Answered), "Answered"),
        (Some(TicketState::Closed), "Closed"),
    ];
    let links = all
        .map(|(state, words)| {
            let number = match state {
                Some(state) => list.count(state),
                None => list.counts.iter().map(|count| count.tickets).sum(),
            };
            let current = (state == chosen).then_some("page");
            view! { <a href=href(state, 1) aria-current=current>{words} " " {figure(number)}</a> }
        })
        .into_iter()
        .collect_view();
    view! { <nav class="chips" aria-label="Which tickets">{links}</nav> }
}

#[component]
fn Listed(list: TicketList, state: Option<TicketState>, page: i64) -> impl IntoView {
    let now = list.now;
    let total = match state {
        Some(state) => list.count(state),
        None => list.counts.iter().map(|count| count.tickets).sum(),
    };
    if list.tickets.is_empty() {
        let title = match (total, state) {
            (0, None) => "Nothing was asked yet".to_owned(),
            (0, Some(state)) => format!("No ticket is {}", state.slug()),
            _ => "There is no such page".to_owned(),
        };
        return view! { <EmptyState title/> }.into_any();
    }
    let rows = list
        .tickets
        .into_iter()
        .map(|ticket| row(ticket, now))
        .collect_view();
    view! {
        <Table
            caption="Tickets, those that wait for an answer first"
            columns=["Ticket", "State", "Account", "About", "Waits since", "Last change"]
            wide="Tickets"
        >
            {rows}
        </Table>
        <Pagination page=count(page) per_page=count(PER_PAGE) total=count(total) href=move |page| href(state, page)/>
    }
    .into_any()
}

fn row(ticket: Ticket, now: UnixMs) -> impl IntoView {
    let here = format!("/admin/tickets/{}", ticket.id);
    let account = format!("/admin/accounts/{}", ticket.account_id);
    let about = ticket.integration_name.unwrap_or_else(|| "–".to_owned());
    let waits = match ticket.waiting_since {
        Some(at) => view! { <When at now/> }.into_any(),
        None => "–".into_any(),
    };
    view! {
        <tr>
            <th scope="row"><a href=here>{ticket.subject}</a></th>
            <td data-label="State"><TicketBadge state=ticket.state/></td>
            <td data-label="Account">
                <span class="cell-two"><a href=account>{ticket.account_name}</a> <span class="quiet">{ticket.asked_by}</span></span>
            </td>
            <td data-label="About">{about}</td>
            <td data-label="Waits since">{waits}</td>
            <td data-label="Last change"><When at=ticket.changed_at now/></td>
        </tr>
    }
}

/// The tickets of one account, for its page. Nothing where it never asked.
pub fn of_account(list: TicketList) -> impl IntoView {
    let total: i64 = list.counts.iter().map(|count| count.tickets).sum();
    if total == 0 {
        return None;
    }
    let now = list.now;
    let more = total - i64::try_from(list.tickets.len()).unwrap_or(total);
    let lines = list
        .tickets
        .into_iter()
        .map(|ticket| {
            let here = format!("/admin/tickets/{}", ticket.id);
            view! {
                <li class="split">
                    <span class="cluster"><a href=here>{ticket.subject}</a> <TicketBadge state=ticket.state/></span>
                    <span class="quiet small"><When at=ticket.changed_at now/></span>
                </li>
            }
        })
        .collect_view();
    Some(view! {
        <section class="section">
            <h2>"Tickets"</h2>
            <div class="panel">
                <ul class="stack tight" role="list">{lines}</ul>
                {(more > 0).then(|| view! { <p class="quiet small">{format!("And {} more.", figure(more))}</p> })}
            </div>
        </section>
    })
}
