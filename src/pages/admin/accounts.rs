use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use super::filter::{Ask, Wanted};
use super::words::{InUtc, accounts, count, figure};
use crate::auth::AppState;
use crate::model::{Admin, UnixMs};
use crate::pages::parts::{
    Column, EmptyState, Icon, Order, PageHeader, Pagination, Shape, SortHeader, Table, ago,
};
use crate::pages::words::capital;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::overview::Moment;
use crate::rotation::rehearsal::{AccountFate, Show, Sort};

/// Accounts on a page.
const PER_PAGE: i64 = 50;

/// The list of accounts.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/accounts", get(page))
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let mut wanted = Wanted::of(ask);
    let ask = |wanted: &Wanted| wanted.query((wanted.page - 1) * PER_PAGE, PER_PAGE);
    let engine = &app.engine;
    let (mut rows, total) = engine.affected_accounts(&admin, &ask(&wanted)).await?;
    // A page beyond the last is the last.
    let last = (total + PER_PAGE - 1).div_euclid(PER_PAGE).max(1);
    if wanted.page > last {
        wanted.page = last;
        rows = engine.affected_accounts(&admin, &ask(&wanted)).await?.0;
    }
    let moment = engine.moment().await?;
    let now = moment.now;
    let frame = Frame::new("Accounts", Section::Accounts);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let (title, sub) = headline(&wanted, total, &moment);
            let cutover = moment.stage.target.is_none();
            view! {
                <PageHeader title sub/>
                <Filters wanted=wanted.clone()/>
                <Listed wanted rows total now cutover/>
            }
        })
        .await)
}

/// The answer is the number of what is asked for.
fn headline(wanted: &Wanted, total: i64, moment: &Moment) -> (String, String) {
    let one = total == 1;
    let matching = if wanted.search.is_empty() {
        String::new()
    } else {
        format!(" matching “{}”", wanted.search)
    };
    let some = if wanted.search.is_empty() {
        accounts(total)
    } else {
        accounts(total) + &matching
    };
    let some = capital(&some);
    let recording = moment.stage.target.is_some();
    let title = match wanted.show {
        Show::Every => match total {
            0 => format!("There is no account{matching}."),
            1 => format!("There is 1 account{matching}."),
            _ => format!("There are {}.", accounts(total) + &matching),
        },
        Show::Affected if recording => {
            format!("{some} would lose an integration if you finalised now.")
        }
        Show::Affected => format!("{some} {} affected.", if one { "is" } else { "are" }),
        Show::Recovered => format!("{some} {} again.", if one { "works" } else { "work" }),
        Show::All => format!(
            "{some} {} affected, or work again.",
            if one { "is" } else { "are" }
        ),
    };
    let cutover = moment
        .rotation
        .as_ref()
        .and_then(|rotation| rotation.finalised_at);
    let sub = match (wanted.show, cutover) {
        (Show::Every, _) => String::new(),
        _ if recording => {
            "Each has a live token that made no request so far and that no newer token in use has replaced.".to_owned()
        }
        (_, Some(at)) => format!(
            "The cutover was {}. An account works again when each refused integration has made a request with a new token.",
            ago(at, moment.now)
        ),
        _ => "No rotation is running; what the last cutover left is shown.".to_owned(),
    };
    (title, sub)
}

#[component]
fn Filters(wanted: Wanted) -> impl IntoView {
    let options = Wanted::SHOWS
        .into_iter()
        .map(|(show, slug, words)| {
            view! { <option value=slug selected=show == wanted.show>{words}</option> }
        })
        .collect_view();
    view! {
        <form class="filters" method="get" action="/admin/accounts" role="search">
            <div class="field search">
                <label for="q">"Name or contact"</label>
                <input class="input" id="q" name="q" type="search" value=wanted.search maxlength="100" autocomplete="off"/>
            </div>
            <div class="field">
                <label for="show">"Show"</label>
                <select class="input" id="show" name="show">{options}</select>
            </div>
            <button type="submit" class="button primary">
                <Icon shape=Shape::Search small=true/>
                "Search"
            </button>
        </form>
    }
}

#[component]
fn Listed(
    wanted: Wanted,
    rows: Vec<AccountFate>,
    total: i64,
    now: UnixMs,
    /// Whether there was a cutover that people come back from.
    cutover: bool,
) -> impl IntoView {
    if rows.is_empty() {
        return view! { <Nothing wanted/> }.into_any();
    }
    let csv = Wanted {
        page: 1,
        ..wanted.clone()
    }
    .href("/admin/accounts.csv");
    let found = if wanted.search.is_empty() {
        accounts(total)
    } else {
        let match_ = if total == 1 { "matches" } else { "match" };
        format!("{} {match_} “{}”", accounts(total), wanted.search)
    };
    let page = count(wanted.page);
    let at_page = wanted.clone();
    let href = move |page: u64| {
        Wanted {
            page: i64::try_from(page).unwrap_or(1),
            ..at_page.clone()
        }
        .page_href()
    };
    let body = rows
        .into_iter()
        .map(|fate| row(fate, now, cutover))
        .collect_view();
    view! {
        <div class="table-tools">
            <span role="status">{found}</span>
            <a href=csv download="">"All of them as CSV"</a>
        </div>
        <Table caption="Accounts; times are UTC" columns=heads(&wanted, cutover) wide="Accounts">
            {body}
        </Table>
        <Pagination page per_page=count(PER_PAGE) total=count(total) href/>
    }
    .into_any()
}

/// The headings; `cutover` as in [`Listed`]: without one the columns of recovery would hold nothing.
fn heads(wanted: &Wanted, cutover: bool) -> Vec<Column> {
    let sorted = |label: &'static str, by: Sort, num: bool| {
        let (href, order) = wanted.sorted_by(by);
        Column::Own(view! { <SortHeader label href order num/> }.into_any())
    };
    let sortable = wanted.show != Show::Every;
    let mut heads = vec![sorted("Account", Sort::Name, false)];
    heads.push(if sortable {
        sorted("Affected", Sort::Affected, true)
    } else {
        Column::Figures("Affected")
    });
    if cutover {
        heads.push(Column::Figures("Work again"));
    }
    heads.push(Column::Figures("Integrations"));
    heads.push(if sortable {
        sorted("Their last use (UTC)", Sort::LastUse, false)
    } else {
        Column::Words("Last use (UTC)")
    });
    if cutover {
        heads.push(Column::Words("Signed in since (UTC)"));
        heads.push(Column::Words("Works again since (UTC)"));
    }
    heads
}

fn row(fate: AccountFate, now: UnixMs, cutover: bool) -> impl IntoView {
    let href = format!("/admin/accounts/{}", fate.id);
    // While some are affected still, the account does not work again, whatever some of it does.
    let back = fate.recovered_at.filter(|_| fate.affected == 0);
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <a href=href>{fate.name}</a>
                    <span class="quiet">{fate.contact}</span>
                </span>
            </th>
            <td class="num" data-label="Affected">{figure(fate.affected)}</td>
            {cutover.then(|| view! { <td class="num" data-label="Work again">{figure(fate.recovered)}</td> })}
            <td class="num" data-label="Integrations">{figure(fate.integrations)}</td>
            <td data-label="Last use (UTC)"><InUtc at=fate.last_used_at now/></td>
            {cutover.then(|| view! {
                <td data-label="Signed in since (UTC)"><InUtc at=fate.logged_in_at now none="not yet"/></td>
                <td data-label="Works again since (UTC)"><InUtc at=back now none="–"/></td>
            })}
        </tr>
    }
}

/// Nothing matches: say so, and offer every account.
#[component]
fn Nothing(wanted: Wanted) -> impl IntoView {
    let every = Wanted {
        show: Show::Every,
        sort: Sort::Name,
        order: Order::Ascending,
        page: 1,
        ..wanted.clone()
    };
    let all = Wanted {
        search: String::new(),
        ..every.clone()
    }
    .page_href();
    let searched = !wanted.search.is_empty();
    let title = match (wanted.show, searched) {
        (Show::Every, true) => format!("No account matches “{}”", wanted.search),
        (Show::Every, false) => "No account yet".to_owned(),
        (Show::Recovered, true) => {
            format!("No account that works again matches “{}”", wanted.search)
        }
        (Show::Recovered, false) => "No account had to recover".to_owned(),
        (_, true) => format!("No affected account matches “{}”", wanted.search),
        (_, false) => "No account is affected".to_owned(),
    };
    let here = every.page_href();
    let search_every = (searched && wanted.show != Show::Every).then(|| {
        let words = format!("Search every account for “{}”", wanted.search);
        view! { <a class="button" href=here>{words}</a> }
    });
    view! {
        <EmptyState title>
            <div class="cluster">
                {search_every}
                <a class="button" href=all>"Every account by name"</a>
            </div>
        </EmptyState>
    }
}
