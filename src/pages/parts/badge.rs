use leptos::prelude::*;

use super::tone::toned;
use super::{Icon, Shape, Tone};
use crate::model::{Standing, TokenState};

/// Icon, shape and word in one tone.
#[component]
pub fn Badge(
    /// Its colour.
    tone: Tone,
    /// Its icon.
    shape: Shape,
    /// Its word.
    #[prop(into)]
    words: String,
) -> impl IntoView {
    view! {
        <span class=toned("badge", tone)>
            <Icon shape />
            <span>{words}</span>
        </span>
    }
}

/// The standing of an integration, as its customer reads it.
#[component]
pub fn StandingBadge(
    /// The standing.
    standing: Standing,
) -> impl IntoView {
    let (tone, shape) = standing_look(standing);
    view! { <Badge tone shape words=standing.words() /> }
}

/// The state of one token.
#[component]
pub fn StateBadge(
    /// The state.
    state: TokenState,
) -> impl IntoView {
    let (tone, shape, words) = match state {
        TokenState::Active => (Tone::Good, Shape::Check, "Active"),
        TokenState::Dormant => (Tone::Bad, Shape::Alert, "Dormant"),
        TokenState::Replaced => (Tone::Plain, Shape::Replaced, "Replaced"),
        TokenState::Revoked => (Tone::Bad, Shape::Revoked, "Revoked"),
        TokenState::Expired => (Tone::Bad, Shape::Expired, "Expired"),
        TokenState::Held => (Tone::Warn, Shape::Warn, "Held"),
    };
    view! { <Badge tone shape words /> }
}

/// How a standing looks wherever it appears: its tone and its shape.
pub const fn standing_look(standing: Standing) -> (Tone, Shape) {
    match standing {
        Standing::Captured => (Tone::Good, Shape::Check),
        Standing::Working => (Tone::Good, Shape::Pulse),
        Standing::NotSeen => (Tone::Warn, Shape::Unseen),
        Standing::Waiting => (Tone::Warn, Shape::Waiting),
        Standing::NeedsToken => (Tone::Bad, Shape::Alert),
        Standing::Revoked => (Tone::Bad, Shape::Revoked),
        Standing::Expired => (Tone::Bad, Shape::Expired),
        Standing::NoToken => (Tone::Plain, Shape::Absent),
    }
}
