use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;

use super::words::{InUtc, PhaseBadge, id};
use super::{recovery, rehearsal};
use crate::auth::AppState;
use crate::model::{Admin, Phase, UnixMs};
use crate::pages::parts::{Crumb, EmptyState, PageHeader, Table, ago, counted};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::store::rotations::Rotation;

/// Every rotation, and the way to one of them.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin/rotations", get(history))
        .route("/admin/rotations/{id}", get(one))
}

/// One rotation: what there is to see depends on its phase.
async fn one(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(rotation): Path<String>,
) -> Result<Response, PageError> {
    let rotation = app.engine.rotation(&admin, &id(&rotation)?).await?;
    match rotation.phase {
        Phase::Recording => rehearsal::show(&app.engine, &admin, visit, rotation).await,
        Phase::Finalised => recovery::show(&app.engine, &admin, visit, rotation).await,
        Phase::Closed | Phase::Aborted => recovery::show_record(&app.engine, visit, rotation).await,
    }
}

/// The way to a page about one rotation.
pub fn crumbs(here: impl Into<String>) -> Vec<Crumb> {
    vec![
        Crumb::link("Rotation", "/admin"),
        Crumb::link("Rotations", "/admin/rotations"),
        Crumb::here(here),
    ]
}

async fn history(
    State(app): State<AppState>,
    _: Admin,
    visit: Visit,
) -> Result<Response, PageError> {
    let rotations = app.engine.rotations().await?;
    let now = app.engine.now();
    let frame = Frame::new("Rotations", Section::Rotation);
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let title = headline(&rotations, now);
            let open = rotations.iter().any(|rotation| rotation.phase.is_open());
            let crumbs = vec![Crumb::link("Rotation", "/admin"), Crumb::here("Rotations")];
            let empty = rotations.is_empty();
            let rows = rotations
                .into_iter()
                .map(|rotation| row(rotation, now))
                .collect_view();
            view! {
                <PageHeader title crumbs/>
                {if empty {
                    view! {
                        <EmptyState title="No rotation yet"
                            text="Starting one breaks nothing: old tokens go on working while their use is recorded.">
                            <a class="button primary" href="/admin/rotations/new">"Start a rotation"</a>
                        </EmptyState>
                    }.into_any()
                } else {
                    view! {
                        <Table
                            caption="Every rotation, the newest first; times are UTC"
                            columns=[
                                "Rotation", "Phase", "Started (UTC)", "Cutover (UTC)", "Over (UTC)", "Started by"
                            ]
                            wide="Rotations"
                        >
                            {rows}
                        </Table>
                        {(!open).then(|| view! {
                            <div class="actions last">
                                <a class="button primary" href="/admin/rotations/new">"Start a rotation"</a>
                            </div>
                        })}
                    }.into_any()
                }}
            }
        })
        .await)
}

fn headline(rotations: &[Rotation], now: UnixMs) -> String {
    let many = counted(
        u64::try_from(rotations.len()).unwrap_or(0),
        "rotation so far",
        "rotations so far",
    );
    match rotations.first() {
        None => "No key was rotated so far.".to_owned(),
        Some(newest) if newest.phase.is_open() => {
            format!("{many}. {} is {}.", newest.name, newest.phase)
        }
        Some(newest) => {
            let at = newest.closed_at.or(newest.aborted_at).unwrap_or(now);
            format!(
                "{many}. The last, {}, was {} {}.",
                newest.name,
                newest.phase,
                ago(at, now)
            )
        }
    }
}

fn row(rotation: Rotation, now: UnixMs) -> impl IntoView {
    let href = format!("/admin/rotations/{}", rotation.id);
    let over = rotation.closed_at.or(rotation.aborted_at);
    view! {
        <tr>
            <th scope="row">
                <span class="cell-two">
                    <a href=href>{rotation.name}</a>
                    <span class="quiet small">{rotation.reason}</span>
                </span>
            </th>
            <td data-label="Phase"><PhaseBadge phase=rotation.phase/></td>
            <td data-label="Started (UTC)"><InUtc at=Some(rotation.started_at) now/></td>
            <td data-label="Cutover (UTC)"><InUtc at=rotation.finalised_at now none="–"/></td>
            <td data-label="Over (UTC)"><InUtc at=over now none="–"/></td>
            <td data-label="Started by">{rotation.started_by}</td>
        </tr>
    }
}
