use leptos::prelude::*;

use super::answer::why;
use super::callers::{named, token};
use crate::model::Reason;
use crate::pages::customer::times;
use crate::pages::parts::{Table, When, ago};
use crate::pages::words::sentence;
use crate::rotation::overview::Story;
use crate::store::callers::TokenCaller;

/// How many are shown.
const SHOWN: usize = 5;

/// Who is refused, with which token and why; nothing where nobody was.
pub(super) fn refusals(story: &Story) -> Option<impl IntoView + use<>> {
    let mut refused: Vec<&TokenCaller> = story
        .callers
        .iter()
        .filter(|caller| caller.refused_at.is_some())
        .collect();
    if refused.is_empty() {
        return None;
    }
    refused.sort_by_key(|caller| std::cmp::Reverse(caller.refused_at));
    let rows: Vec<_> = refused
        .into_iter()
        .take(SHOWN)
        .map(|caller| row(caller, story))
        .collect();
    Some(view! {
        <section class="section">
            <h2>"Refused requests"</h2>
            <Table
                caption="Whose requests were refused, and why"
                columns=["Caller", "Token", "Last refused", "In all", "Why"]
            >
                {rows}
            </Table>
        </section>
    })
}

fn row(caller: &TokenCaller, story: &Story) -> impl IntoView + use<> {
    let now = story.moment.now;
    let last = caller.refused_at.map(|at| {
        view! { <div class="cell-two"><When at now brief=true/><span class="quiet">{ago(at, now)}</span></div> }
    });
    let code = caller.refused_code.as_deref();
    let help = code.and_then(Reason::from_code).map(|reason| {
        let code = reason.code();
        view! { " "<a href=format!("/help/{code}")>{code}</a> }
    });
    view! {
        <tr>
            <th scope="row">{named(caller)}</th>
            <td data-label="Token"><span class="mono nowrap">{token(caller, story)}</span></td>
            <td data-label="Last refused">{last}</td>
            <td data-label="In all">{times(caller.refused)}</td>
            <td data-label="Why"><span>{sentence(why(code, story).trim_end_matches('.'))}{help}</span></td>
        </tr>
    }
}
