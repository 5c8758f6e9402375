use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use crate::auth::AppState;
use crate::model::{Admin, UnixMs};
use crate::pages::parts::{EmptyState, Happening, PageHeader, StepPager, Timeline, ago};
use crate::pages::words::capital;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::store::audit::Entry;

/// Lines on a page.
const PER_PAGE: usize = 50;

/// What was done, by whom.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/audit", get(page))
}

#[derive(Deserialize)]
struct Ask {
    before: Option<String>,
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let before = ask.before.filter(|id| !id.is_empty() && id.len() <= 64);
    // One more than is shown says whether there is a next page.
    let limit = i64::try_from(PER_PAGE + 1).unwrap_or(51);
    let mut lines = app
        .engine
        .audit_page(&admin, before.as_deref(), limit)
        .await?;
    let now = app.engine.now();
    let next = (lines.len() > PER_PAGE)
        .then(|| lines.get(PER_PAGE - 1))
        .flatten()
        .map(|line| format!("/admin/audit?before={}", line.id));
    lines.truncate(PER_PAGE);
    let title = match (lines.first(), &before) {
        (Some(line), None) => format!("The last thing was done {}.", ago(line.at, now)),
        _ => "What was done, and by whom".to_owned(),
    };
    let frame = Frame::new("Audit", Section::Audit);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let newest = before.map(|_| "/admin/audit".to_owned());
            view! {
                <PageHeader title
                    sub="Every step of a rotation and every change to accounts, tokens and keys, the newest first. Times are UTC."/>
                {if lines.is_empty() {
                    view! { <EmptyState title="Nothing older"/> }.into_any()
                } else {
                    view! { <section class="panel" aria-label="Audit"><AuditLines lines now/></section> }.into_any()
                }}
                <StepPager previous=newest next/>
            }
        })
        .await)
}

/// Lines of the audit as sentences.
#[component]
pub fn AuditLines(
    /// The lines, newest first.
    lines: Vec<Entry>,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    let lines = lines
        .into_iter()
        .map(|line| {
            let said = said(&line);
            view! {
                <Happening at=line.at now>
                    <span><strong>{capital(&line.actor)}</strong> " " {said.deed}</span>
                    {said.why.map(|why| view! { <span class="quiet">" “" {why} "”"</span> })}
                    {subject(line.subject)}
                </Happening>
            }
        })
        .collect_view();
    view! { <Timeline>{lines}</Timeline> }
}

/// What a line is about: accounts and rotations have pages, the rest is named.
fn subject(id: String) -> impl IntoView {
    let href = if id.starts_with("acc_") {
        Some(format!("/admin/accounts/{id}"))
    } else if id.starts_with("rot_") {
        Some(format!("/admin/rotations/{id}"))
    } else if id.starts_with("tkt_") {
        Some(format!("/admin/tickets/{id}"))
    } else {
        None
    };
    let id = (!id.is_empty()).then_some(id);
    match (href, id) {
        (Some(href), Some(id)) => {
            view! { <div class="small"><a class="mono" href=href>{id}</a></div> }.into_any()
        }
        (None, Some(id)) => {
            view! { <div class="quiet small"><span class="mono">{id}</span></div> }.into_any()
        }
        _ => ().into_any(),
    }
}

/// A line in words.
struct Said {
    deed: String,
    why: Option<String>,
}

fn said(line: &Entry) -> Said {
    let detail: serde_json::Value = serde_json::from_str(&line.detail).unwrap_or_default();
    let text = |key: &str| {
        detail
            .get(key)
            .and_then(|value| value.as_str())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let name = text("name").or_else(|| text("email")).unwrap_or_default();
    let deed = match line.action.as_str() {
        "rotation.start" => format!("started rotation {name}"),
        "rotation.finalise" => format!("finalised rotation {name}"),
        "rotation.reopen" => format!("reopened rotation {name}"),
        "rotation.abort" => format!("aborted rotation {name}"),
        "rotation.close" => format!("closed rotation {name}"),
        "key.first" => "made the first signing key".to_owned(),
        "key.activate" => format!(
            "let key generation {} sign, and destroyed the private keys of older ones",
            detail
                .get("signs")
                .map(ToString::to_string)
                .unwrap_or_default()
        ),
        "key.import" => "took in a key of another platform".to_owned(),
        "token.import" => format!(
            "registered {} tokens issued elsewhere",
            detail
                .get("registered")
                .map(ToString::to_string)
                .unwrap_or_default()
        ),
        "token.approve" => "approved a held token".to_owned(),
        "token.refuse" => "refused a held token".to_owned(),
        "token.issue" => "issued a token".to_owned(),
        "token.revoke" => "revoked a token".to_owned(),
        "token.undo-revoke" => "undid the revocation of a token".to_owned(),
        "token.readmit" => "readmitted a dormant token".to_owned(),
        "ticket.open" => "asked support".to_owned(),
        "ticket.answer" => "answered a ticket".to_owned(),
        "ticket.close" => "closed a ticket".to_owned(),
        "ticket.reopen" => "opened a ticket again".to_owned(),
        "account.create" => format!("created account {name}"),
        "account.disable" => "disabled an account".to_owned(),
        "account.enable" => "enabled an account".to_owned(),
        "user.create" => format!("created user {name}"),
        "admin.create" => format!("created admin {name}"),
        "user.set-password" => "set a password".to_owned(),
        "user.change-password" => "changed their password".to_owned(),
        "user.letters" => "chose which letters they get".to_owned(),
        "user.use-recovery-code" => "signed in with a recovery code".to_owned(),
        "second-factor.on" => "turned their second factor on".to_owned(),
        "second-factor.off" => "turned their second factor off".to_owned(),
        "second-factor.reset" => "took the second factor off a user".to_owned(),
        "second-factor.new-codes" => "drew new recovery codes".to_owned(),
        "session.end" => "signed out".to_owned(),
        "session.end-others" => "signed out everywhere else".to_owned(),
        "key.compromised" => "reported a key as compromised".to_owned(),
        "key.reseal" => "moved everything to a new master key".to_owned(),
        "backup.make" => "made a backup".to_owned(),
        "database.accept-older" => "accepted an older database".to_owned(),
        "forgery.close" => "closed the alarm about forged tokens".to_owned(),
        "letter.send-again" => "sent a letter again".to_owned(),
        "integration.create" => format!("created integration {name}"),
        "integration.rename" => format!(
            "renamed integration {} to {name}",
            text("before").unwrap_or_default()
        ),
        "integration.archive" => format!("archived integration {name}"),
        other => other.replace(['.', '-'], " "),
    };
    Said {
        deed,
        why: text("reason"),
    }
}
