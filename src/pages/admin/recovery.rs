use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

use super::audit::AuditLines;
use super::pictures::burn_down_chart;
use super::rehearsal::{Affected, span};
use super::rotations::crumbs;
use super::words::{accounts, figure};
use crate::model::{Admin, Phase, UnixMs};
use crate::pages::parts::{
    Fact, Facts, PageHeader, PhaseTrack, Stat, StatTiles, Tone, When, ago, counted, when,
};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::Engine;
use crate::rotation::status::Status;
use crate::store::audit::Entry;
use crate::store::rotations::Rotation;

/// After the cutover: who is broken still, and how fast the others came back.
pub async fn show(
    engine: &Engine,
    admin: &Admin,
    visit: Visit,
    rotation: Rotation,
) -> Result<Response, PageError> {
    let status = engine.status().await?;
    let burn = engine.burn_down(admin).await?;
    let rehearsal = engine.rehearsal(admin).await?;
    let now = rehearsal.now;
    let frame = Frame::new(
        format!("Recovery from {}", rotation.name),
        Section::Rotation,
    );
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let hit = burn.affected > 0 || !burn.recovered.is_empty();
            let title = headline(&status);
            let at = rotation.finalised_at.unwrap_or(now);
            let sub = format!(
                "Rotation {}: cutover {}. It can be reopened until it is closed.",
                rotation.name,
                when(at, now)
            );
            let way = crumbs(rotation.name.clone());
            let page = format!("/admin/rotations/{}", rotation.id);
            let affected = status.accounts.affected;
            view! {
                <PageHeader title sub crumbs=way/>
                <PhaseTrack phase=Some(Phase::Finalised)/>
                <Tiles status/>
                {hit.then(|| burn_down_chart(&burn))}
                {(affected > 0).then(|| view! {
                    <section class="section">
                        <h2>"Still affected"</h2>
                        <Affected accounts=rehearsal.accounts now verb="Refused"/>
                    </section>
                })}
                <div class="split no-print">
                    <p>
                        <a href="/admin/accounts?show=all">"Who was affected, and who works again"</a>
                        " · "
                        <a href="/admin/accounts.csv?show=all" download="">"CSV"</a>
                    </p>
                    <div class="actions">
                        <a class="button" href=format!("{page}/reopen")>"Reopen…"</a>
                        <a class="button" class:primary=affected == 0 href=format!("{page}/close")>"Close…"</a>
                    </div>
                </div>
            }
        })
        .await)
}

fn headline(status: &Status) -> String {
    let fares = status.accounts;
    match (fares.affected, fares.recovered) {
        (0, 0) => "No account was affected by the cutover.".to_owned(),
        (0, _) => "Every affected account works again.".to_owned(),
        (some, 0) => {
            let verb = if some == 1 { "is" } else { "are" };
            format!(
                "{} {verb} still affected; none works again yet.",
                accounts(some)
            )
        }
        (some, back) => {
            let verb = if some == 1 { "is" } else { "are" };
            format!(
                "{} {verb} still affected; {} of {} work again.",
                accounts(some),
                figure(back),
                figure(some + back)
            )
        }
    }
}

#[component]
fn Tiles(status: Status) -> impl IntoView {
    let Status {
        tokens, accounts, ..
    } = status;
    let some = |number: i64, tone: Tone| if number > 0 { tone } else { Tone::Plain };
    view! {
        <StatTiles>
            <Stat value=figure(accounts.affected) label="accounts still affected" tone=some(accounts.affected, Tone::Bad)/>
            <Stat value=figure(accounts.recovered) label="accounts work again" tone=some(accounts.recovered, Tone::Good)/>
            <Stat value=figure(tokens.dormant) label="dormant tokens, refused" tone=some(tokens.dormant, Tone::Warn)/>
            <Stat value=figure(tokens.captured) label="captured tokens go on"/>
        </StatTiles>
    }
}

/// A rotation that is over: the record.
pub async fn show_record(
    engine: &Engine,
    visit: Visit,
    rotation: Rotation,
) -> Result<Response, PageError> {
    let lines = engine.audit(Some(rotation.id.as_str()), 50).await?;
    let captured = engine
        .capture_curve(&rotation, 1)
        .await?
        .points
        .last()
        .map_or(0, |(_, sum)| *sum);
    let now = engine.now();
    let frame = Frame::new(format!("Rotation {}", rotation.name), Section::Rotation);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            record(rotation, captured, lines, now)
        })
        .await)
}

fn record(rotation: Rotation, captured: i64, lines: Vec<Entry>, now: UnixMs) -> impl IntoView {
    let over = rotation.closed_at.or(rotation.aborted_at).unwrap_or(now);
    let title = format!(
        "Rotation {} was {} {}.",
        rotation.name,
        rotation.phase,
        ago(over, now)
    );
    let sub = match rotation.phase {
        Phase::Closed => {
            "Everything of the older keys that could verify is gone. Captured tokens go on by digest alone."
        }
        _ => {
            "Nothing was refused. The key it made goes on signing; the older private key was destroyed at its start."
        }
    };
    let way = crumbs(rotation.name.clone());
    let moment = move |at: Option<UnixMs>| match at {
        Some(at) => view! { <When at now/> }.into_any(),
        None => view! { <span class="quiet">"–"</span> }.into_any(),
    };
    let captured = counted(super::words::count(captured), "token", "tokens");
    let generations = format!(
        "{} to {}",
        rotation.from_generation, rotation.target_generation
    );
    let reason = if rotation.reason.is_empty() {
        "not given".to_owned()
    } else {
        rotation.reason
    };
    view! {
        <PageHeader title sub=sub crumbs=way/>
        <PhaseTrack phase=Some(rotation.phase)/>
        <section class="panel" aria-label="The record">
            <Facts>
                <Fact term="Reason">{reason}</Fact>
                <Fact term="Key generation">{generations}</Fact>
                <Fact term="Started">{moment(Some(rotation.started_at))}", by "{rotation.started_by}</Fact>
                <Fact term="Took effect">{moment(rotation.effective_at)}</Fact>
                <Fact term="End promised">{moment(Some(rotation.ends_at))}</Fact>
                <Fact term="Look-back">{span(rotation.lookback_ms)}</Fact>
                <Fact term="Captured">{captured}</Fact>
                <Fact term="Cutover">{moment(rotation.finalised_at)}</Fact>
                <Fact term="Closed">{moment(rotation.closed_at)}</Fact>
                <Fact term="Aborted">{moment(rotation.aborted_at)}</Fact>
            </Facts>
        </section>
        <section class="section">
            <h2>"What was done"</h2>
            <div class="panel"><AuditLines lines now/></div>
        </section>
    }
}
