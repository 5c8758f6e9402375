use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

use super::pictures::{STEPS, capture_chart};
use super::rotations::crumbs;
use super::words::{InUtc, accounts, count, figure};
use crate::model::{Admin, Phase, Standing, UnixMs};
use crate::pages::parts::Column::{Figures, Words};
use crate::pages::parts::{
    Badge, EmptyState, Notice, PageHeader, PhaseTrack, Shape, Stat, StatTiles, Table, Tone,
    counted, day, moment_to_the_second,
};
use crate::pages::words::{capital, in_short};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::Engine;
use crate::rotation::held::HeldAccount;
use crate::rotation::phases::MONTHLY_LOOKBACK_DAYS;
use crate::rotation::rehearsal::{AffectedAccount, AffectedIntegration, Forecast, Rehearsal};
use crate::rotation::status::Status;
use crate::store::rotations::Rotation;

/// How many accounts the page lists; the rest stand in the list of accounts and in its CSV.
const LISTED: usize = 100;
/// What happens to the integrations of a rehearsal.
const STOPS: &str = "Stops";

/// Who would break if the rotation were finalised now.
pub async fn show(
    engine: &Engine,
    admin: &Admin,
    visit: Visit,
    rotation: Rotation,
) -> Result<Response, PageError> {
    let rehearsal = engine.rehearsal(admin).await?;
    let status = engine.status().await?;
    let curve = engine.capture_curve(&rotation, STEPS).await?;
    let held = engine.held_by_account(admin).await?;
    let frame = Frame::new(format!("Rehearsal of {}", rotation.name), Section::Rotation);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let Rehearsal { accounts, forecast, now } = rehearsal;
            let affected = i64::try_from(accounts.len()).unwrap_or(0);
            let title = headline(affected, status.tokens.held);
            let sub = expected(affected, &forecast, now);
            let way = crumbs(rotation.name.clone());
            let missing = status.tokens.not_seen;
            let page = format!("/admin/rotations/{}", rotation.id);
            view! {
                <PageHeader title sub crumbs=way/>
                <p class="only-print">
                    {format!("Rotation {}, rehearsed {}.", rotation.name, moment_to_the_second(now, now))}
                </p>
                <PhaseTrack phase=Some(Phase::Recording)/>
                {unsettled(&rotation)}
                <div class="stack tight">
                    <Tiles status/>
                    <p class="quiet small">
                        "Rehearsed " {moment_to_the_second(now, now)}
                        <span class="no-print">" · " <a href=page.clone()>"Reload"</a></span>
                    </p>
                </div>
                {capture_chart(&curve, &rotation, missing)}
                <Affected accounts now/>
                {held_at_risk(held)}
                <div class="split no-print">
                    <p>
                        <a href="/admin/accounts">{if affected == 1 {
                            "The one account".to_owned()
                        } else {
                            format!("All {}", self::accounts(affected))
                        }}</a>
                        " · "
                        <a href="/admin/accounts.csv" download="">"CSV"</a>
                    </p>
                    <div class="actions">
                        <a class="button" href=format!("{page}/abort")>"Abort…"</a>
                        <a class="button primary" href=format!("{page}/finalise")>"Finalise…"</a>
                    </div>
                </div>
            }
        })
        .await)
}

fn headline(affected: i64, held: i64) -> String {
    let lose = match affected {
        0 => "nobody would lose an integration".to_owned(),
        some => format!("{} would lose an integration", accounts(some)),
    };
    let refused = match held {
        0 => String::new(),
        some => format!(
            ", and {} would be refused",
            counted(count(some), "held token", "held tokens")
        ),
    };
    format!("If you finalised now, {lose}{refused}.")
}

/// The held tokens that would be refused, by the account that their claims name; nothing when there
/// are none.
fn held_at_risk(held: Vec<HeldAccount>) -> Option<impl IntoView> {
    if held.is_empty() {
        return None;
    }
    let more = held.len().saturating_sub(LISTED);
    let rows = held
        .into_iter()
        .take(LISTED)
        .map(|of| {
            let tokens = figure(i64::try_from(of.count()).unwrap_or(i64::MAX));
            let integrations: Vec<String> = of.integrations.into_iter().filter_map(|one| one.name).take(3).collect();
            let name = match (of.account_id, of.account) {
                (Some(id), Some(name)) => {
                    let href = format!("/admin/accounts/{id}");
                    view! { <a href=href>{name}</a> }.into_any()
                }
                (None, Some(claim)) => view! { <span>"“" {claim} "”, no such account"</span> }.into_any(),
                _ => view! { <span>"no account named"</span> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row"><span class="cell-two">{name} <span class="quiet">{of.contact}</span></span></th>
                    <td data-label="Integrations">{integrations.join(", ")}</td>
                    <td data-label="Held tokens" class="num">{tokens}</td>
                </tr>
            }
        })
        .collect_view();
    Some(view! {
        <section class="section">
            <div class="section-head">
                <h2>"Held: issued elsewhere and not approved"</h2>
                <a href="/admin/held">"Decide about held tokens"</a>
            </div>
            <Table
                caption="Held tokens that would be refused, by the account their claims name"
                columns=[Words("Account by their claims"), Words("Integrations"), Figures("Held tokens")]
                wide="Held tokens by account"
            >
                {rows}
            </Table>
            {(more > 0).then(|| view! { <p class="quiet small">{format!("and {more} more")}</p> })}
        </section>
    })
}

/// What is to be expected of them, and what is not known.
fn expected(affected: i64, forecast: &Forecast, now: UnixMs) -> String {
    if affected == 0 {
        return "Every live token of an integration in use is captured or was replaced.".to_owned();
    }
    let mut parts = Vec::new();
    match forecast.monthly {
        0 => {}
        1 => parts.push("1 of them calls about once a month.".to_owned()),
        some => parts.push(format!("{} of them call about once a month.", figure(some))),
    }
    if let Some(by) = forecast.due_by {
        let left = affected - forecast.due;
        let due = if forecast.due == 1 { "is" } else { "are" };
        parts.push(format!(
            "{} {due} due to call by {}: if you wait until then, {} left.",
            figure(forecast.due),
            day(by, now),
            match left {
                0 => "none are".to_owned(),
                1 => "1 is".to_owned(),
                left => format!("{} are", figure(left)),
            }
        ));
    }
    match forecast.lookback_keeps {
        Some(keeps) if keeps > 0 => parts.push(format!(
            "A look-back of {MONTHLY_LOOKBACK_DAYS} days would have kept {}.",
            figure(keeps)
        )),
        _ => {}
    }
    match forecast.unknown {
        0 => {}
        1 => parts.push("How often 1 of them calls is unknown.".to_owned()),
        some => parts.push(format!(
            "How often {} of them call is unknown.",
            figure(some)
        )),
    }
    parts.join(" ")
}

/// What stands against finalising already.
fn unsettled(rotation: &Rotation) -> Option<impl IntoView + use<>> {
    let words = if rotation.effective_at.is_none() {
        "The start is taking effect on every node. The old key signs until then; reload in a few seconds."
            .to_owned()
    } else if rotation.looked_back_at.is_none() {
        format!(
            "The look-back is still counting past use: {} carried over so far. These numbers fall until it has \
             finished, and the cutover waits for it.",
            figure(rotation.lookback_carried)
        )
    } else {
        return None;
    };
    Some(view! { <Notice tone=Tone::Warn><p>{words}</p></Notice> })
}

#[component]
fn Tiles(status: Status) -> impl IntoView {
    let Status {
        tokens, sessions, ..
    } = status;
    let some = |number: i64, tone: Tone| if number > 0 { tone } else { Tone::Plain };
    view! {
        <StatTiles>
            <Stat value=figure(tokens.captured) label="tokens captured" tone=some(tokens.captured, Tone::Good)/>
            <Stat value=figure(tokens.not_seen) label="tokens not seen yet" tone=some(tokens.not_seen, Tone::Warn)/>
            <Stat value=figure(sessions.captured) label="sessions captured"/>
            <Stat value=figure(tokens.held) label="held: issued elsewhere" tone=some(tokens.held, Tone::Bad)/>
        </StatTiles>
    }
}

/// The accounts that are affected, with the integrations that stop.
#[component]
pub fn Affected(
    /// Them, by name.
    accounts: Vec<AffectedAccount>,
    /// The present.
    now: UnixMs,
    /// What happens to their integrations, as the head of its column.
    #[prop(default = STOPS)]
    verb: &'static str,
) -> impl IntoView {
    if accounts.is_empty() {
        return view! {
            <EmptyState title="No account is affected" text="Whoever would lose an integration is listed here."/>
        }
        .into_any();
    }
    let more = accounts.len().saturating_sub(LISTED);
    let rows = accounts
        .into_iter()
        .take(LISTED)
        .map(|account| row(account, now, verb))
        .collect_view();
    view! {
        <Table
            caption="Affected accounts by name; times are UTC"
            columns=["Account", verb, "Cadence", "Last use (UTC)"]
            wide="Affected accounts"
        >
            {rows}
        </Table>
        {(more > 0).then(|| view! {
            <p class="quiet small">
                {format!("and {} more, in the list of all accounts", figure(i64::try_from(more).unwrap_or(0)))}
            </p>
        })}
    }
    .into_any()
}

fn row(account: AffectedAccount, now: UnixMs, verb: &'static str) -> impl IntoView {
    let href = format!("/admin/accounts/{}", account.account_id);
    let stops = format!("{} of {}", account.integrations.len(), account.of);
    let names: Vec<&str> = account
        .integrations
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let names = in_short(&names);
    let refused = refused_already(&account.integrations, verb);
    // The account is as urgent as its integration that was used last.
    let last = account
        .integrations
        .iter()
        .max_by_key(|one| one.last_used_at);
    let mut cadence = last.map_or_else(String::new, |one| cadence(one, now));
    let others = account
        .integrations
        .iter()
        .filter(|one| Some(one.id.clone()) != last.map(|last| last.id.clone()));
    let unknown = others.filter(|one| one.cadence.is_none()).count();
    if unknown > 0 {
        cadence = format!("{cadence}; {unknown} unknown");
    }
    let used = last.and_then(|one| one.last_used_at);
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <a href=href>{account.account}</a>
                    <span class="quiet">{account.contact}</span>
                </span>
            </th>
            <td data-label=verb>
                <span class="cell-two">
                    <span>{stops}</span>
                    " "
                    <span class="quiet">{names}</span>
                    {refused.map(|words| view! { " " <Badge tone=Tone::Bad shape=Shape::Alert words/> })}
                </span>
            </td>
            <td data-label="Cadence">{cadence}</td>
            <td data-label="Last use (UTC)"><InUtc at=used now/></td>
        </tr>
    }
}

/// Which of them an earlier cutover refuses already: finalising changes nothing for those. After the
/// cutover itself all of them are, and it goes without saying.
fn refused_already(integrations: &[AffectedIntegration], verb: &str) -> Option<String> {
    if verb != STOPS {
        return None;
    }
    let refused = integrations
        .iter()
        .filter(|one| one.standing == Standing::NeedsToken)
        .count();
    match refused {
        0 => None,
        all if all == integrations.len() => Some("refused already".to_owned()),
        some => Some(format!("{some} refused already")),
    }
}

/// How often it calls, or that this is not known; and when it ceased to.
fn cadence(one: &AffectedIntegration, now: UnixMs) -> String {
    let Some(used) = one.last_used_at else {
        return "never used".to_owned();
    };
    match one.cadence {
        None => "unknown: used on one day only".to_owned(),
        Some(cadence) if one.due(now).is_none() => format!("{cadence} until {}", day(used, now)),
        Some(cadence) => cadence.to_string(),
    }
}

/// A length of time in words for a fact: "14 days".
pub fn span(ms: i64) -> String {
    let text = crate::model::Span(ms).to_string();
    match text.strip_suffix('d') {
        Some("1") => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
        None if ms == 0 => "none".to_owned(),
        None => capital(&text),
    }
}
