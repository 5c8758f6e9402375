use leptos::prelude::*;

use crate::model::UnixMs;
use crate::pages::customer::hint;
use crate::pages::parts::Column::{Figures, Words};
use crate::pages::parts::{Table, When, ago, thousands};
use crate::rotation::overview::Story;
use crate::store::callers::TokenCaller;

/// How many are shown.
const SHOWN: usize = 10;
/// How many characters of what a caller says it is are shown.
const LONGEST_AGENT: usize = 60;

/// Which programs call, from where, with which token; nothing where none is known.
pub(super) fn callers(story: &Story) -> Option<impl IntoView + use<>> {
    let rows = heard_last(story, SHOWN, |caller| caller.used_at, row)?;
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

/// Rows of the callers that have a time of this kind, the latest first; `None` where none has.
pub(super) fn heard_last<V>(
    story: &Story,
    most: usize,
    at: impl Fn(&TokenCaller) -> Option<UnixMs>,
    row: impl Fn(&TokenCaller, UnixMs, &Story) -> V,
) -> Option<Vec<V>> {
    let mut heard: Vec<_> = story
        .callers
        .iter()
        .filter_map(|caller| Some((at(caller)?, caller)))
        .collect();
    heard.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows = heard.into_iter().take(most);
    let rows: Vec<V> = rows.map(|(at, caller)| row(caller, at, story)).collect();
    (!rows.is_empty()).then_some(rows)
}

fn row(caller: &TokenCaller, at: UnixMs, story: &Story) -> impl IntoView + use<> {
    let requests = u64::try_from(caller.uses).unwrap_or(0);
    view! {
        <tr>
            <th scope="row">{named(caller)}</th>
            <td data-label="Token"><span class="mono nowrap">{token(caller, story)}</span></td>
            <td data-label="Last request">{moment(at, story)}</td>
            <td class="num" data-label="Requests">{thousands(requests)}</td>
        </tr>
    }
}

/// A time in two lines, for a narrow column.
pub(super) fn moment(at: UnixMs, story: &Story) -> impl IntoView + use<> {
    let now = story.moment.now;
    view! { <div class="cell-two"><When at now brief=true/><span class="quiet">{ago(at, now)}</span></div> }
}

/// The caller: what it says it is, and below the address.
pub(super) fn named(caller: &TokenCaller) -> impl IntoView + use<> {
    let says = caller.agent().unwrap_or("A program without a name");
    let says: String = says.chars().take(LONGEST_AGENT).collect();
    let from = caller.source().unwrap_or("address not known").to_owned();
    view! { <div class="cell-two"><span>{says}</span><span class="quiet">{from}</span></div> }
}

/// What the token is called that this caller sends.
pub(super) fn token(caller: &TokenCaller, story: &Story) -> Option<String> {
    let mut tokens = story.view.tokens.iter().map(|token| &token.row);
    tokens.find(|token| token.id == caller.token_id).map(hint)
}
