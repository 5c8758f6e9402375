use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use leptos::prelude::*;

use super::words::{count, figure};
use crate::auth::AppState;
use crate::model::{Admin, UnixMs};
use crate::pages::PageError;
use crate::pages::parts::{Notice, Tone, counted, when};
use crate::rotation::RotationError;
use crate::rotation::alarm::Forgery;
use crate::rotation::destruction::{Danger, KeyRecord};
use crate::store::key_history::Compromise;

/// How many sources are named.
const MOST_NAMED: usize = 5;

/// Closes an alarm.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/keys/{kid}/close-alarm", post(close))
}

async fn close(
    State(app): State<AppState>,
    admin: Admin,
    Path(kid): Path<String>,
) -> Result<Response, PageError> {
    match app.engine.close_alarm(&admin, &kid).await {
        // Someone else was first.
        Ok(()) | Err(RotationError::NotFound(_)) => Ok(Redirect::to("/admin/keys").into_response()),
        Err(error) => Err(error.into()),
    }
}

/// What nobody may overlook: forged tokens, and a key that is compromised and still in use.
#[component]
pub fn Alarms(
    /// Every key.
    keys: Vec<KeyRecord>,
    /// Whether a rotation is open, and can be finalised or closed.
    is_rotating: bool,
    /// Whether the alarm can be closed here.
    can_close: bool,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    keys.into_iter()
        .map(|record| {
            let signs = record.key.deactivated_at.is_none();
            let compromised = record
                .compromise
                .zip(record.danger)
                .filter(|_| record.forgery.is_none())
                .map(|(said, danger)| {
                    compromised(&record.key.kid, &said, danger, is_rotating, now)
                });
            let forged = record
                .forgery
                .map(|forgery| forged(forgery, signs, is_rotating, can_close, now));
            view! { {forged} {compromised} }
        })
        .collect_view()
}

fn forged(
    forgery: Forgery,
    signs: bool,
    is_rotating: bool,
    can_close: bool,
    now: UnixMs,
) -> impl IntoView {
    let Forgery {
        kid,
        attempts,
        first_at,
        last_at,
        sources,
    } = forgery;
    let headline = format!(
        "Somebody forges tokens with key {kid}: {} refused, the last at {}.",
        counted(count(attempts), "was", "were"),
        when(last_at, now)
    );
    let sources = named(&sources);
    let (advice, href, words) = match (signs, is_rotating) {
        (true, false) => (
            "Rotate now, with a look-back of 40 days, and finalise as soon as the rehearsal shows nobody you cannot \
             do without: then the key is worth nothing.",
            "/admin/rotations/new",
            "Start a rotation",
        ),
        (_, true) => (
            "The key signs no more. Finalise, then close the rotation: after that it verifies nowhere.",
            "/admin/rotations",
            "Go to the rotation",
        ),
        (false, false) => (
            "The key signs no more, and nothing rests on it. Find out how it got out.",
            "/admin/audit",
            "Read the audit",
        ),
    };
    let form = can_close.then(|| {
        view! {
            <form method="post" action=format!("/admin/keys/{kid}/close-alarm")>
                <button type="submit" class="button">{format!("Close the alarm about {kid}")}</button>
            </form>
        }
    });
    let details = (!can_close)
        .then(|| view! { <a class="button" href="/admin/keys">"The key and its alarm"</a> });
    view! {
        <Notice tone=Tone::Bad>
            <p class="strong">{headline}</p>
            <p>
                "A good signature, on tokens that were never issued here: whoever made them has the private key. None \
                 was let in or captured, because a token counts only if it is registered. But a service that checks \
                 tokens by the published keys alone lets them in. First seen "
                {when(first_at, now)} ", from " {sources} "."
            </p>
            <p>{advice}</p>
            <div class="actions">
                <a class="button primary" href=href>{words}</a>
                {details}
                {form}
            </div>
        </Notice>
    }
}

fn named(sources: &[(String, i64)]) -> String {
    let mut words: Vec<String> = sources
        .iter()
        .take(MOST_NAMED)
        .map(|(source, attempts)| {
            let source = if source.is_empty() {
                "an unknown address"
            } else {
                source
            };
            format!("{source} ({})", figure(*attempts))
        })
        .collect();
    if sources.len() > MOST_NAMED {
        words.push(format!("{} more", sources.len() - MOST_NAMED));
    }
    words.join(", ")
}

fn compromised(
    kid: &str,
    said: &Compromise,
    danger: Danger,
    is_rotating: bool,
    now: UnixMs,
) -> impl IntoView + use<> {
    let (still, means) = match danger {
        Danger::Signs => (
            "still signs",
            "No forged token is let in: a token counts only if it is registered. But a service that checks tokens by \
             the published keys alone cannot tell. Rotate now, with a look-back of 40 days; that can be finalised at \
             once.",
        ),
        Danger::LetsIn => (
            "what is made with it passes until the cutover",
            "It was imported, so a token that it signed is held and not refused. Rotate now, approve what is your \
             customers', and finalise: from then on nothing else that it signed passes.",
        ),
    };
    let (href, words) = if is_rotating {
        ("/admin/rotations", "Go to the rotation")
    } else {
        ("/admin/rotations/new", "Start a rotation")
    };
    let headline = format!("Key {kid} is compromised, and {still}.");
    let reason = format!("Marked at {}: {}", when(said.at, now), said.reason);
    view! {
        <Notice tone=Tone::Bad>
            <p class="strong">{headline}</p>
            <p>{reason}</p>
            <p>{means}</p>
            <div class="actions">
                <a class="button primary" href=href>{words}</a>
            </div>
        </Notice>
    }
}
