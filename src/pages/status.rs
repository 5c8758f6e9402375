use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use leptos::prelude::*;
use serde::Serialize;

use super::customer::phase_words;
use super::error::PageError;
use super::parts::{
    Fact, Facts, PageHeader, PhaseTrack, When, ago, day, deadline, moment as moment_of, when,
};
use super::shell::{Frame, Section, Visit};
use crate::auth::{AppState, Who};
use crate::model::{Phase, UnixMs};
use crate::rotation::overview::Moment;
use crate::store::rotations::Rotation;

/// The rotation's state, for anyone.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/status", get(page))
        .route("/status.json", get(json))
}

/// The state as JSON: phase and dates, nothing about anybody.
#[derive(Serialize)]
struct PublicStatus {
    /// `idle` when no rotation is open.
    phase: &'static str,
    name: Option<String>,
    started_at: Option<UnixMs>,
    ends_at: Option<UnixMs>,
    finalised_at: Option<UnixMs>,
    now: UnixMs,
}

impl From<Moment> for PublicStatus {
    fn from(moment: Moment) -> Self {
        let rotation = moment.rotation;
        let of = |pick: fn(&Rotation) -> Option<UnixMs>| rotation.as_ref().and_then(pick);
        Self {
            phase: rotation
                .as_ref()
                .map_or("idle", |rotation| rotation.phase.slug()),
            started_at: of(|rotation| Some(rotation.started_at)),
            ends_at: of(|rotation| Some(rotation.ends_at)),
            finalised_at: of(|rotation| rotation.finalised_at),
            name: rotation.map(|rotation| rotation.name),
            now: moment.now,
        }
    }
}

async fn json(State(app): State<AppState>) -> Result<Response, PageError> {
    let status = PublicStatus::from(app.engine.moment().await?);
    Ok(([(CACHE_CONTROL, "no-store")], Json(status)).into_response())
}

async fn page(State(app): State<AppState>, visit: Visit) -> Result<Response, PageError> {
    let moment = app.engine.moment().await?;
    let is_signed_in = matches!(visit.who, Who::Member { .. });
    let frame = Frame::new("State of the key rotation", Section::Status).reading();
    Ok(visit
        .show(
            StatusCode::OK,
            frame,
            move || view! { <Status moment is_signed_in/> },
        )
        .await)
}

/// The answer, and the line below it.
fn answer(moment: &Moment) -> (String, String) {
    let now = moment.now;
    match &moment.rotation {
        None => (
            "Nothing to do: no key rotation is under way.".to_owned(),
            match moment.cutover {
                Some((_, at)) => format!(
                    "What works goes on working until it expires or is revoked. The last cutover was {}: a token that \
                     was not captured before it has been refused since, and needs replacing.",
                    when(at, now)
                ),
                None => "Access tokens work until they expire or are revoked.".to_owned(),
            },
        ),
        Some(rotation) if rotation.phase == Phase::Recording => (
            if rotation.ends_at > now {
                format!("Nothing is refused by this rotation yet. To keep a token, use it once before {}.", moment_of(rotation.ends_at, now))
            } else {
                "Nothing is refused by this rotation yet. To keep a token, use it once before the cutover.".to_owned()
            },
            format!(
                "The signing key is being rotated; the cutover is {}. A token that was used since {} keeps working, and \
                 until the cutover none is refused because of this rotation.{}",
                if rotation.ends_at > now { ago(rotation.ends_at, now) } else { "due".to_owned() },
                day(rotation.started_at, now),
                if moment.cutover.is_some() { " What an earlier cutover ended stays refused." } else { "" }
            ),
        ),
        Some(rotation) => (
            "Tokens used before the cutover work. The others need replacing.".to_owned(),
            match rotation.finalised_at {
                Some(at) => format!(
                    "The signing key was rotated {}. An integration that has been answered 401 since then needs a new \
                     token; it takes a minute.",
                    when(at, now)
                ),
                None => "The signing key was rotated. An integration that has been answered 401 since then needs a new token."
                    .to_owned(),
            },
        ),
    }
}

#[component]
fn Status(moment: Moment, is_signed_in: bool) -> impl IntoView {
    let (title, sub) = answer(&moment);
    let phase = moment.rotation.as_ref().map(|rotation| rotation.phase);
    let dates = moment
        .rotation
        .clone()
        .map(|rotation| view! { <Dates rotation now=moment.now/> });
    let own = if is_signed_in {
        view! { <a class="button primary" href="/">"See your integrations"</a> }
    } else {
        view! { <a class="button primary" href="/login?next=/">"Sign in to see your integrations"</a> }
    };
    view! {
        <PageHeader title sub/>
        <PhaseTrack phase/>
        {dates}
        <section class="section">
            <h2>"What it means for you"</h2>
            {meaning(&moment)}
        </section>
        <div class="actions">{own}</div>
        <ForPrograms/>
        <div class="page-end">
            <span>"Is a program of yours answered 401? " <a href="/help/token_not_captured">"Why, and what to do"</a></span>
            <a href="/help">"Questions and answers"</a>
        </div>
    }
}

/// The fields of `/status.json`, in its order.
const FIELDS: [(&str, &str); 6] = [
    (
        "phase",
        "idle when no rotation is open, recording while use is recorded, finalised after the cutover.",
    ),
    ("name", "What the rotation is called; null when idle."),
    ("started_at", "When the recording phase began."),
    (
        "ends_at",
        "Until when it is promised to go on. Use counts until the cutover, which may be later.",
    ),
    (
        "finalised_at",
        "When the cutover was; null before it. From then on what was not captured is refused.",
    ),
    ("now", "The service’s own time, to compare the others with."),
];

#[component]
fn ForPrograms() -> impl IntoView {
    let fields: Vec<_> = FIELDS
        .into_iter()
        .map(|(name, means)| view! { <Fact term=name>{means}</Fact> })
        .collect();
    view! {
        <section class="section" id="json">
            <h2>"For programs"</h2>
            <p class="measure">
                "The same as JSON, without signing in: "<a class="mono" href="/status.json">"/status.json"</a>
                ". Times are UTC, as RFC 3339 has them; what does not apply is null."
            </p>
            <div class="panel"><Facts>{fields}</Facts></div>
        </section>
    }
}

#[component]
fn Dates(rotation: Rotation, now: UnixMs) -> impl IntoView {
    let (title, means) = phase_words(&rotation);
    let end = if let Some(at) = rotation.finalised_at {
        view! { <Fact term="Cutover"><When at now/></Fact> }.into_any()
    } else {
        let promised = if rotation.ends_at > now {
            deadline(rotation.ends_at, now)
        } else {
            format!("{}; recording goes on", when(rotation.ends_at, now))
        };
        view! { <Fact term="Promised until">{promised}</Fact> }.into_any()
    };
    view! {
        <div class="panel">
            <h2>{title}</h2>
            <p>{means}</p>
            <Facts>
                <Fact term="Recording since"><When at=rotation.started_at now/></Fact>
                {end}
            </Facts>
        </div>
    }
}

fn meaning(moment: &Moment) -> AnyView {
    match moment.rotation.as_ref().map(|rotation| rotation.phase) {
        None => view! {
            <p class="measure">"Nothing to do. When a rotation is announced, this page says until when a program must \
             have made a request, and your integrations’ page says which of yours have."</p>
        }
        .into_any(),
        Some(Phase::Recording) => view! {
            <ul class="stack tight">
                <li>"A program that makes one request with its token before the date is captured: it goes on working, \
                     with the same token."</li>
                <li>"A program that runs seldom: let it run once, or generate a new token for it. New tokens are of the \
                     new key already."</li>
                <li>"You stay signed in if you open the dashboard once before the date."</li>
            </ul>
        }
        .into_any(),
        Some(_) => view! {
            <ul class="stack tight">
                <li>"A program that is answered 401 with the code "<a href="/help/token_not_captured"><code>"token_not_captured"</code></a>
                    " needs a new token. It takes a minute: sign in, generate, copy, replace."</li>
                <li>"All others go on as before."</li>
                <li>"If you were signed out: nothing is wrong with your password. Sign in again."</li>
            </ul>
        }
        .into_any(),
    }
}
