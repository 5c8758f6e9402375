use std::collections::HashMap;

use leptos::prelude::*;

use super::parts::{Segment, SegmentBar, Shape, Tone, deadline, standing_look, when};
use crate::model::{Phase, Standing, UnixMs};
use crate::rotation::overview::{IntegrationView, Moment};
use crate::rotation::registry::Shown;
use crate::store::callers::TokenCaller;
use crate::store::rotations::Rotation;
use crate::store::tokens::Token;

/// What a token is called where people tell tokens apart: `…b71c`.
pub fn hint(token: &Token) -> String {
    format!("…{}", token.hint)
}

/// The program behind a `User-Agent`: `node-fetch/3.3 (+https://…)` is `node-fetch`.
fn program(agent: &str) -> Option<&str> {
    agent
        .split(['/', ' ', '(', ';'])
        .next()
        .filter(|name| !name.is_empty())
}

/// Who made a request: "node-fetch from 203.0.113.7", as much of it as is known.
pub fn caller(agent: Option<&str>, source: Option<&str>) -> Option<String> {
    match (agent.and_then(program), source) {
        (Some(program), Some(source)) => Some(format!("{program} from {source}")),
        (Some(program), None) => Some(program.to_owned()),
        (None, Some(source)) => Some(format!("from {source}")),
        (None, None) => None,
    }
}

/// The same of a caller that is kept, for the middle of a sentence: "a program from 203.0.113.7" where it
/// did not say what it is.
pub fn called_by(known: &TokenCaller) -> String {
    match (known.agent().and_then(program), known.source()) {
        (None, Some(source)) => format!("a program from {source}"),
        (None, None) => "a program that does not say what it is".to_owned(),
        (Some(_), source) => caller(known.agent(), source).unwrap_or_default(),
    }
}

/// The last refusal of these tokens: when, by which code, of which token, from where.
pub fn last_refusal(tokens: &[Shown], now: UnixMs) -> Option<String> {
    let (token, at) = tokens
        .iter()
        .filter_map(|token| Some((&token.row, token.row.last_refused_at?)))
        .max_by_key(|(_, at)| *at)?;
    let code = token.last_refused_code.as_deref().unwrap_or("refused");
    let from = token
        .last_refused_source
        .as_deref()
        .map(|source| format!(", from {source}"))
        .unwrap_or_default();
    Some(format!(
        "Last refused {}: {code}, token {}{from}",
        when(at, now),
        hint(token)
    ))
}

/// How an integration's cadence reads beside its last use: "calls about every 30 days".
pub fn cadence(view: &IntegrationView) -> Option<String> {
    view.cadence.map(|cadence| format!("calls {cadence}"))
}

/// "214 times", "once".
pub fn times(count: i64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!(
            "{} times",
            super::parts::thousands(u64::try_from(count).unwrap_or(0))
        ),
    }
}

/// The cutover that dormant tokens are dormant by.
pub fn cutover(moment: &Moment) -> Option<UnixMs> {
    moment.cutover.as_ref().map(|(_, at)| *at)
}

/// The open rotation while it is recording.
pub fn recording(moment: &Moment) -> Option<&Rotation> {
    moment
        .rotation
        .as_ref()
        .filter(|rotation| rotation.phase == Phase::Recording)
}

/// Until when an integration must have been seen: a promise while it lies ahead, "the cutover"
/// when the promised end has passed and recording goes on.
pub fn until(rotation: &Rotation, now: UnixMs) -> String {
    if rotation.ends_at > now {
        deadline(rotation.ends_at, now)
    } else {
        "the cutover".to_owned()
    }
}

/// The open rotation, as it concerns one account: its phase, its date, and how the account's
/// integrations stand in it. Nothing when none is open.
#[component]
pub fn Banner(
    /// The rotation now.
    moment: Moment,
    /// How the account's integrations stand.
    standings: Vec<Standing>,
) -> impl IntoView {
    let now = moment.now;
    moment.rotation.map(|rotation| {
        let (title, means) = phase_words(&rotation);
        let date = date_words(&rotation, now);
        let parts = segments(standings);
        let bar = (!parts.is_empty()).then(|| view! { <SegmentBar parts/> });
        view! {
            <section class="banner" aria-label="Key rotation">
                <div class="banner-line">
                    <div>
                        <h2 class="banner-title">{title}</h2>
                        <p>{means}</p>
                    </div>
                    <p class="banner-when">{date}</p>
                </div>
                {bar}
            </section>
        }
    })
}

/// What a phase is called and what it means for whoever uses the API.
pub fn phase_words(rotation: &Rotation) -> (String, &'static str) {
    let name = &rotation.name;
    if rotation.phase == Phase::Recording {
        (
            format!("Recording phase “{name}”"),
            "Every integration that makes one request keeps working after the cutover.",
        )
    } else {
        (
            format!("Cutover “{name}” is done"),
            "Tokens that made no request in the recording phase are refused until they are replaced.",
        )
    }
}

/// The date that counts in this phase.
pub fn date_words(rotation: &Rotation, now: UnixMs) -> String {
    match rotation.finalised_at {
        Some(at) => format!("Cut over {}", when(at, now)),
        None if rotation.ends_at > now => format!("Cutover {}", deadline(rotation.ends_at, now)),
        None => format!(
            "Promised until {}; recording goes on",
            when(rotation.ends_at, now)
        ),
    }
}

/// How many integrations stand how, best first, without those of which there are none.
fn segments(standings: Vec<Standing>) -> Vec<Segment> {
    const SHOWN: [(Standing, &str, &str); 8] = [
        (Standing::Working, "working", "working"),
        (Standing::Captured, "captured", "captured"),
        (
            Standing::Waiting,
            "waits for its first request",
            "wait for their first request",
        ),
        (Standing::NotSeen, "not seen yet", "not seen yet"),
        (
            Standing::NeedsToken,
            "needs a new token",
            "need a new token",
        ),
        (Standing::Expired, "expired", "expired"),
        (Standing::Revoked, "revoked", "revoked"),
        (Standing::NoToken, "without a token", "without a token"),
    ];
    let mut counts: HashMap<Standing, u64> = HashMap::new();
    for standing in standings {
        *counts.entry(standing).or_default() += 1;
    }
    SHOWN
        .into_iter()
        .filter_map(|(standing, one, many)| {
            let count = counts.get(&standing).copied().unwrap_or(0);
            let (tone, shape): (Tone, Shape) = standing_look(standing);
            (count > 0).then(|| Segment {
                tone,
                shape,
                count,
                words: if count == 1 { one } else { many }.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_named_by_its_program() {
        assert_eq!(
            caller(
                Some("node-fetch/3.3.2 (+https://x.example)"),
                Some("203.0.113.7")
            )
            .as_deref(),
            Some("node-fetch from 203.0.113.7")
        );
        assert_eq!(
            caller(None, Some("203.0.113.7")).as_deref(),
            Some("from 203.0.113.7")
        );
        assert_eq!(caller(Some(""), None), None);
    }

    #[test]
    fn segments_leave_out_what_there_is_none_of() {
        let parts = segments(vec![
            Standing::Captured,
            Standing::NeedsToken,
            Standing::Captured,
        ]);
        let told: Vec<_> = parts
            .iter()
            .map(|part| format!("{} {}", part.count, part.words))
            .collect();
        assert_eq!(told, ["2 captured", "1 needs a new token"]);
    }
}
