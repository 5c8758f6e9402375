use std::str::FromStr;

use leptos::prelude::*;

use crate::model::{Phase, UnixMs};
use crate::pages::PageError;
use crate::pages::parts::{Badge, Shape, Tone, counted, thousands};
use crate::pages::words::sentence;
use crate::rotation::RotationError;

/// A refusal that a person can do something about, as a sentence; anything else is a page's error.
pub fn refusal(error: RotationError) -> Result<String, PageError> {
    match error {
        RotationError::Refused(_) | RotationError::Invalid(_) | RotationError::Taken(_) => {
            Ok(sentence(&error.to_string()))
        }
        error => Err(error.into()),
    }
}

/// Reads an id from a path: what is no id names nothing.
pub fn id<T: FromStr>(text: &str) -> Result<T, PageError> {
    text.parse().map_err(|_| PageError::NotFound)
}

/// A count of the database's, which is never negative.
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A count as people read it: `1,187`.
pub fn figure(number: i64) -> String {
    thousands(count(number))
}

/// `1 account`, `37 accounts`, `no accounts`.
pub fn accounts(number: i64) -> String {
    counted(count(number), "account", "accounts")
}

/// `1 token`, `53 tokens`, `no tokens`.
pub fn tokens(number: i64) -> String {
    counted(count(number), "token", "tokens")
}

/// A phase as icon, shape and word.
#[component]
pub fn PhaseBadge(
    /// The phase.
    phase: Phase,
) -> impl IntoView {
    let (tone, shape, words) = match phase {
        Phase::Recording => (Tone::Accent, Shape::Record, "Recording"),
        Phase::Finalised => (Tone::Warn, Shape::Unseen, "Finalised"),
        Phase::Closed => (Tone::Good, Shape::Check, "Closed"),
        Phase::Aborted => (Tone::Plain, Shape::Revoked, "Aborted"),
    };
    view! { <Badge tone shape words/> }
}

/// A moment in a column headed "(UTC)": "24 Oct 2026, 01:00". Never is said, not left blank.
#[component]
pub fn InUtc(
    /// The moment.
    at: Option<UnixMs>,
    /// The present.
    now: UnixMs,
    /// What stands where there is none.
    #[prop(default = "never")]
    none: &'static str,
) -> impl IntoView {
    match at {
        Some(at) => {
            let text = crate::pages::parts::moment(at, now);
            let text = text.trim_end_matches(" UTC").to_owned();
            let text = if at.day() == now.day() {
                format!("today, {text}")
            } else {
                text
            };
            view! { <time datetime=at.to_string() class="nowrap">{text}</time> }.into_any()
        }
        None => view! { <span class="quiet">{none}</span> }.into_any(),
    }
}
