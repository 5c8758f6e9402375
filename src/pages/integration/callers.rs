use leptos::prelude::*;

use crate::pages::customer::{called_by, hint, program};
use crate::pages::parts::Column::{Figures, Words};
use crate::pages::parts::{Table, When, ago, thousands};
use crate::rotation::overview::Story;
use crate::store::callers::TokenCaller;

/// How many are shown.
const SHOWN: usize = 10;
/// How many characters of what a caller says it is are shown.
const LONGEST_AGENT: usize = 80;

/// Which programs call, from where, with which token; nothing where none is known.
pub(super) fn callers(story: &Story) -> Option<impl IntoView + use<>> {
    let mut answered: Vec<&TokenCaller> = story
        .callers
        .iter()
        .filter(|caller| caller.used_at.is_some())
        .collect();
    if answered.is_empty() {
        return None;
    }
    answered.sort_by_key(|caller| std::cmp::Reverse(caller.used_at));
    let rows: Vec<_> = answered
        .into_iter()
        .take(SHOWN)
        .map(|caller| row(caller, story))
        .collect();
    Some(view! {
        <section class="section">
            <h2>"Recent use"</h2>
            <Table
                caption="Which programs call with which token"
                columns=[Words("Caller"), Words("Token"), Words("Last request"), Figures("Requests")]
            >
                {rows}
            </Table>
        </section>
    })
}

fn row(caller: &TokenCaller, story: &Story) -> impl IntoView + use<> {
    let now = story.moment.now;
    let last = caller.used_at.map(|at| {
        view! { <div class="cell-two"><When at now brief=true/><span class="quiet">{ago(at, now)}</span></div> }
    });
    view! {
        <tr>
            <th scope="row">{named(caller)}</th>
            <td data-label="Token"><span class="mono nowrap">{token(caller, story)}</span></td>
            <td data-label="Last request">{last}</td>
            <td class="num" data-label="Requests">{thousands(u64::try_from(caller.uses).unwrap_or(0))}</td>
        </tr>
    }
}

/// The caller by its program and address, and below, where there is more to it, what it says it is.
pub(super) fn named(caller: &TokenCaller) -> impl IntoView + use<> {
    let says = caller.agent().filter(|agent| program(agent) != Some(agent));
    let says = says.map(|agent| {
        let agent: String = agent.chars().take(LONGEST_AGENT).collect();
        view! { <span class="quiet">{agent}</span> }
    });
    view! { <div class="cell-two"><span>{called_by(caller)}</span>{says}</div> }
}

/// What the token is called that this caller sends.
pub(super) fn token(caller: &TokenCaller, story: &Story) -> Option<String> {
    let mut tokens = story.view.tokens.iter().map(|token| &token.row);
    tokens.find(|token| token.id == caller.token_id).map(hint)
}
