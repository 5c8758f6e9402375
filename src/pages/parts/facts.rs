use leptos::prelude::*;

use super::tone::toned;
use super::{Icon, Shape, Tone, When};
use crate::model::{Phase, UnixMs};

/// A list of facts: term at the left, what is the case at the right.
#[component]
pub fn Facts(
    /// Terms above their values, in columns.
    #[prop(optional)]
    wide: bool,
    /// [`Fact`]s.
    children: Children,
) -> impl IntoView {
    view! { <dl class=if wide { "facts wide" } else { "facts" }>{children()}</dl> }
}

/// One fact.
#[component]
pub fn Fact(
    /// What it is about.
    #[prop(into)]
    term: String,
    /// What is the case.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <dt>{term}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

/// What happened, the newest first.
#[component]
pub fn Timeline(
    /// [`Happening`]s.
    children: Children,
) -> impl IntoView {
    view! { <ol class="timeline" role="list">{children()}</ol> }
}

/// One thing that happened.
#[component]
pub fn Happening(
    /// When.
    at: UnixMs,
    /// The present.
    now: UnixMs,
    /// Its colour.
    #[prop(optional)]
    tone: Tone,
    /// What happened.
    children: Children,
) -> impl IntoView {
    view! {
        <li class=toned("happening", tone)>
            <When at now brief=true />
            <div>{children()}</div>
        </li>
    }
}

/// Where a rotation stands on its way: idle, recording, finalised, closed.
#[component]
pub fn PhaseTrack(
    /// The phase; `None` is idle.
    #[prop(optional_no_strip)]
    phase: Option<Phase>,
) -> impl IntoView {
    let ends_early = phase == Some(Phase::Aborted);
    let names: &[&str] = if ends_early {
        &["Idle", "Recording", "Aborted"]
    } else {
        &["Idle", "Recording", "Finalised", "Closed"]
    };
    let here = match phase {
        None => 0,
        Some(Phase::Recording) => 1,
        Some(Phase::Finalised | Phase::Aborted) => 2,
        Some(Phase::Closed) => 3,
    };
    let steps = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let shape = match at {
                _ if at < here => Shape::Check,
                _ if at == here => Shape::Record,
                _ => Shape::Ring,
            };
            view! {
                <li aria-current=(at == here).then_some("step")>
                    <Icon shape small=true />
                    {*name}
                </li>
            }
        })
        .collect_view();
    view! {
        <ol class="phases" role="list" aria-label="Phase">
            {steps}
        </ol>
    }
}
