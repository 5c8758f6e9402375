use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use super::words::{InUtc, count};
use crate::auth::AppState;
use crate::model::{Admin, UnixMs};
use crate::pages::parts::{Badge, PageHeader, Shape, Tone, counted, when};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::store::keys::SigningKey;

/// The signing keys by generation.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/keys", get(page))
}

async fn page(State(app): State<AppState>, _: Admin, visit: Visit) -> Result<Response, PageError> {
    let keys = app.engine.keys().await?;
    let now = app.engine.now();
    let title = headline(&keys, now);
    let frame = Frame::new("Keys", Section::Keys);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let rows = keys.into_iter().map(|key| row(&key, now)).collect_view();
            view! {
                <PageHeader title
                    sub="A private key that no longer signs is destroyed, not archived: only its public half still verifies, until its rotation is closed."/>
                <div class="table-box" tabindex="0" role="region" aria-label="Signing keys">
                    <table class="data cards">
                        <caption class="visually-hidden">"Signing keys, the newest first; times are UTC"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Generation"</th>
                                <th scope="col">"State"</th>
                                <th scope="col">"Published"</th>
                                <th scope="col">"Signs since"</th>
                                <th scope="col">"Signed until"</th>
                                <th scope="col">"Private half destroyed"</th>
                                <th scope="col">"Public half forgotten"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                <p class="page-end">
                    <span>"Times are UTC."</span>
                    <a href="/.well-known/jwks.json">"The keys that verify, as a JSON Web Key Set"</a>
                </p>
            }
        })
        .await)
}

/// Where a key stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Published,
    Signs,
    Verifies,
    Forgotten,
}

impl Standing {
    fn of(key: &SigningKey) -> Self {
        if key.forgotten_at.is_some() {
            Self::Forgotten
        } else if key.deactivated_at.is_some() || key.origin == "imported" {
            Self::Verifies
        } else if key.activated_at.is_some() {
            Self::Signs
        } else {
            Self::Published
        }
    }

    const fn look(self) -> (Tone, Shape, &'static str) {
        match self {
            Self::Published => (Tone::Warn, Shape::Waiting, "Published, signs soon"),
            Self::Signs => (Tone::Good, Shape::Key, "Signs now"),
            Self::Verifies => (Tone::Accent, Shape::Check, "Only verifies"),
            Self::Forgotten => (Tone::Plain, Shape::Absent, "Gone"),
        }
    }
}

fn headline(keys: &[SigningKey], now: UnixMs) -> String {
    let signs = keys
        .iter()
        .find(|key| Standing::of(key) == Standing::Signs)
        .and_then(|key| Some((key.generation, key.activated_at?)));
    let older = keys
        .iter()
        .filter(|key| Standing::of(key) == Standing::Verifies)
        .count();
    let older = counted(
        u64::try_from(older).unwrap_or(0),
        "older key still verifies",
        "older keys still verify",
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

fn row(key: &SigningKey, now: UnixMs) -> impl IntoView + use<> {
    let (tone, shape, words) = Standing::of(key).look();
    let generation = count(key.generation.0);
    let kid = key.kid.clone();
    let origin = format!("{}, {}", key.algorithm, key.origin);
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <span>{generation} " " <span class="mono quiet">{kid}</span></span>
                    <span class="quiet small">{origin}</span>
                </span>
            </th>
            <td data-label="State"><Badge tone shape words/></td>
            <td data-label="Published"><InUtc at=Some(key.published_at) now/></td>
            <td data-label="Signs since"><InUtc at=key.activated_at now none="not yet"/></td>
            <td data-label="Signed until"><InUtc at=key.deactivated_at now none="–"/></td>
            <td data-label="Private half destroyed"><InUtc at=key.destroyed_at now none="–"/></td>
            <td data-label="Public half forgotten"><InUtc at=key.forgotten_at now none="–"/></td>
        </tr>
    }
}
