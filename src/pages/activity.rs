use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;

use super::error::PageError;
use super::parts::{PageHeader, When, counted};
use super::shell::{Frame, Section, Visit};
use crate::auth::{AppState, SessionDigest};
use crate::model::{Person, SessionId, UnixMs, device};
use crate::store::sessions::Session;

/// A user's sessions.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/activity", get(page))
        .route("/activity/end-others", post(end_others))
        .route("/activity/{session}/end", post(end))
}

async fn page(
    State(app): State<AppState>,
    person: Person,
    here: SessionDigest,
    visit: Visit,
) -> Result<Response, PageError> {
    let sessions = app.engine.sessions_of(person.user()).await?;
    let now = app.engine.now();
    let frame = Frame::new("Activity", Section::Activity).reading();
    Ok(visit
        .show(
            StatusCode::OK,
            frame,
            move || view! { <Activity sessions here now/> },
        )
        .await)
}

async fn end(
    State(app): State<AppState>,
    person: Person,
    Path(session): Path<String>,
) -> Result<Redirect, PageError> {
    let session: SessionId = session.parse().map_err(|_| PageError::NotFound)?;
    app.engine
        .end_session_of(&person, person.user(), &session)
        .await?;
    Ok(Redirect::to("/activity"))
}

async fn end_others(
    State(app): State<AppState>,
    person: Person,
    here: SessionDigest,
) -> Result<Redirect, PageError> {
    app.engine
        .end_other_sessions(&person, person.user(), Some(here.0))
        .await?;
    Ok(Redirect::to("/activity"))
}

#[component]
fn Activity(sessions: Vec<Session>, here: SessionDigest, now: UnixMs) -> impl IntoView {
    let others = sessions
        .iter()
        .filter(|session| session.digest != here.0)
        .count();
    let title = match others {
        0 => "You are signed in here and nowhere else.".to_owned(),
        _ => format!(
            "You are signed in here and in {} more.",
            counted(others as u64, "place", "places")
        ),
    };
    let sub = if others > 0 {
        "If you do not know one of them, sign it out and set a new password."
    } else {
        "If this is not you, sign out and set a new password."
    };
    let rows: Vec<_> = sessions
        .into_iter()
        .map(|session| {
            let is_here = session.digest == here.0;
            view! { <Row session is_here now/> }
        })
        .collect();
    let everywhere = (others > 0).then(|| {
        view! {
            <form method="post" action="/activity/end-others">
                <button type="submit" class="button primary">"Sign out everywhere else"</button>
            </form>
        }
    });
    view! {
        <PageHeader title sub/>
        <div class="rows plain">
            <ul role="list" aria-label="Where you are signed in">{rows}</ul>
        </div>
        <div class="actions">
            {everywhere}
            <a class="button" href="/settings/password">"Set a new password"</a>
        </div>
    }
}

#[component]
fn Row(session: Session, is_here: bool, now: UnixMs) -> impl IntoView {
    let device = device(session.agent.as_deref());
    let action = format!("/activity/{}/end", session.id);
    let from = session.source.map_or_else(
        || "from an unknown address".to_owned(),
        |source| format!("from {source}"),
    );
    view! {
        <li class="row">
            <div class="row-name">
                <strong>{device.clone()}</strong>
                <span class="quiet small">{from.clone()}</span>
            </div>
            <div class="row-standing">
                {is_here.then(|| view! { <span class="badge boxed tone-accent">"This browser"</span> })}
            </div>
            <div class="row-last">
                <span>"Last used "<When at=session.seen_at now/></span>
                <span class="quiet">"Signed in "<When at=session.created_at now/></span>
            </div>
            <div class="row-action">
                <form method="post" action=action>
                    <button type="submit" class="button">
                        "Sign out"<span class="visually-hidden">{format!(" {device} {from}")}</span>
                    </button>
                </form>
            </div>
        </li>
    }
}
