use axum::extract::{Path, Query, State};
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::answer::{headline, sub, what_happened};
use super::archived;
use super::callers::callers;
use super::form::{Generate, GenerateState};
use super::live::LiveStatus;
use super::refusals::refusals;
use super::repeated::Repeated;
use super::revoke::outcome;
use super::timeline;
use super::tokens::Tokens;
use crate::auth::AppState;
use crate::model::{IntegrationId, Member, Standing, TokenId, UnixMs};
use crate::pages::customer::{cadence, caller, recording, times, until};
use crate::pages::error::PageError;
use crate::pages::parts::{
    CadenceBars, Crumb, ErrorSummary, Fact, Facts, Notice, PageHeader, StandingBadge, Tone, When,
};
use crate::pages::shell::{Frame, Section, Visit, status_of};
use crate::rotation::RotationError;
use crate::rotation::arrival::Arrival;
use crate::rotation::overview::{IntegrationView, Story};
use crate::rotation::tickets::Context;

/// What brought the visitor here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// Nothing to say about.
    Plainly,
    /// The link in a 401.
    From401,
    /// A form that was submitted before, and the token that it made, where that is known.
    AlreadyGenerated(Option<TokenId>),
    /// This token was revoked, or that was undone.
    Decided(String),
    /// It has another name.
    Renamed,
}

#[derive(Deserialize)]
pub(super) struct Ask {
    from: Option<String>,
    generated: Option<String>,
    revoked: Option<String>,
    renamed: Option<String>,
    undone: Option<String>,
}

impl Ask {
    fn opened(self) -> Opened {
        if let Some(token) = self.generated {
            Opened::AlreadyGenerated(token.parse().ok())
        } else if let Some(token) = self.revoked.or(self.undone) {
            Opened::Decided(token)
        } else if self.renamed.is_some() {
            Opened::Renamed
        } else if self.from.as_deref() == Some("401") {
            Opened::From401
        } else {
            Opened::Plainly
        }
    }
}

/// One integration.
pub(super) async fn get(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    let story = match app.engine.integration(&member, &id).await {
        Err(RotationError::NotFound(_)) => {
            let story = app.engine.archived_integration(&member, &id).await?;
            return Ok(archived::show(visit, story).await);
        }
        found => found?,
    };
    let state = GenerateState::new(&app);
    Ok(show(visit, story, state, ask.opened()).await)
}

/// Shows an integration, with the form as it is filled in.
pub(super) async fn show(
    visit: Visit,
    story: Story,
    state: GenerateState,
    opened: Opened,
) -> Response {
    let name = &story.view.integration.name;
    let about = Context::about(&story.view.integration.id);
    let is_refused = !state.errors.is_empty();
    let frame = Frame::new(name, Section::Integrations)
        .about(about)
        .refused(is_refused);
    visit
        .show(
            status_of(is_refused),
            frame,
            move || view! { <Page story state opened/> },
        )
        .await
}

#[component]
fn Page(story: Story, state: GenerateState, opened: Opened) -> impl IntoView {
    let view = story.view.clone();
    let now = story.moment.now;
    let name = view.integration.name.clone();
    let works = view.keeps_working();
    let needs = !works && view.standing != Standing::Waiting;
    let is_first = needs || opened == Opened::From401 || !state.errors.is_empty();
    let errors = state.errors.clone();
    let form_id = state.form_id.clone();
    let edit = format!("/integrations/{}/edit", view.integration.id);
    let form = view! { <Generate view=view.clone() state now is_primary=is_first/> };
    let (above, below) = if is_first {
        (Some(form), None)
    } else {
        (None, Some(form))
    };
    view! {
        <ErrorSummary errors/>
        <PageHeader
            crumbs=vec![Crumb::link("Integrations", "/"), Crumb::here(name.clone())]
            title=headline(&view, now)
            sub=sub(&story)
        />
        {notice(&story, opened, form_id)}
        {arrival(&story).map(|arrival| view! { <LiveStatus arrival/> })}
        <div class="columns side">
            <div class="stack loose">
                {above}
                {timeline::what_happened(&story)}
                {refusals(&story)}
                {callers(&story)}
            </div>
            <aside class="stack" aria-label="Facts">
                <AtAGlance story=story.clone()/>
            </aside>
        </div>
        <Tokens view=view now/>
        {below}
        <div class="page-end">
            <a href="/">"Your integrations"</a>
            <a href=edit>"Rename or archive"<span class="visually-hidden">{format!(" {name}")}</span></a>
            <span>"Something looks wrong? " <a href="/help">"Read the answers"</a></span>
        </div>
    }
}

/// What the visitor is told first, by what brought them here.
fn notice(story: &Story, opened: Opened, form_id: String) -> Option<AnyView> {
    let (tone, text) = match opened {
        Opened::Plainly => return None,
        Opened::From401 => {
            let tone = if story.view.keeps_working() {
                Tone::Accent
            } else {
                Tone::Bad
            };
            (tone, what_happened(story))
        }
        Opened::AlreadyGenerated(token) => {
            let view = story.view.clone();
            let now = story.moment.now;
            return Some(view! { <Repeated view token form_id now/> }.into_any());
        }
        Opened::Renamed => (Tone::Good, "Renamed. Nothing else has changed.".to_owned()),
        Opened::Decided(token) => return outcome(story, &token),
    };
    Some(view! { <Notice tone>{text}</Notice> }.into_any())
}

/// The status of the newest live token while it is waited for, while its arrival is news, and while the old
/// one is still heard of.
fn arrival(story: &Story) -> Option<Arrival> {
    let view = &story.view;
    let now = story.moment.now;
    if view.ends_at().is_some() {
        // What lives is not a new token that arrives but an old one that goes.
        return None;
    }
    let newest = view.newest_live()?;
    let is_news = newest
        .first_used_at
        .is_some_and(|at| now.since(at) < NEWS_MS && view.standing == Standing::Working);
    let arrival = Arrival::of(
        &view.integration,
        &view.tokens,
        &story.callers,
        &newest.id,
        now,
    )?;
    let is_handover = view.standing == Standing::Working
        && arrival.is_handing_over()
        && now.since(newest.issued_at) < HANDOVER_MS;
    (view.standing == Standing::Waiting || is_news || is_handover).then_some(arrival)
}

/// How long a first request is news, in milliseconds.
const NEWS_MS: i64 = crate::model::HOUR_MS;
/// How long two tokens in use are a handover, in milliseconds; later they are meant to be two.
const HANDOVER_MS: i64 = 30 * crate::model::DAY_MS;

#[component]
fn AtAGlance(story: Story) -> impl IntoView {
    let Story { view, moment, .. } = story;
    let now = moment.now;
    let promise = recording(&moment).map(|rotation| until(rotation, now));
    let refused = view.refused();
    let last = last_use(&view, now);
    let cadence = cadence(&view).unwrap_or_else(|| "not known yet".to_owned());
    let days = days(&view);
    view! {
        <div class="panel">
            <Facts wide=true>
                <Fact term="Standing"><StandingBadge standing=view.standing/></Fact>
                {promise.map(|promise| view! { <Fact term="Cutover">{promise}</Fact> })}
                <Fact term="Last use">{last}</Fact>
                {(refused > 0).then(|| view! { <Fact term="Refused">{times(refused)}</Fact> })}
                <Fact term="Cadence">{cadence}</Fact>
                <Fact term="Last 30 days"><CadenceBars days/></Fact>
                <Fact term="Integration id"><span class="mono small">{view.integration.id.to_string()}</span></Fact>
            </Facts>
        </div>
    }
}

fn days(view: &IntegrationView) -> Vec<u32> {
    view.days
        .iter()
        .map(|count| u32::try_from(*count).unwrap_or(u32::MAX))
        .collect()
}

fn last_use(view: &IntegrationView, now: UnixMs) -> AnyView {
    let Some((token, at)) = view
        .last_used()
        .and_then(|token| Some((token, token.last_used_at?)))
    else {
        return "Never used".into_any();
    };
    let called = caller(token.last_agent.as_deref(), token.last_source.as_deref());
    view! {
        <div class="cell-two">
            <When at now/>
            {called.map(|called| view! { <span class="quiet">{called}</span> })}
        </div>
    }
    .into_any()
}
