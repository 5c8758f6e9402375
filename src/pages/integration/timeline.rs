use leptos::prelude::*;

use super::answer::why;
use crate::model::UnixMs;
use crate::pages::customer::{caller, hint, times};
use crate::pages::parts::{Happening, Timeline, Tone, ago};
use crate::rotation::overview::Story;
use crate::rotation::registry::Shown;
use crate::store::audit::Entry;
use crate::store::tokens::Token;

/// How many happenings are shown.
const SHOWN: usize = 20;

/// One thing that happened to an integration's tokens.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    at: UnixMs,
    tone: Tone,
    text: String,
}

/// What happened to an integration: issued, captured, refused, replaced, first use. Newest first.
pub(super) fn what_happened(story: &Story) -> impl IntoView + use<> {
    let now = story.moment.now;
    let events: Vec<_> = events(story)
        .into_iter()
        .map(|event| {
            let relative = ago(event.at, now);
            view! {
                <Happening at=event.at now tone=event.tone>
                    {event.text}" "<span class="quiet nowrap">{relative}</span>
                </Happening>
            }
        })
        .collect();
    view! {
        <section class="section">
            <h2>"What happened"</h2>
            <Timeline>{events}</Timeline>
        </section>
    }
}

fn events(story: &Story) -> Vec<Event> {
    let now = story.moment.now;
    let mut events: Vec<Event> = story
        .view
        .tokens
        .iter()
        .flat_map(|token| of_token(token, story))
        .collect();
    if let Some(rotation) = &story.moment.rotation {
        events.push(Event {
            at: rotation.started_at,
            tone: Tone::Accent,
            text: format!("The recording phase “{}” began.", rotation.name),
        });
    }
    if let Some((name, at)) = &story.moment.cutover {
        events.push(Event {
            at: *at,
            tone: Tone::Accent,
            text: format!(
                "Cutover “{name}”: from then on tokens that were not captured are refused."
            ),
        });
    }
    events.push(Event {
        at: story.view.integration.created_at,
        tone: Tone::Plain,
        text: "The integration was created.".to_owned(),
    });
    events.extend(story.deeds.iter().filter_map(of_integration));
    // Nothing that lies ahead, and no cutover from before its time.
    let born = story.view.integration.created_at;
    events.retain(|event| event.at <= now && event.at >= born);
    // Stable: what happened in one millisecond stays in the order it is told.
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(SHOWN);
    events
}

/// What was done to the integration itself, as the audit has it.
fn of_integration(deed: &Entry) -> Option<Event> {
    let by = deed.actor.strip_prefix("member ").unwrap_or(&deed.actor);
    let (tone, text) = match deed.action.as_str() {
        "integration.rename" => {
            let detail: serde_json::Value = serde_json::from_str(&deed.detail).unwrap_or_default();
            let said = |key: &str| detail[key].as_str().unwrap_or_default().to_owned();
            let text = format!(
                "Renamed from “{}” to “{}” by {by}.",
                said("before"),
                said("name")
            );
            (Tone::Plain, text)
        }
        "integration.archive" => (Tone::Bad, format!("The integration was archived by {by}.")),
        _ => return None,
    };
    Some(Event {
        at: deed.at,
        tone,
        text,
    })
}

fn of_token(token: &Shown, story: &Story) -> Vec<Event> {
    let row = &token.row;
    let name = hint(row);
    let from = |source: Option<&str>| {
        source
            .map(|source| format!(" from {source}"))
            .unwrap_or_default()
    };
    let event = |at: UnixMs, tone: Tone, text: String| Event { at, tone, text };
    let by = person(&row.issued_by);
    let mut events = Vec::new();
    if let Some(at) = row.last_refused_at {
        let text = format!(
            "Token {name} was refused{}, {} in all: {}",
            from(row.last_refused_source.as_deref()),
            times(row.refused),
            why(row.last_refused_code.as_deref(), story)
        );
        events.push(event(at, Tone::Bad, text));
    }
    events.extend(revocations(row, story));
    if let (Some(at), Some(_)) = (row.ends_at, &row.replaced_by) {
        events.push(event(
            at,
            Tone::Plain,
            format!("Token {name} ended: a newer one took its place."),
        ));
    }
    if let Some(at) = row.expires_at {
        events.push(event(at, Tone::Warn, format!("Token {name} expired.")));
    }
    if let Some(capture) = story.captures.get(row.id.as_str()) {
        let called = caller(capture.agent.as_deref(), capture.source.as_deref())
            .map(|called| format!(": {called}"))
            .unwrap_or_default();
        let text = match capture.how.as_str() {
            "lookback" => format!(
                "Token {name} was captured in {}: it had been used shortly before.",
                capture.rotation
            ),
            "readmit" => format!("Token {name} was let in again by an admin."),
            "approve" => format!("Token {name} was approved by an admin."),
            _ => format!("Token {name} was captured in {}{called}.", capture.rotation),
        };
        events.push(event(capture.first_seen, Tone::Good, text));
    }
    if let Some(at) = row.first_used_at {
        let text = format!(
            "Token {name} made its first request{}.",
            from(row.first_source.as_deref())
        );
        events.push(event(at, Tone::Good, text));
    }
    events.push(event(
        row.issued_at,
        Tone::Accent,
        format!("Token {name} was issued by {by}."),
    ));
    events
}

/// The revocations of a token and their undoing, as the audit has them.
fn revocations(row: &Token, story: &Story) -> Vec<Event> {
    let name = hint(row);
    let mut events: Vec<Event> = story
        .deeds
        .iter()
        .filter(|deed| deed.subject == row.id.as_str())
        .filter_map(|deed| {
            let by = person(&deed.actor);
            let (tone, text) = match deed.action.as_str() {
                "token.revoke" => (Tone::Bad, format!("Token {name} was revoked by {by}.")),
                "token.undo-revoke" => (
                    Tone::Good,
                    format!("The revocation of token {name} was undone by {by}."),
                ),
                _ => return None,
            };
            Some(Event {
                at: deed.at,
                tone,
                text,
            })
        })
        .collect();
    // What is older than the part of the audit that is read.
    if let Some(at) = row.revoked_at
        && events.iter().all(|event| event.at != at)
    {
        events.push(Event {
            at,
            tone: Tone::Bad,
            text: format!("Token {name} was revoked."),
        });
    }
    events
}

/// Whoever acted, as their colleagues know them.
fn person(actor: &str) -> &str {
    actor.strip_prefix("member ").unwrap_or(actor)
}
