use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::rotations::crumbs;
use super::words::{count, refusal};
use crate::auth::AppState;
use crate::model::{Admin, Name, Span};
use crate::pages::parts::{
    Acknowledge, Acknowledgements, Choice, Choices, ErrorSummary, Field, FieldError, PageHeader,
    TextField, counted, error_of,
};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::phases::{MONTHLY_LOOKBACK_DAYS, Plan, USUAL_WINDOW_DAYS};
use crate::rotation::status::Status;
use crate::rotation::{Engine, RotationError, Rule};
use crate::store::rotations::Rotation;

/// How long the page waits for a start to take effect; a start that takes longer goes on by itself.
const PATIENCE: Duration = Duration::from_secs(12);

/// Start a rotation.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/rotations/new", get(page).post(submit))
}

/// What the form carries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct StartForm {
    window: String,
    lookback: String,
    name: String,
    reason: String,
    new_key: Option<String>,
    records: Option<String>,
    promise: Option<String>,
}

impl StartForm {
    /// The form before anything is filled in.
    fn fresh() -> Self {
        Self {
            window: Span::days(USUAL_WINDOW_DAYS).to_string(),
            lookback: "0d".to_owned(),
            ..Self::default()
        }
    }

    /// The plan it asks for, or what is wrong with it. An empty field means its default.
    fn plan(&self) -> Result<Plan, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut span = |field: &str, text: &str, usual: Span| match text.trim() {
            "" => usual,
            text => text.parse().unwrap_or_else(|_| {
                errors.push(FieldError::new(
                    field,
                    "Give a whole number and a unit: 14d, 36h or 90m.",
                ));
                usual
            }),
        };
        let window = span("window", &self.window, Span::days(USUAL_WINDOW_DAYS));
        let lookback = span("lookback", &self.lookback, Span(0));
        let name = match self.name.trim() {
            "" => None,
            text => match text.parse::<Name>() {
                Ok(name) => Some(name),
                Err(error) => {
                    errors.push(FieldError::new("name", format!("{error}.")));
                    None
                }
            },
        };
        for (field, ticked) in [
            ("new_key", &self.new_key),
            ("records", &self.records),
            ("promise", &self.promise),
        ] {
            if ticked.is_none() {
                errors.push(FieldError::new(field, "Tick what you have read."));
            }
        }
        if errors.is_empty() {
            Ok(Plan {
                window,
                lookback,
                name,
                reason: self.reason.trim().to_owned(),
            })
        } else {
            Err(errors)
        }
    }
}

async fn page(State(app): State<AppState>, _: Admin, visit: Visit) -> Result<Response, PageError> {
    if let Some(open) = app.engine.open_rotation().await? {
        return Ok(already_open(visit, open).await);
    }
    let status = app.engine.status().await?;
    Ok(show(
        visit,
        StatusCode::OK,
        StartForm::fresh(),
        Vec::new(),
        status,
    )
    .await)
}

async fn submit(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Form(form): Form<StartForm>,
) -> Result<Response, PageError> {
    let errors = match form.plan() {
        Err(errors) => errors,
        Ok(plan) => match start(&app.engine, &admin, plan).await {
            Ok(to) => return Ok(Redirect::to(&to).into_response()),
            Err(RotationError::Refused(Rule::AlreadyOpen { .. })) => {
                let open = app.engine.open_rotation().await?;
                return match open {
                    Some(open) => Ok(already_open(visit, open).await),
                    None => Ok(Redirect::to("/admin/rotations/new").into_response()),
                };
            }
            Err(error) => {
                let field = match &error {
                    RotationError::Taken(_) => "name",
                    RotationError::Invalid(_) => "window",
                    _ => "",
                };
                vec![FieldError::new(field, refusal(error)?)]
            }
        },
    };
    let status = app.engine.status().await?;
    Ok(show(
        visit,
        StatusCode::UNPROCESSABLE_ENTITY,
        form,
        errors,
        status,
    )
    .await)
}

/// Starts, and says where to go: to the rotation, also when it takes effect later than anybody
/// waits for a page.
async fn start(engine: &Engine, admin: &Admin, plan: Plan) -> Result<String, RotationError> {
    if let Ok(done) = tokio::time::timeout(PATIENCE, engine.start_rotation(admin, plan)).await {
        done?;
    }
    let open = engine.open_rotation().await?;
    Ok(open.map_or_else(
        || "/admin".to_owned(),
        |rotation| format!("/admin/rotations/{}", rotation.id),
    ))
}

/// Only one rotation at a time: the page says which, and where it is.
async fn already_open(visit: Visit, open: Rotation) -> Response {
    let frame = Frame::new("Error: Start a rotation", Section::Rotation).reading();
    visit
        .show(StatusCode::CONFLICT, frame, move || {
            let title = format!("Rotation {} is {} already.", open.name, open.phase);
            let to = format!("/admin/rotations/{}", open.id);
            let words = format!("Go to {}", open.name);
            view! {
                <PageHeader title sub="Only one rotation runs at a time: close or abort it before starting another."
                    crumbs=crumbs("Start a rotation")>
                    <a class="button primary" href=to>{words}</a>
                </PageHeader>
            }
        })
        .await
}

async fn show(
    visit: Visit,
    status_code: StatusCode,
    form: StartForm,
    errors: Vec<FieldError>,
    status: Status,
) -> Response {
    let title = if errors.is_empty() {
        "Start a rotation"
    } else {
        "Error: Start a rotation"
    };
    visit
        .show(status_code, Frame::new(title, Section::Rotation).reading(), move || {
            let sub = format!(
                "Starting breaks nothing: {} and {} go on working while their use is recorded.",
                counted(
                    count(status.tokens.captured + status.tokens.dormant + status.tokens.not_seen),
                    "token",
                    "tokens"
                ),
                counted(count(status.sessions.captured), "session", "sessions"),
            );
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title="Start a rotation" sub crumbs=crumbs("Start a rotation")/>
                <form class="form" method="post" action="/admin/rotations/new">
                    <div class="panel stack">
                        <Field name="window" label="Recording phase" value=form.window.clone() class="short"
                            hint="How long customers are promised: a whole number and a unit, such as 14d or 36h. It is a date, not a switch: nothing stops until you finalise."
                            error=error_of(&errors, "window")/>
                        <LookBack chosen=form.lookback.clone()/>
                        <Field name="name" label="Name" may_be_empty=true value=form.name.clone() class="mid"
                            hint="What customers and the audit call it. The month, such as 2026-11, when left empty."
                            error=error_of(&errors, "name") max_length=80/>
                        <TextField name="reason" label="Reason" may_be_empty=true value=form.reason.clone()
                            hint="Why the key is rotated, for the audit." error=error_of(&errors, "reason") max_length=500/>
                    </div>
                    <Consequences form/>
                    <div class="actions">
                        <button type="submit" class="button primary gated">"Start the rotation"</button>
                        <a class="button quiet" href="/admin">"Not now"</a>
                    </div>
                </form>
            }
        })
        .await
}

#[component]
fn LookBack(chosen: String) -> impl IntoView {
    let monthly = Span::days(MONTHLY_LOOKBACK_DAYS).to_string();
    let looks_back = chosen.trim() == monthly;
    view! {
        <Choices legend="Look-back">
            <Choice name="lookback" value="0d" words="None" chosen=!looks_back
                detail="Only what makes a request from now on is captured. An integration that calls once a month is missed by a phase of 14 days, unless it happens to call."/>
            <Choice name="lookback" value=monthly words=format!("{MONTHLY_LOOKBACK_DAYS} days") chosen=looks_back
                detail="Whatever was used in the forty days before the start counts as present: this is how monthly jobs survive, and how an emergency can be finalised at once. A stolen token that was used in that time is captured as well."/>
        </Choices>
    }
}

#[component]
fn Consequences(form: StartForm) -> impl IntoView {
    view! {
        <Acknowledgements legend="You know that">
            <Acknowledge name="new_key" ticked=form.new_key.is_some()
                words="A new key signs, and the private half of the old one is destroyed."
                detail="It cannot be brought back, not even by aborting. Its public half still verifies until the rotation is closed."/>
            <Acknowledge name="records" ticked=form.records.is_some()
                words="Each request of an old token is recorded before it is answered."
                detail="A token or session that makes one request is captured and goes on working after the cutover."/>
            <Acknowledge name="promise" ticked=form.promise.is_some()
                words="Customers see that a rotation is on, and its end."
                detail="Their pages say what is captured and what to do before that date."/>
        </Acknowledgements>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticked() -> StartForm {
        let yes = || Some("yes".to_owned());
        StartForm {
            new_key: yes(),
            records: yes(),
            promise: yes(),
            ..StartForm::default()
        }
    }

    #[test]
    fn empty_fields_mean_their_defaults() {
        assert_eq!(ticked().plan().unwrap(), Plan::default());
    }

    #[test]
    fn each_wrong_field_and_each_missing_tick_is_named() {
        let form = StartForm {
            window: "soon".to_owned(),
            name: "x".repeat(81),
            promise: None,
            ..ticked()
        };
        let fields: Vec<String> = form
            .plan()
            .unwrap_err()
            .into_iter()
            .map(|error| error.field)
            .collect();
        assert_eq!(fields, ["window", "name", "promise"]);
    }
}
