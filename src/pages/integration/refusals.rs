use leptos::prelude::*;

use super::answer::why;
use crate::model::Reason;
use crate::pages::customer::{hint, times};
use crate::pages::parts::{Table, When, ago};
use crate::pages::words::sentence;
use crate::rotation::overview::Story;
use crate::store::tokens::Token;

/// How many are shown.
const SHOWN: usize = 5;

/// The last refusal of each token that was refused, with its reason; nothing where none was.
pub(super) fn refusals(story: &Story) -> Option<impl IntoView + use<>> {
    let tokens = story.view.tokens.iter().map(|token| &token.row);
    let mut refused: Vec<_> = tokens
        .filter_map(|token| Some((token.last_refused_at?, token)))
        .collect();
    if refused.is_empty() {
        return None;
    }
    refused.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows: Vec<_> = refused
        .into_iter()
        .take(SHOWN)
        .map(|(_, token)| row(token, story))
        .collect();
    Some(view! {
        <section class="section">
            <h2>"Refused requests"</h2>
            <Table
                caption="The last refused request of each token"
                columns=["Token", "Last refused", "In all", "Why"]
            >
                {rows}
            </Table>
        </section>
    })
}

fn row(token: &Token, story: &Story) -> impl IntoView + use<> {
    let now = story.moment.now;
    let last = token.last_refused_at.map(|at| {
        let relative = match &token.last_refused_source {
            Some(source) => format!("{}, from {source}", ago(at, now)),
            None => ago(at, now),
        };
        view! { <div class="cell-two"><When at now brief=true/><span class="quiet">{relative}</span></div> }
    });
    let code = token
        .last_refused_code
        .as_deref()
        .and_then(Reason::from_code);
    let help = code.map(|code| {
        let code = code.code();
        view! { " "<a href=format!("/help/{code}")>{code}</a> }
    });
    view! {
        <tr>
            <th scope="row"><span class="mono nowrap">{hint(token)}</span></th>
            <td data-label="Last refused">{last}</td>
            <td data-label="In all">{times(token.refused)}</td>
            <td data-label="Why"><span>{sentence(why(token, story).trim_end_matches('.'))}{help}</span></td>
        </tr>
    }
}
