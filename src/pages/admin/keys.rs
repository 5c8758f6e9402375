use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use super::alarm::Alarms;
use super::words::{InUtc, count};
use crate::auth::AppState;
use crate::model::{Admin, KeyState, UnixMs};
use crate::pages::parts::{Badge, PageHeader, Shape, Table, Tone, counted, when};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::destruction::KeyRecord;
use crate::store::key_history::Destruction;
use crate::store::keys::SigningKey;
use crate::store::rotations::Rotation;

/// The signing keys by generation.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/keys", get(page))
}

async fn page(State(app): State<AppState>, _: Admin, visit: Visit) -> Result<Response, PageError> {
    let keys = app.engine.key_records().await?;
    let rotations = app.engine.rotations().await?;
    let is_rotating = app.engine.open_rotation().await?.is_some();
    let now = app.engine.now();
    let title = headline(&keys, now);
    let frame = Frame::new("Keys", Section::Keys);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let rows = keys.iter().map(|record| row(record, now)).collect_view();
            let destroyed = destroyed(&keys, &rotations, now);
            view! {
                <PageHeader title
                    sub="A private key that no longer signs is destroyed, not archived: only its public half still verifies, until its rotation is closed."/>
                <Alarms keys is_rotating can_close=true now/>
                <Table
                    caption="Signing keys, the newest first; times are UTC"
                    columns=[
                        "Generation", "State", "Published", "Signs since", "Signed until", "Private half destroyed",
                        "All of it destroyed"
                    ]
                    wide="Signing keys"
                >
                    {rows}
                </Table>
                {destroyed}
                <p class="page-end">
                    <span>"Times are UTC. States are named as in NIST SP 800-57."</span>
                    <a href="/.well-known/jwks.json">"The keys that verify, as a JSON Web Key Set"</a>
                </p>
            }
        })
        .await)
}

const fn look(state: KeyState) -> (Tone, Shape, &'static str) {
    match state {
        KeyState::PreActivation => (
            Tone::Warn,
            Shape::Waiting,
            "Pre-activation: published, signs soon",
        ),
        KeyState::Active => (Tone::Good, Shape::Key, "Active: signs now"),
        KeyState::Deactivated => (Tone::Accent, Shape::Check, "Deactivated: only verifies"),
        KeyState::Destroyed => (Tone::Plain, Shape::Absent, "Destroyed"),
        KeyState::Compromised => (Tone::Bad, Shape::Alert, "Compromised"),
    }
}

fn headline(keys: &[KeyRecord], now: UnixMs) -> String {
    let signs = keys
        .iter()
        .map(|record| &record.key)
        .find(|key| key.activated_at.is_some() && key.deactivated_at.is_none())
        .and_then(|key| Some((key.generation, key.activated_at?)));
    let older = keys
        .iter()
        .filter(|record| verifies_only(&record.key))
        .count();
    let older = counted(
        u64::try_from(older).unwrap_or(0),
        "other key still verifies",
        "other keys still verify",
    );
    match signs {
        Some((generation, at)) => {
            format!(
                "Key generation {generation} has signed since {}; {older}.",
                when(at, now)
            )
        }
        None => "No key signs.".to_owned(),
    }
}

/// Whether it verifies still, compromised or not, and signs no more, or never did here.
fn verifies_only(key: &SigningKey) -> bool {
    key.forgotten_at.is_none() && (key.deactivated_at.is_some() || key.origin == "imported")
}

fn row(record: &KeyRecord, now: UnixMs) -> impl IntoView + use<> {
    let (tone, shape, words) = look(record.state);
    let key = &record.key;
    let generation = count(key.generation.0);
    let kid = key.kid.clone();
    let signs = if key.origin == "imported" {
        "never here"
    } else {
        "not yet"
    };
    let origin = format!("{}, {}", key.algorithm, key.origin);
    let said = record
        .compromise
        .as_ref()
        .map(|said| format!("Since {}: {}", when(said.at, now), said.reason));
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <span>{generation} " " <span class="mono quiet">{kid}</span></span>
                    <span class="quiet small">{origin}</span>
                </span>
            </th>
            <td data-label="State">
                <span class="cell-two">
                    <Badge tone shape words/>
                    {said.map(|said| view! { <span class="quiet small">{said}</span> })}
                </span>
            </td>
            <td data-label="Published"><InUtc at=Some(key.published_at) now/></td>
            <td data-label="Signs since"><InUtc at=key.activated_at now none=signs/></td>
            <td data-label="Signed until"><InUtc at=key.deactivated_at now none="–"/></td>
            <td data-label="Private half destroyed"><InUtc at=key.destroyed_at now none="–"/></td>
            <td data-label="All of it destroyed"><InUtc at=key.forgotten_at now none="–"/></td>
        </tr>
    }
}

/// The record of what was destroyed, newest first; nothing while there is none.
fn destroyed(
    keys: &[KeyRecord],
    rotations: &[Rotation],
    now: UnixMs,
) -> Option<impl IntoView + use<>> {
    let mut all: Vec<&Destruction> = keys
        .iter()
        .flat_map(|record| &record.destructions)
        .collect();
    if all.is_empty() {
        return None;
    }
    all.sort_by_key(|destruction| std::cmp::Reverse(destruction.at));
    let rows = all
        .into_iter()
        .map(|destruction| destroyed_row(destruction, rotations, now))
        .collect_view();
    Some(view! {
        <section class="section">
            <div class="section-head"><h2>"What was destroyed"</h2></div>
            <p class="measure quiet">
                "Copies in backups, replicas and log archives are sealed with the master key named here, and die with it."
            </p>
            <Table
                caption="What was destroyed of which key, the newest first; times are UTC"
                columns=["What", "When", "By", "Sealed with master key", "Files cleaned"]
                wide="What was destroyed"
            >
                {rows}
            </Table>
        </section>
    })
}

fn destroyed_row(
    destruction: &Destruction,
    rotations: &[Rotation],
    now: UnixMs,
) -> impl IntoView + use<> {
    let what = match destruction.what.as_str() {
        "private" => "Private half",
        "secret" => "Shared secret",
        "public" => "Public half",
        _ => "Copy under a former master key",
    };
    let rotation = rotations
        .iter()
        .find(|rotation| Some(&rotation.id) == destruction.rotation_id.as_ref())
        .map_or_else(
            || "a rotation".to_owned(),
            |rotation| format!("rotation {}", rotation.name),
        );
    let by = match destruction.why.as_str() {
        "start" => format!("Start of {rotation}"),
        "close" => format!("Close of {rotation}"),
        _ => "Move to a new master key".to_owned(),
    };
    let sealed_by = match destruction.sealed_by.as_str() {
        "" => "–".to_owned(),
        fingerprint => fingerprint.to_owned(),
    };
    let kid = destruction.kid.clone();
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <span>{what}</span>
                    <span class="mono quiet small">{kid}</span>
                </span>
            </th>
            <td data-label="When"><InUtc at=Some(destruction.at) now/></td>
            <td data-label="By">{by}</td>
            <td data-label="Sealed with master key" class="mono">{sealed_by}</td>
            <td data-label="Files cleaned"><InUtc at=destruction.scrubbed_at now none="not yet"/></td>
        </tr>
    }
}
