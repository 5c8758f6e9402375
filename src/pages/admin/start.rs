use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::rehearsal::{Affected, span};
use super::rotations::crumbs;
use super::words::{count, refusal};
use crate::auth::AppState;
use crate::model::{Admin, Name, Span, UnixMs};
use crate::pages::parts::{
    Acknowledge, Acknowledgements, Choice, Choices, ErrorSummary, Field, FieldError, Notice,
    PageHeader, TextField, Tone, counted, error_of, moment_to_the_second,
};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::phases::{MONTHLY_LOOKBACK_DAYS, Plan, USUAL_WINDOW_DAYS};
use crate::rotation::rehearsal::AffectedAccount;
use crate::rotation::status::Status;
use crate::rotation::{Engine, RotationError, Rule};
use crate::store::rotations::Rotation;

/// How long the page waits for a start to take effect; a start that takes longer goes on by itself.
const PATIENCE: Duration = Duration::from_secs(12);

/// What is said of a start that waits for longer than the page.
const NOT_BEGUN: &str = "The start has not begun: something else holds the database. It may still begin within a \
     minute. Look at the rotation before you start again.";

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
    /// Sent by the button that asks instead of starting.
    rehearse: Option<String>,
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

    /// The look-back it asks for, or what is wrong with it. An empty field means its default.
    fn lookback(&self) -> Result<Span, FieldError> {
        match self.lookback.trim() {
            "" => Ok(Span(0)),
            text => text.parse().map_err(|_| {
                FieldError::new(
                    "lookback",
                    "Give a whole number and a unit: 14d, 36h or 90m.",
                )
            }),
        }
    }

    /// The plan it asks for, or what is wrong with it. An empty field means its default.
    fn plan(&self) -> Result<Plan, Vec<FieldError>> {
        let mut errors = Vec::new();
        let usual = Span::days(USUAL_WINDOW_DAYS);
        let window = match self.window.trim() {
            "" => usual,
            text => text.parse().unwrap_or_else(|_| {
                let text = "Give a whole number and a unit: 14d, 36h or 90m.";
                errors.push(FieldError::new("window", text));
                usual
            }),
        };
        let lookback = self.lookback().unwrap_or_else(|error| {
            errors.push(error);
            Span(0)
        });
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
    let form = StartForm::fresh();
    Ok(show(visit, StatusCode::OK, form, Vec::new(), status, None).await)
}

/// Who would break by the look-back in the form and a cutover at once; the form comes back as it was.
async fn rehearse(
    app: &AppState,
    admin: &Admin,
    visit: Visit,
    form: StartForm,
) -> Result<Response, PageError> {
    let rehearsed = match form.lookback() {
        Ok(lookback) => app
            .engine
            .rehearse_start(admin, lookback)
            .await
            .map(|accounts| (lookback, accounts)),
        Err(error) => return refuse(app, visit, form, vec![error]).await,
    };
    let (lookback, accounts) = match rehearsed {
        Ok(rehearsed) => rehearsed,
        Err(RotationError::Refused(Rule::AlreadyOpen { .. })) => {
            return Ok(Redirect::to("/admin/rotations/new").into_response());
        }
        Err(error) => {
            let errors = vec![FieldError::new("lookback", refusal(error)?)];
            return refuse(app, visit, form, errors).await;
        }
    };
    let status = app.engine.status().await?;
    let now = app.engine.now();
    let answer = Rehearsed {
        lookback,
        accounts,
        now,
    };
    Ok(show(
        visit,
        StatusCode::OK,
        form,
        Vec::new(),
        status,
        Some(answer),
    )
    .await)
}

async fn refuse(
    app: &AppState,
    visit: Visit,
    form: StartForm,
    errors: Vec<FieldError>,
) -> Result<Response, PageError> {
    let status = app.engine.status().await?;
    let code = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(show(visit, code, form, errors, status, None).await)
}

async fn submit(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Form(form): Form<StartForm>,
) -> Result<Response, PageError> {
    if form.rehearse.is_some() {
        return rehearse(&app, &admin, visit, form).await;
    }
    let errors = match form.plan() {
        Err(errors) => errors,
        Ok(plan) => match start(&app.engine, &admin, plan).await {
            Ok(Some(to)) => return Ok(Redirect::to(&to).into_response()),
            Ok(None) => vec![FieldError::new("", NOT_BEGUN)],
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
    refuse(&app, visit, form, errors).await
}

/// Starts, and says where to go: to the rotation, also when it takes effect later than anybody
/// waits for a page.
///
/// `None` when it has not even begun: something else holds the database.
async fn start(
    engine: &Engine,
    admin: &Admin,
    plan: Plan,
) -> Result<Option<String>, RotationError> {
    if let Ok(done) = tokio::time::timeout(PATIENCE, engine.start_rotation(admin, plan)).await {
        done?;
    }
    let open = engine.open_rotation().await?;
    Ok(open.map(|rotation| format!("/admin/rotations/{}", rotation.id)))
}

/// Only one rotation at a time: the page says which, and where it is.
async fn already_open(visit: Visit, open: Rotation) -> Response {
    let frame = Frame::new("Start a rotation", Section::Rotation)
        .reading()
        .refused(true);
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
    rehearsed: Option<Rehearsed>,
) -> Response {
    let frame = Frame::new("Start a rotation", Section::Rotation)
        .reading()
        .refused(!errors.is_empty());
    visit
        .show(status_code, frame, move || {
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
                        <div class="actions">
                            <button type="submit" class="button" name="rehearse" value="yes" formnovalidate>
                                "Rehearse this look-back"
                            </button>
                        </div>
                        {rehearsed.map(|rehearsed| view! { <Answer rehearsed/> })}
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

/// What a rehearsal of a start came to.
struct Rehearsed {
    lookback: Span,
    accounts: Vec<AffectedAccount>,
    now: UnixMs,
}

/// Who would break by a start and a cutover at once: what an emergency costs.
#[component]
fn Answer(rehearsed: Rehearsed) -> impl IntoView {
    let Rehearsed {
        lookback,
        accounts,
        now,
    } = rehearsed;
    let if_so = match lookback.ms() {
        0 => "If you started without a look-back and finalised at once".to_owned(),
        ms => format!(
            "If you started with a look-back of {} and finalised at once",
            span(ms)
        ),
    };
    let some = i64::try_from(accounts.len()).unwrap_or(i64::MAX);
    let answer = match some {
        0 => format!("{if_so}, nobody would lose an integration."),
        some => format!(
            "{if_so}, {} would lose an integration.",
            super::words::accounts(some)
        ),
    };
    let tone = if some == 0 { Tone::Good } else { Tone::Warn };
    view! {
        <section id="rehearsed" class="stack tight">
            <Notice tone>
                <p><strong>{answer}</strong></p>
                <p class="small">
                    {format!("Rehearsed {}. ", moment_to_the_second(now, now))}
                    "Nothing was started. Whoever makes a request while it records is kept as well."
                </p>
            </Notice>
            {(some > 0).then(|| view! { <Affected accounts now/> })}
        </section>
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
