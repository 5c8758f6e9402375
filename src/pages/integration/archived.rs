//! What is left of an archived integration: its story.

use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

use super::timeline;
use crate::pages::customer::caller;
use crate::pages::parts::{Crumb, Fact, Facts, PageHeader, When, counted, when};
use crate::pages::shell::{Frame, Section, Visit};
use crate::rotation::overview::Story;

/// Shows an archived integration. Nothing can be done to it.
pub(super) async fn show(visit: Visit, story: Story) -> Response {
    let name = &story.view.integration.name;
    let frame = Frame::new(format!("{name}, archived"), Section::Integrations).reading();
    visit
        .show(StatusCode::OK, frame, move || view! { <Archived story/> })
        .await
}

#[component]
fn Archived(story: Story) -> impl IntoView {
    let now = story.moment.now;
    let history = timeline::what_happened(&story);
    let view = story.view;
    let tokens = counted(
        view.tokens.len() as u64,
        "token, none of them live",
        "tokens, none of them live",
    );
    let last = view
        .last_used()
        .and_then(|token| Some((token.clone(), token.last_used_at?)));
    let last = match last {
        Some((token, at)) => {
            let called = caller(token.last_agent.as_deref(), token.last_source.as_deref());
            view! {
                <div class="cell-two">
                    <When at now/>
                    {called.map(|called| view! { <span class="quiet">{called}</span> })}
                </div>
            }
            .into_any()
        }
        None => "Never used".into_any(),
    };
    let integration = view.integration;
    let name = integration.name;
    let at = integration.archived_at.unwrap_or(now);
    view! {
        <PageHeader
            crumbs=vec![Crumb::link("Integrations", "/"), Crumb::here(name.clone())]
            title=format!("{name} is archived.")
            sub=format!("Since {}. Its tokens are refused, and it takes part in no rotation. This is its story.", when(at, now))
        />
        <div class="panel">
            <Facts>
                <Fact term="Created"><When at=integration.created_at now/></Fact>
                <Fact term="Archived"><When at now/></Fact>
                <Fact term="Last use">{last}</Fact>
                <Fact term="Tokens">{tokens}</Fact>
                <Fact term="Integration id"><span class="mono small">{integration.id.to_string()}</span></Fact>
            </Facts>
        </div>
        {history}
        <div class="page-end">
            <a href="/">"Your integrations"</a>
            <span>"Does a program still need it? Create a new integration for it."</span>
        </div>
    }
}
