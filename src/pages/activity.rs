use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;

use super::error::PageError;
use super::parts::{PageHeader, When, counted};
use super::shell::{Frame, Section, Visit};
use crate::auth::{AppState, SessionDigest, Who};
use crate::model::{SessionId, UnixMs, UserId};
use crate::store::sessions::Session;

/// A user's sessions.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/activity", get(page))
        .route("/activity/end-others", post(end_others))
        .route("/activity/{session}/end", post(end))
}

/// Whose page it is. The proof of a session comes before this, so nobody is left out.
fn user(who: &Who) -> Result<&UserId, PageError> {
    match who {
        Who::Member { member, .. } => Ok(member.user()),
        Who::Admin(admin) => Ok(admin.user()),
        Who::Nobody { .. } => Err(PageError::NotFound),
    }
}

async fn page(
    State(app): State<AppState>,
    here: SessionDigest,
    visit: Visit,
) -> Result<Response, PageError> {
    let sessions = app.engine.sessions_of(user(&visit.who)?).await?;
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
    _: SessionDigest,
    who: Who,
    Path(session): Path<String>,
) -> Result<Redirect, PageError> {
    let session: SessionId = session.parse().map_err(|_| PageError::NotFound)?;
    match &who {
        Who::Member { member, .. } => {
            app.engine
                .end_session_of(member, member.user(), &session)
                .await?
        }
        Who::Admin(admin) => {
            app.engine
                .end_session_of(admin, admin.user(), &session)
                .await?
        }
        Who::Nobody { .. } => false,
    };
    Ok(Redirect::to("/activity"))
}

async fn end_others(
    State(app): State<AppState>,
    here: SessionDigest,
    who: Who,
) -> Result<Redirect, PageError> {
    let but = Some(here.0);
    match &who {
        Who::Member { member, .. } => {
            app.engine
                .end_other_sessions(member, member.user(), but)
                .await?
        }
        Who::Admin(admin) => {
            app.engine
                .end_other_sessions(admin, admin.user(), but)
                .await?
        }
        Who::Nobody { .. } => 0,
    };
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
            <a class="button" href="/forgot">"Set a new password"</a>
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

/// A browser and its system in words: "Firefox on Linux".
fn device(agent: Option<&str>) -> String {
    // The order matters: later browsers claim to be the earlier ones too.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Windows", "Windows"),
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let agent = agent.unwrap_or_default();
    let of = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (of(&BROWSERS), of(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "An unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_in_words() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 \
                 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1",
                "Safari on an iPhone",
            ),
            ("curl/8.5.0", "curl"),
        ] {
            assert_eq!(device(Some(agent)), words);
        }
        assert_eq!(device(None), "An unknown browser");
    }
}
