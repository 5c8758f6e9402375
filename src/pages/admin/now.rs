use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use super::alarm::Alarms;
use super::audit::AuditLines;
use super::pictures::{STEPS, burn_down_chart, capture_chart};
use super::words::{accounts, count, figure};
use crate::auth::AppState;
use crate::islands::Live;
use crate::model::{Admin, Phase, UnixMs};
use crate::pages::parts::{
    Notice, PageHeader, PhaseTrack, Stat, StatTiles, Tone, ago, counted, day, deadline, moment,
    moment_to_the_second, when,
};
use crate::pages::words::capital;
use crate::pages::{Frame, PageError, Section, Visit, fragment};
use crate::rotation::Engine;
use crate::rotation::destruction::KeyRecord;
use crate::rotation::held::{HeldList, Which};
use crate::rotation::rehearsal::{BurnDown, Curve};
use crate::rotation::status::Status;
use crate::store::audit::Entry;
use crate::store::keys::SigningKey;
use crate::store::rotations::Rotation;

/// The rotation now.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin", get(page))
        .route("/admin/live", get(live))
}

/// How often the counts are asked for again, in milliseconds: while they are quickly counted, and when
/// there are many.
const EVERY_MS: (u32, u32) = (2_000, 15_000);
/// How many tokens that a rotation concerns are many.
const MANY: i64 = 10_000;

fn pace(status: &Status) -> u32 {
    let tokens = &status.tokens;
    if tokens.captured + tokens.not_seen + tokens.dormant < MANY {
        EVERY_MS.0
    } else {
        EVERY_MS.1
    }
}

/// All that the page says.
struct Shown {
    status: Status,
    rotation: Option<Rotation>,
    signing: Option<SigningKey>,
    keys: Vec<KeyRecord>,
    curve: Option<Curve>,
    burn: Option<BurnDown>,
    lines: Vec<Entry>,
    held: HeldList,
    now: UnixMs,
}

async fn read(engine: &Engine, admin: &Admin) -> Result<Shown, PageError> {
    let status = engine.status().await?;
    let moment = engine.moment().await?;
    let rotation = moment.rotation;
    let phase = rotation.as_ref().map(|rotation| rotation.phase);
    let curve = match &rotation {
        Some(rotation) if phase == Some(Phase::Recording) => {
            Some(engine.capture_curve(rotation, STEPS).await?)
        }
        _ => None,
    };
    let burn = match phase {
        Some(Phase::Finalised) => Some(engine.burn_down(admin).await?),
        _ => None,
    };
    let signs = |key: &SigningKey| key.activated_at.is_some() && key.deactivated_at.is_none();
    let keys = engine.key_records().await?;
    Ok(Shown {
        signing: keys
            .iter()
            .map(|record| &record.key)
            .find(|key| signs(key))
            .cloned(),
        keys,
        lines: engine.audit_page(admin, None, 6).await?,
        held: engine.held(admin, Which::Waiting, None, 0).await?,
        now: moment.now,
        status,
        rotation,
        curve,
        burn,
    })
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
) -> Result<Response, PageError> {
    let shown = read(&app.engine, &admin).await?;
    let frame = Frame::new("Rotation", Section::Rotation);
    let (title, sub) = headline(&shown);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let Shown {
                status,
                rotation,
                keys,
                curve,
                burn,
                lines,
                held,
                now,
                ..
            } = shown;
            let phase = rotation.as_ref().map(|rotation| rotation.phase);
            let next = next_step(&status, rotation.as_ref(), now);
            let missing = status.tokens.not_seen;
            let every_ms = pace(&status);
            let hit = burn
                .as_ref()
                .is_some_and(|burn| burn.affected > 0 || !burn.recovered.is_empty());
            view! {
                <PageHeader title sub/>
                <Alarms keys is_rotating=phase.is_some() can_close=false now/>
                <PhaseTrack phase/>
                <Live src="/admin/live".to_owned() every_ms><Counts status now/></Live>
                {next}
                {held_notice(&held)}
                {curve.zip(rotation).map(|(curve, rotation)| capture_chart(&curve, &rotation, missing))}
                {burn.filter(|_| hit).map(|burn| burn_down_chart(&burn))}
                <section class="section">
                    <div class="section-head">
                        <h2>"Done last"</h2>
                        <a href="/admin/audit">"All of the audit"</a>
                    </div>
                    <div class="panel"><AuditLines lines now/></div>
                </section>
            }
        })
        .await)
}

/// That tokens issued elsewhere wait for a decision, with the way to them; nothing when none do.
fn held_notice(held: &HeldList) -> Option<impl IntoView + use<>> {
    if held.waiting == 0 && held.overflow.is_none() {
        return None;
    }
    let tokens = counted(
        count(held.waiting),
        "token issued elsewhere is held",
        "tokens issued elsewhere are held",
    );
    let text = format!(
        "{}: not registered, and refused after a cutover unless approved.",
        capital(&tokens)
    );
    let full = held
        .overflow
        .is_some()
        .then_some(" More of them arrive than may be listed.");
    let tone = if full.is_some() {
        Tone::Bad
    } else {
        Tone::Warn
    };
    Some(view! {
        <Notice tone>
            <p>{text} {full} " " <a href="/admin/held">"Decide about held tokens"</a></p>
        </Notice>
    })
}

/// The live counts alone, for the island that keeps them fresh.
async fn live(State(app): State<AppState>, _: Admin) -> Result<Response, PageError> {
    let (status, now) = (app.engine.status().await?, app.engine.now());
    Ok(fragment(move || view! { <Counts status now/> }))
}

/// The answer for the phase, and the line below it.
fn headline(shown: &Shown) -> (String, String) {
    let (status, now) = (&shown.status, shown.now);
    match &shown.rotation {
        None => idle(shown),
        Some(rotation) if rotation.phase == Phase::Recording => {
            if rotation.effective_at.is_none() {
                return (
                    format!("Rotation {} is taking effect.", rotation.name),
                    "The new key is published. It signs as soon as every node knows it, in a few seconds."
                        .to_owned(),
                );
            }
            let all = status.tokens.captured + status.tokens.not_seen;
            let breaks = match status.accounts.affected {
                0 => "Nobody would break today.".to_owned(),
                some => format!("{} would break today.", accounts(some)),
            };
            (
                format!(
                    "{} of {} tokens are captured. {breaks}",
                    figure(status.tokens.captured),
                    figure(all)
                ),
                format!(
                    "Rotation {} has been recording since {}. The end promised to customers: {}.",
                    rotation.name,
                    when(rotation.started_at, now),
                    deadline(rotation.ends_at, now)
                ),
            )
        }
        Some(rotation) => {
            let at = rotation.finalised_at.unwrap_or(now);
            let hit = status.accounts.affected + status.accounts.recovered;
            let fares = match hit {
                0 => "No account was affected.".to_owned(),
                1 if status.accounts.recovered == 1 => {
                    "The one affected account works again.".to_owned()
                }
                1 => "The one affected account does not work yet.".to_owned(),
                hit => format!(
                    "{} of {} affected accounts {} again.",
                    figure(status.accounts.recovered),
                    figure(hit),
                    if status.accounts.recovered == 1 {
                        "works"
                    } else {
                        "work"
                    }
                ),
            };
            (
                format!("Cutover was {}. {fares}", ago(at, now)),
                format!(
                    "Rotation {} was finalised at {}. It can be reopened until it is closed.",
                    rotation.name,
                    moment(at, now)
                ),
            )
        }
    }
}

fn idle(shown: &Shown) -> (String, String) {
    let now = shown.now;
    let signed = shown
        .signing
        .as_ref()
        .and_then(|key| Some((key.generation, key.activated_at?)));
    let title = match signed {
        Some((_, at)) if at.day() == now.day() => {
            format!(
                "No rotation is running. The key has signed since {}.",
                moment(at, now)
            )
        }
        Some((_, at)) => format!(
            "No rotation is running. The key has signed since {}.",
            day(at, now)
        ),
        None => "No rotation is running.".to_owned(),
    };
    let key = signed.map(|(generation, at)| {
        format!(
            "Generation {generation} has signed since {}.",
            when(at, now)
        )
    });
    let last = shown.status.last.as_ref().map(|last| {
        let at = last.closed_at.or(last.aborted_at).unwrap_or(now);
        format!(
            "The last rotation, {}, was {} {}.",
            last.name,
            last.phase,
            ago(at, now)
        )
    });
    let parts: Vec<String> = key.into_iter().chain(last).collect();
    (title, parts.join(" "))
}

/// The counts that change while one looks.
#[component]
fn Counts(
    /// The rotation's state.
    status: Status,
    /// The moment it is of.
    now: UnixMs,
) -> impl IntoView {
    let Status {
        phase,
        tokens,
        sessions,
        accounts,
        lookback,
        ..
    } = status;
    let idle = phase == "idle";
    let recording = phase == Phase::Recording.slug();
    let some = |number: i64, tone: Tone| if number > 0 { tone } else { Tone::Plain };
    let tiles = if recording {
        view! {
            <Stat value=figure(tokens.captured) label="tokens captured" tone=some(tokens.captured, Tone::Good)/>
            <Stat value=figure(tokens.not_seen) label="tokens not seen yet" tone=some(tokens.not_seen, Tone::Warn)/>
            <Stat value=figure(sessions.captured) label="sessions captured"/>
            <Stat value=figure(accounts.affected) label="accounts would break" tone=some(accounts.affected, Tone::Bad)/>
        }
        .into_any()
    } else if idle {
        view! {
            <Stat value=figure(tokens.captured) label="tokens carried over by rotations"/>
            <Stat value=figure(sessions.captured) label="sessions"/>
            <Stat value=figure(accounts.affected) label="accounts still affected by the last cutover"
                tone=some(accounts.affected, Tone::Bad)/>
        }
        .into_any()
    } else {
        view! {
            <Stat value=figure(tokens.captured) label="captured tokens go on"/>
            <Stat value=figure(tokens.dormant) label="dormant tokens, refused" tone=some(tokens.dormant, Tone::Warn)/>
            <Stat value=figure(accounts.affected) label="accounts still affected" tone=some(accounts.affected, Tone::Bad)/>
            <Stat value=figure(accounts.recovered) label="accounts work again" tone=some(accounts.recovered, Tone::Good)/>
        }
        .into_any()
    };
    view! {
        <div class="stack tight">
            <StatTiles>{tiles}</StatTiles>
            {lookback.filter(|lookback| recording && !lookback.done).map(|lookback| view! {
                <Notice tone=Tone::Warn>
                    <p>{format!(
                        "The look-back is still counting use since {}: {} carried over so far. Finalise when it has finished.",
                        when(lookback.since, now),
                        figure(lookback.carried)
                    )}</p>
                </Notice>
            })}
            <p class="quiet small">
                "Updated " {moment_to_the_second(now, now)} <span class="no-print">" · " <a href="/admin">"Reload"</a></span>
            </p>
        </div>
    }
}

/// What to do next, with the one primary button of the page.
fn next_step(status: &Status, rotation: Option<&Rotation>, now: UnixMs) -> impl IntoView + use<> {
    let page = rotation.map(|rotation| format!("/admin/rotations/{}", rotation.id));
    let affected = status.accounts.affected;
    let step = |step: &str| {
        page.as_ref()
            .map_or_else(String::new, |page| format!("{page}/{step}"))
    };
    let (text, primary, others) = match rotation {
        None => (
            "Rotate when a key may have leaked, when someone who knew it left, or on your schedule. Starting breaks \
             nothing: everything old goes on working while its use is recorded."
                .to_owned(),
            ("/admin/rotations/new".to_owned(), "Start a rotation"),
            vec![("/admin/rotations".to_owned(), "Past rotations")],
        ),
        Some(rotation) if rotation.phase == Phase::Recording && affected > 0 => (
            format!(
                "See who they are and warn them. Whoever makes one request, or generates a new token, before you \
                 finalise goes on working. The promised end is {}; nothing stops until you finalise.",
                ago(rotation.ends_at, now)
            ),
            (page.clone().unwrap_or_default(), "See who would break"),
            vec![(step("finalise"), "Finalise…"), (step("abort"), "Abort…")],
        ),
        Some(rotation) if rotation.phase == Phase::Recording && status.tokens.held > 0 => (
            "Every integration in use is captured, but tokens issued elsewhere are held: approve those you know \
             before you finalise."
                .to_owned(),
            ("/admin/held".to_owned(), "Decide about held tokens"),
            vec![(step("finalise"), "Finalise…"), (step("abort"), "Abort…")],
        ),
        Some(rotation) if rotation.phase == Phase::Recording => (
            "Every integration in use is captured: finalise when the promised end has come.".to_owned(),
            (step("finalise"), "Finalise…"),
            vec![(page.clone().unwrap_or_default(), "See the rehearsal"), (step("abort"), "Abort…")],
        ),
        Some(_) if affected > 0 => (
            "Their owners help themselves: log in, generate a new token, put it in place. Call those who have not \
             signed in yet. If this was a mistake, reopen: nothing is lost by it."
                .to_owned(),
            ("/admin/accounts".to_owned(), "See who is still affected"),
            vec![(page.clone().unwrap_or_default(), "The recovery"), (step("reopen"), "Reopen…")],
        ),
        Some(_) => (
            "Nobody is affected any more. Close the rotation: what is left of the old keys is destroyed, and there \
             is no way back."
                .to_owned(),
            (step("close"), "Close…"),
            vec![(page.clone().unwrap_or_default(), "The recovery"), (step("reopen"), "Reopen…")],
        ),
    };
    let others = others
        .into_iter()
        .map(|(href, words)| view! { <a class="button" href=href>{words}</a> })
        .collect_view();
    view! {
        <section class="section panel">
            <h2>"What to do next"</h2>
            <p class="measure">{text}</p>
            <div class="actions">
                <a class="button primary" href=primary.0>{primary.1}</a>
                {others}
            </div>
        </section>
        {(rotation.is_some_and(|rotation| rotation.phase == Phase::Recording && rotation.ends_at < now)).then(|| view! {
            <Notice tone=Tone::Warn>
                <p>"The end promised to customers has passed. Use is still recorded until you finalise."</p>
            </Notice>
        })}
    }
}
