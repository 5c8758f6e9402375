use leptos::prelude::*;

use crate::model::UnixMs;
use crate::pages::customer::{called_by, caller, hint};
use crate::pages::parts::{Notice, Table, Tone, When, moment, moment_to_the_second};
use crate::pages::words::in_short;
use crate::rotation::arrival::{Arrival, Old, Voice};
use crate::store::callers::TokenCaller;
use crate::store::tokens::Token;

/// How many callers of a token are named.
const SHOWN: usize = 4;

/// Both tokens with their callers, for as long as the old one works: what is said in one line, and the
/// panel. Nothing where no old one that was ever used still works.
pub(super) fn handover(arrival: &Arrival) -> Option<(String, AnyView)> {
    let old = arrival.old.iter().max_by_key(|old| rank(old.voice))?;
    let now = arrival.now;
    let (tone, title, text) = said(old, now);
    let new = ("New", &arrival.token.row, &arrival.callers);
    let old_ones = arrival.old.iter();
    let rows: Vec<_> = std::iter::once(new)
        .chain(old_ones.map(|old| ("Old", &old.row, &old.callers)))
        .map(|(which, token, callers)| row(which, token, callers, now))
        .collect();
    let heading = title.clone();
    let panel = view! {
        <section class="section" aria-label="Both tokens">
            <Notice tone><p><strong>{heading}</strong></p><p>{text}</p></Notice>
            <Table caption="Who calls with which token" columns=["Token", "Callers", "Last use", "Ends"]>
                {rows}
            </Table>
        </section>
    };
    Some((title, panel.into_any()))
}

/// The one of several old tokens that is spoken of: what is still in use first.
const fn rank(voice: Voice) -> u8 {
    match voice {
        Voice::Silent => 0,
        Voice::Pausing => 1,
        Voice::Early => 2,
        Voice::Speaking => 3,
    }
}

fn said(old: &Old, now: UnixMs) -> (Tone, String, String) {
    let name = hint(&old.row);
    let end = match old.row.ends_at {
        Some(at) => format!("It is refused from {} on.", moment(at, now)),
        None => "It works until you revoke it.".to_owned(),
    };
    match old.voice {
        Voice::Early => (
            Tone::Plain,
            format!("The old token {name} still works"),
            "Deploy the new one; below you see both of them call.".to_owned(),
        ),
        Voice::Speaking => (
            Tone::Warn,
            format!("The old token {name} is still in use"),
            format!("{} {end}", goes_on(&old.callers)),
        ),
        Voice::Pausing => (
            Tone::Plain,
            format!("The old token {name} has made no request since the new one’s first"),
            format!("It counts as silent after ten minutes without one. {end}"),
        ),
        Voice::Silent => (
            Tone::Good,
            format!("The old token {name} has fallen silent"),
            format!("For ten minutes and more only the new one has been used. {end}"),
        ),
    }
}

/// Who has not changed over to the new token.
fn goes_on(callers: &[TokenCaller]) -> String {
    let names: Vec<String> = callers.iter().map(called_by).collect();
    if names.is_empty() {
        return "A program that reads the new one nowhere yet goes on with it.".to_owned();
    }
    format!("It is used by {}.", in_short(&names))
}

/// One token. Times are absolute alone: what is asked for every other second should not change when
/// nothing has happened.
fn row(
    which: &'static str,
    token: &Token,
    callers: &[TokenCaller],
    now: UnixMs,
) -> impl IntoView + use<> {
    let last = match token.last_used_at.or(token.first_used_at) {
        Some(at) => view! { <When at now seconds=true brief=true/> }.into_any(),
        None => view! { <span class="quiet">"Never used"</span> }.into_any(),
    };
    let last_caller = caller(token.last_agent.as_deref(), token.last_source.as_deref());
    let called = match (callers, last_caller) {
        // The first use is known at once, who else calls a moment later.
        ([], Some(last)) => last.into_any(),
        ([], None) if token.first_used_at.is_some() => "not known".into_any(),
        ([], None) => "nobody yet".into_any(),
        (callers, _) => lines(callers),
    };
    let end = match token.ends_at.or(token.expires_at) {
        Some(at) => moment_to_the_second(at, now),
        None => "Never".to_owned(),
    };
    view! {
        <tr>
            <th scope="row">{which}" "<span class="mono nowrap">{hint(token)}</span></th>
            <td data-label="Callers">{called}</td>
            <td data-label="Last use">{last}</td>
            <td data-label="Ends">{end}</td>
        </tr>
    }
}

/// Some callers, one below the other, and how many there are besides.
fn lines(callers: &[TokenCaller]) -> AnyView {
    let more = callers.len().saturating_sub(SHOWN);
    let shown: Vec<_> = callers
        .iter()
        .take(SHOWN)
        .map(|caller| view! { <span>{called_by(caller)}</span> })
        .collect();
    let more =
        (more > 0).then(|| view! { <span class="quiet">{format!("and {more} more")}</span> });
    view! { <div class="cell-two">{shown}{more}</div> }.into_any()
}
