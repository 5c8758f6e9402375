use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use super::audit::AuditLines;
use super::tickets::of_account;
use super::words::{InUtc, figure, id};
use crate::auth::AppState;
use crate::model::{AccountId, Admin, TokenState, UnixMs};
use crate::pages::needs::{first_of, needs};
use crate::pages::parts::Column::{Figures, Unseen, Words};
use crate::pages::parts::{
    CadenceBars, Crumb, EmptyState, Fact, Facts, Notice, PageHeader, StandingBadge, StateBadge,
    Table, Tone, When, counted, when,
};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::overview::{DAYS_SHOWN, IntegrationView, Moment, Overview};
use crate::rotation::registry::Shown;
use crate::rotation::tickets::TicketList;
use crate::store::accounts::Account;
use crate::store::audit::Entry;
use crate::store::users::User;

/// Tokens listed of one integration.
const TOKENS: usize = 10;
/// Tickets listed.
const TICKETS: i64 = 5;
/// Lines of the audit.
const LINES: i64 = 20;

/// One account.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/accounts/{id}", get(page))
}

/// The way to a page about one account.
pub fn crumbs(account: &Account, here: Option<&str>) -> Vec<Crumb> {
    let mut way = vec![Crumb::link("Accounts", "/admin/accounts")];
    match here {
        None => way.push(Crumb::here(account.name.clone())),
        Some(here) => {
            way.push(Crumb::link(account.name.clone(), href(account)));
            way.push(Crumb::here(here));
        }
    }
    way
}

/// The address of an account's page.
pub fn href(account: &Account) -> String {
    format!("/admin/accounts/{}", account.id)
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(account): Path<String>,
) -> Result<Response, PageError> {
    let (engine, account) = (&app.engine, id::<AccountId>(&account)?);
    let overview = engine.overview(&admin, &account).await?;
    let members = engine.users_of(&admin, &account).await?;
    let lines = engine.audit_of_account(&admin, &account, LINES).await?;
    let tickets = engine
        .tickets(&admin, Some(&account), None, 0, TICKETS)
        .await?;
    let account = engine.account(&admin, account.as_str()).await?;
    let frame = Frame::new(account.name.clone(), Section::Accounts);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            body(&account, overview, members, tickets, lines)
        })
        .await)
}

fn body(
    account: &Account,
    overview: Overview,
    members: Vec<User>,
    tickets: TicketList,
    lines: Vec<Entry>,
) -> impl IntoView + use<> {
    let Overview {
        moment,
        integrations,
        ..
    } = overview;
    let now = moment.now;
    let title = headline(account, &integrations);
    let sub = said(&moment);
    let here = href(account);
    let disabled = account.disabled_at.map(|at| {
        view! {
            <Notice tone=Tone::Bad>
                <p>{format!("Disabled {}: every request is refused and nobody can sign in.", when(at, now))}</p>
            </Notice>
        }
    });
    let empty = integrations.is_empty();
    let blocks = integrations
        .into_iter()
        .map(|view| integration(view, &here, &moment))
        .collect_view();
    view! {
        <PageHeader title sub crumbs=crumbs(account, None)/>
        {disabled}
        <section class="panel" aria-label="Facts"><About account=account.clone() members now/></section>
        <section class="section">
            <h2>"Integrations"</h2>
            {empty.then(|| view! { <EmptyState title="No integration yet"/> })}
            {blocks}
        </section>
        {of_account(tickets)}
        <section class="section">
            <h2>"What was done"</h2>
            <div class="panel"><AuditLines lines now/></div>
        </section>
    }
}

/// The answer: how the account fares.
fn headline(account: &Account, integrations: &[IntegrationView]) -> String {
    let name = &account.name;
    if account.disabled_at.is_some() {
        return format!("{name} is disabled.");
    }
    let all = integrations.len();
    let whole = match all {
        0 => return format!("{name} has no integration yet."),
        1 => "its one integration".to_owned(),
        all => format!("{all} integrations"),
    };
    let told = |some: usize, one: &str, many: &str| match (all, some) {
        (1, _) => format!("{name}: {whole} {one}."),
        (_, 1) => format!("{name}: 1 of {whole} {one}."),
        _ => format!("{name}: {some} of {whole} {many}."),
    };
    match first_of(&needs(integrations)) {
        Some((some, one, many)) => told(some, one, many),
        None => told(all, "keeps working", "keep working"),
    }
}

/// The rotation that the standings belong to.
fn said(moment: &Moment) -> String {
    match &moment.rotation {
        None => "No rotation is running.".to_owned(),
        Some(rotation) => match rotation.finalised_at {
            Some(at) => format!(
                "Rotation {}: cutover {}.",
                rotation.name,
                when(at, moment.now)
            ),
            None => format!(
                "Rotation {} records; the promised end is {}.",
                rotation.name,
                when(rotation.ends_at, moment.now)
            ),
        },
    }
}

#[component]
fn About(account: Account, members: Vec<User>, now: UnixMs) -> impl IntoView {
    let here = href(&account);
    let mail = format!("mailto:{}", account.contact);
    let many = members.len();
    let people = members
        .into_iter()
        .map(|member| {
            let name = member.name;
            let off = member.disabled_at.map(|_| " (disabled)");
            view! { <li>{name} " " <span class="quiet">{member.email}</span> {off}</li> }
        })
        .collect_view();
    let (step, words) = if account.disabled_at.is_some() {
        ("enable", "Enable the account…")
    } else {
        ("disable", "Disable the account…")
    };
    view! {
        <Facts>
            <Fact term="Contact"><a href=mail>{account.contact}</a></Fact>
            <Fact term="Id"><span class="mono">{account.id.to_string()}</span></Fact>
            <Fact term="Created"><When at=account.created_at now/></Fact>
            <Fact term="Members">
                {if many == 0 {
                    view! { <span class="quiet">"nobody can sign in yet"</span> }.into_any()
                } else {
                    view! { <ul role="list">{people}</ul> }.into_any()
                }}
            </Fact>
            <Fact term="Access"><a href=format!("{here}/{step}")>{words}</a></Fact>
        </Facts>
    }
}

/// One integration: its standing, its cadence, its tokens.
fn integration(view: IntegrationView, account: &str, moment: &Moment) -> impl IntoView + use<> {
    let now = moment.now;
    let name = view.integration.name.clone();
    let days: Vec<u32> = view
        .days
        .iter()
        .map(|uses| u32::try_from(*uses).unwrap_or(u32::MAX))
        .collect();
    let started = moment.rotation.as_ref().map(|rotation| rotation.started_at);
    let recording_from = started.and_then(|at| {
        let ago = usize::try_from(now.day() - at.day()).ok()?;
        (DAYS_SHOWN - 1).checked_sub(ago)
    });
    let cadence = match view.cadence {
        Some(cadence) => format!("Calls {cadence}."),
        None => "How often it calls is unknown.".to_owned(),
    };
    let more = view.tokens.len().saturating_sub(TOKENS);
    let last = view.last_used().and_then(|token| token.last_used_at);
    let used = match last {
        Some(at) => format!("Last request {}.", when(at, now)),
        None => "Never used.".to_owned(),
    };
    let refused = view.refused();
    let rows = view
        .tokens
        .into_iter()
        .take(TOKENS)
        .map(|token| token_row(token, account, &name, now))
        .collect::<Vec<_>>();
    let label = format!("Tokens of {name}");
    let empty = rows.is_empty();
    view! {
        <div class="panel flush">
            <div class="panel-head">
                <div class="cluster">
                    <h3>{name}</h3>
                    <StandingBadge standing=view.standing/>
                </div>
                <CadenceBars days recording_from/>
            </div>
            {if empty {
                view! { <p class="panel-foot quiet small">"It never had a token."</p> }.into_any()
            } else {
                view! {
                        <Table
                            caption=label
                            columns=[
                                Words("Token"), Words("State"), Words("Issued (UTC)"), Words("Last use (UTC)"),
                                Figures("Requests"), Figures("Refused"), Unseen("What to do")
                            ]
                            boxless=true
                        >
                            {rows}
                        </Table>
                }.into_any()
            }}
            <p class="panel-foot quiet small">
                {used} " " {cadence}
                {(refused > 0).then(|| format!(" {} refused.", counted(super::words::count(refused), "request", "requests")))}
                {(more > 0).then(|| format!(" {more} older tokens are not listed."))}
            </p>
        </div>
    }
}

fn token_row(token: Shown, account: &str, integration: &str, now: UnixMs) -> impl IntoView + use<> {
    let Shown { row, state } = token;
    let readmit = (state == TokenState::Dormant).then(|| {
        let to = format!("{account}/tokens/{}/readmit", row.id);
        let name = format!("Readmit token ending in {} of {integration}", row.hint);
        view! { <a class="button small" href=to aria-label=name>"Readmit…"</a> }
    });
    let generation = if row.born == row.generation {
        format!("generation {}", row.born)
    } else {
        format!("generation {}, carried to {}", row.born, row.generation)
    };
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <span class="mono" title=row.id.to_string()>"…" {row.hint}</span>
                    <span class="quiet small">{generation}</span>
                </span>
            </th>
            <td data-label="State"><StateBadge state/></td>
            <td data-label="Issued (UTC)"><InUtc at=Some(row.issued_at) now/></td>
            <td data-label="Last use (UTC)"><InUtc at=row.last_used_at now/></td>
            <td class="num" data-label="Requests">{figure(row.uses)}</td>
            <td class="num" data-label="Refused">{figure(row.refused)}</td>
            <td class="num">{readmit}</td>
        </tr>
    }
}
