use leptos::prelude::*;

use crate::model::UnixMs;
use crate::pages::parts::{Notice, Tone, When, counted};
use crate::store::accounts::Integration;

/// The integrations that are no more, at the end of the page: their names, and the way to their stories.
#[component]
pub fn Archived(
    /// Archived last first.
    integrations: Vec<Integration>,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    if integrations.is_empty() {
        return ().into_any();
    }
    let count = counted(
        integrations.len() as u64,
        "archived integration",
        "archived integrations",
    );
    let lines: Vec<_> = integrations
        .into_iter()
        .map(|integration| {
            let at = integration.archived_at.unwrap_or(now);
            view! {
                <li class="split">
                    <a href=format!("/integrations/{}", integration.id)>{integration.name}</a>
                    <span class="quiet small">"archived "<When at now/></span>
                </li>
            }
        })
        .collect();
    view! {
        <details class="qa">
            <summary>{count}</summary>
            <div><ul role="list" class="stack tight">{lines}</ul></div>
        </details>
    }
    .into_any()
}

/// What is said of an integration that was archived just now.
#[component]
pub fn JustArchived(
    /// The integration.
    integration: Integration,
) -> impl IntoView {
    let href = format!("/integrations/{}", integration.id);
    view! {
        <Notice tone=Tone::Good>
            {format!("{} is archived. Its tokens are refused from now on. ", integration.name)}
            <a href=href>"Its story"</a>
        </Notice>
    }
}
