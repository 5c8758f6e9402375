use axum::extract::{Path, Query, State};
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::handover::handover;
use crate::auth::AppState;
use crate::islands::Live;
use crate::model::{IntegrationId, Member, Standing, TokenId, TokenState};
use crate::pages::customer::{called_by, hint};
use crate::pages::error::PageError;
use crate::pages::parts::{LivePanel, Notice, Shape, Tone, moment_to_the_second};
use crate::pages::shell::fragment as fragment_of;
use crate::pages::support::help_link;
use crate::pages::words::in_short;
use crate::rotation::arrival::Arrival;
use crate::rotation::tickets::Context;

/// How often the page asks, in milliseconds.
const EVERY_MS: u32 = 2_000;
/// How long nothing may happen before the page helps, in milliseconds.
const PATIENCE_MS: i64 = 120_000;

#[derive(Deserialize)]
pub(super) struct Which {
    token: String,
}

/// The status of one new token, as a fragment for the page that waits for it.
pub(super) async fn fragment(
    State(app): State<AppState>,
    member: Member,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, PageError> {
    let (Ok(id), Ok(token)) = (id.parse::<IntegrationId>(), which.token.parse::<TokenId>()) else {
        return Err(PageError::NotFound);
    };
    let arrival = app.engine.arrival(&member, &id, &token).await?;
    Ok(fragment_of(move || view! { <Status arrival/> }))
}

/// The status of a new token, which follows what happens.
#[component]
pub fn LiveStatus(
    /// What is the case now.
    arrival: Arrival,
) -> impl IntoView {
    let src = format!(
        "/integrations/{}/live?token={}",
        arrival.integration.id, arrival.token.row.id
    );
    view! {
        <div id="live">
            <Live src every_ms=EVERY_MS>
                <Status arrival/>
            </Live>
        </div>
    }
}

/// What the status of a new token says.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    tone: Tone,
    shape: Shape,
    title: String,
    text: String,
    is_done: bool,
}

fn words(arrival: &Arrival) -> Words {
    let token = &arrival.token.row;
    let name = &arrival.integration.name;
    if let Some(at) = token.first_used_at {
        let from = token
            .first_source
            .as_deref()
            .map(|source| format!(" from {source}"))
            .unwrap_or_default();
        return Words {
            tone: Tone::Good,
            shape: Shape::Pulse,
            title: format!(
                "Working: first request {}{from}",
                moment_to_the_second(at, arrival.now)
            ),
            text: format!("{name} calls with the new token."),
            is_done: true,
        };
    }
    let ended = match arrival.token.state {
        TokenState::Active => None,
        TokenState::Revoked => Some("was revoked"),
        TokenState::Expired => Some("has expired"),
        TokenState::Replaced => Some("was replaced by a newer one"),
        TokenState::Dormant | TokenState::Held => Some("is not accepted"),
    };
    match ended {
        Some(ended) => Words {
            tone: Tone::Bad,
            shape: Shape::Revoked,
            title: format!("This token {ended}"),
            text: format!("It never made a request. Generate another for {name}."),
            is_done: true,
        },
        None => Words {
            tone: Tone::Warn,
            shape: Shape::Waiting,
            title: Standing::Waiting.words().to_owned(),
            text: format!("This turns to Working when {name} calls with the new token."),
            is_done: false,
        },
    }
}

#[component]
fn Status(arrival: Arrival) -> impl IntoView {
    let words = words(&arrival);
    let handover = handover(&arrival);
    // The last word is said when the old token is silent too, or was never heard of.
    let is_over = words.is_done && !arrival.is_handing_over();
    let is_late = arrival.now.since(arrival.token.row.issued_at) > PATIENCE_MS;
    let stray = stray(&arrival);
    let helps = if words.is_done {
        // It works, and something else of its owner's does not.
        stray.map(|text| view! { <Notice tone=Tone::Warn>{text}</Notice> }.into_any())
    } else if is_late || stray.is_some() {
        let help = help_link(&Context::about(&arrival.integration.id)).into_any();
        Some(view! { <Checklist stray help/> }.into_any())
    } else {
        None
    };
    let check = (!words.is_done).then(|| {
        // Without a fragment: to the address where one stands already that would load nothing.
        let href = format!("/integrations/{}", arrival.integration.id);
        view! { <a class="button" href=href>"Check now"</a> }
    });
    let say = match &handover {
        Some((title, _)) => format!("{}. {title}", words.title),
        None => words.title.clone(),
    };
    view! {
        <div class="stack" data-say=say data-done=is_over.then_some("") data-used=words.is_done.then_some("")>
            <LivePanel tone=words.tone shape=words.shape title=words.title text=words.text>
                {check}
            </LivePanel>
            {handover.map(|(_, panel)| panel)}
            {helps}
        </div>
    }
}

/// What is said of requests that still come with an older token.
fn stray(arrival: &Arrival) -> Option<String> {
    let stray = arrival.stray.as_ref()?;
    let at = stray.row.last_refused_at?;
    if arrival
        .token
        .row
        .first_used_at
        .is_some_and(|first| at <= first)
    {
        return None;
    }
    let senders: Vec<String> = stray.callers.iter().map(called_by).collect();
    let who = if senders.is_empty() {
        "a program".to_owned()
    } else {
        in_short(&senders)
    };
    Some(format!(
        "The token {} is still sent by {who}, and was refused at {}.",
        hint(&stray.row),
        // What is asked for every other second should not change when nothing has happened: whoever
        // stands on a link in it would lose the focus.
        moment_to_the_second(at, arrival.now)
    ))
}

/// What to look at when the first request does not come.
#[component]
fn Checklist(stray: Option<String>, help: AnyView) -> impl IntoView {
    view! {
        <div class="panel">
            <h2>"Nothing yet? Look at these"</h2>
            {stray.map(|text| view! { <Notice tone=Tone::Bad>{text}</Notice> })}
            <ul>
                <li>"The program reads the token where you put it: the same variable, the same environment."</li>
                <li>"It was restarted or deployed again since."</li>
                <li>"It sends one header, " <code>"Authorization: Bearer"</code> ", then the token, whole and without quotes."</li>
                <li>"If it calls once a day or less, run it once by hand, or use the check command."</li>
            </ul>
            <p><a href="/help#still-refused">"More of what it can be"</a>", or "{help}"."</p>
        </div>
    }
}
