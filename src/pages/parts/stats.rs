use leptos::prelude::*;

use super::Tone;
use super::tone::toned;

/// The frame of a row of [`Stat`]s.
#[component]
pub fn StatTiles(
    /// The tiles.
    children: Children,
) -> impl IntoView {
    view! { <dl class="stats">{children()}</dl> }
}

/// One number and what it counts.
#[component]
pub fn Stat(
    /// The number, written out: see [`thousands`](super::thousands).
    #[prop(into)]
    value: String,
    /// What it counts.
    #[prop(into)]
    label: String,
    /// Its colour, where the number is good or bad news.
    #[prop(optional)]
    tone: Tone,
    /// A second line: the share, the whole.
    #[prop(optional, into)]
    note: String,
) -> impl IntoView {
    let line = (!note.is_empty()).then(|| view! { <dd class="stat-note">{note}</dd> });
    view! {
        <div class=toned("stat", tone)>
            <dt>{label}</dt>
            {line}
            <dd>{value}</dd>
        </div>
    }
}
