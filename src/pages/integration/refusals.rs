use leptos::prelude::*;

use super::answer::why;
use super::callers::{heard_last, moment, named, token};
use crate::model::{Reason, UnixMs};
use crate::pages::customer::times;
use crate::pages::parts::Table;
use crate::pages::words::sentence;
use crate::rotation::overview::Story;
use crate::store::callers::TokenCaller;

/// How many are shown.
const SHOWN: usize = 5;

/// Who is refused, with which token and why; nothing where nobody was.
pub(super) fn refusals(story: &Story) -> Option<impl IntoView + use<>> {
    let rows = heard_last(story, SHOWN, |caller| caller.refused_at, row)?;
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

fn row(caller: &TokenCaller, at: UnixMs, story: &Story) -> impl IntoView + use<> {
    let code = caller.refused_code.as_deref();
    let help = code.and_then(Reason::from_code).map(|reason| {
        let code = reason.code();
        view! { " "<a href=format!("/help/{code}")>{code}</a> }
    });
    view! {
        <tr>
            <th scope="row">{named(caller)}</th>
            <td data-label="Token"><span class="mono nowrap">{token(caller, story)}</span></td>
            <td data-label="Last refused">{moment(at, story)}</td>
            <td data-label="In all">{times(caller.refused)}</td>
            <td data-label="Why"><span>{sentence(why(code, story).trim_end_matches('.'))}{help}</span></td>
        </tr>
    }
}
