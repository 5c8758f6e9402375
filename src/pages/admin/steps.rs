use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;

use super::consequences::Consequence;
use super::rotations::crumbs;
use super::words::{accounts, id, refusal};
use crate::auth::AppState;
use crate::model::{Admin, Phase, UnixMs};
use crate::pages::parts::{
    Acknowledge, Acknowledgements, ErrorSummary, FieldError, PageHeader, TypedConfirmation,
    error_of,
};
use crate::pages::words::capital;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::status::Status;
use crate::rotation::{Engine, RotationError, Rule};
use crate::store::rotations::Rotation;

/// Finalise, reopen, abort, close.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/rotations/{id}/{step}", get(page).post(submit))
}

/// A step from one phase to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// From recording to finalised: the cutover.
    Finalise,
    /// Back to recording.
    Reopen,
    /// From recording to its end.
    Abort,
    /// From finalised to its end.
    Close,
}

impl Step {
    const ALL: [Self; 4] = [Self::Finalise, Self::Reopen, Self::Abort, Self::Close];

    const fn slug(self) -> &'static str {
        match self {
            Self::Finalise => "finalise",
            Self::Reopen => "reopen",
            Self::Abort => "abort",
            Self::Close => "close",
        }
    }

    fn of(slug: &str) -> Result<Self, PageError> {
        Self::ALL
            .into_iter()
            .find(|step| step.slug() == slug)
            .ok_or(PageError::NotFound)
    }

    const fn leads_to(self) -> Phase {
        match self {
            Self::Finalise => Phase::Finalised,
            Self::Reopen => Phase::Recording,
            Self::Abort => Phase::Aborted,
            Self::Close => Phase::Closed,
        }
    }

    async fn take(
        self,
        engine: &Engine,
        admin: &Admin,
        typed: &str,
    ) -> Result<Status, RotationError> {
        match self {
            Self::Finalise => engine.finalise(admin, typed).await,
            Self::Reopen => engine.reopen(admin, typed).await,
            Self::Abort => engine.abort(admin, typed).await,
            Self::Close => engine.close_rotation(admin, typed).await,
        }
    }
}

/// What is asked before a step, or the page there is instead: it was taken already (the form was sent
/// twice, or somebody was faster), or cannot be taken from where the rotation stands.
async fn asked(
    app: &AppState,
    admin: &Admin,
    visit: &Visit,
    (rotation, step): &(String, String),
) -> Result<Result<Asked, Response>, PageError> {
    let step = Step::of(step)?;
    let rotation = app.engine.rotation(admin, &id(rotation)?).await?;
    if rotation.phase == step.leads_to() {
        return Ok(Err(to_rotation(&rotation)));
    }
    if !rotation.phase.may_become(step.leads_to()) {
        return Ok(Err(not_now(visit.clone(), &rotation, step).await));
    }
    Ok(Ok(Asked {
        rotation,
        step,
        status: app.engine.status().await?,
        now: app.engine.now(),
    }))
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(place): Path<(String, String)>,
) -> Result<Response, PageError> {
    match asked(&app, &admin, &visit, &place).await? {
        Ok(asked) => Ok(show(visit, StatusCode::OK, asked, HashMap::new(), Vec::new()).await),
        Err(instead) => Ok(instead),
    }
}

async fn submit(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(place): Path<(String, String)>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, PageError> {
    let question = match asked(&app, &admin, &visit, &place).await? {
        Ok(asked) => asked,
        Err(instead) => return Ok(instead),
    };
    let errors = question.check(&form);
    if !errors.is_empty() {
        return Ok(show(
            visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            question,
            form,
            errors,
        )
        .await);
    }
    match question
        .step
        .take(&app.engine, &admin, &question.rotation.name)
        .await
    {
        Ok(_) => Ok(to_rotation(&question.rotation)),
        // Somebody was faster. Where it stands now decides what is shown.
        Err(RotationError::Refused(Rule::WrongPhase { .. } | Rule::NoneOpen)) => {
            match asked(&app, &admin, &visit, &place).await? {
                Ok(again) => Ok(show(visit, StatusCode::CONFLICT, again, form, Vec::new()).await),
                Err(instead) => Ok(instead),
            }
        }
        Err(error) => {
            let errors = vec![FieldError::new("", refusal(error)?)];
            Ok(show(visit, StatusCode::CONFLICT, question, form, errors).await)
        }
    }
}

fn to_rotation(rotation: &Rotation) -> Response {
    Redirect::to(&format!("/admin/rotations/{}", rotation.id)).into_response()
}

/// What a form is about.
struct Asked {
    rotation: Rotation,
    step: Step,
    status: Status,
    now: UnixMs,
}

impl Asked {
    fn consequences(&self) -> Vec<Consequence> {
        self.step
            .consequences(&self.rotation, &self.status, self.now)
    }

    /// What is missing: each acknowledgement, then the typed name.
    fn check(&self, form: &HashMap<String, String>) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = self
            .consequences()
            .into_iter()
            .filter(|one| !form.contains_key(one.name))
            .map(|one| FieldError::new(one.name, format!("Tick “{}”", one.words)))
            .collect();
        let typed = form.get("confirm").map(|typed| typed.trim());
        if typed != Some(self.rotation.name.as_str()) {
            let text = format!("Type the rotation’s name, {}.", self.rotation.name);
            errors.push(FieldError::new("confirm", text));
        }
        errors
    }
}

/// The step does not lead on from where the rotation stands.
async fn not_now(visit: Visit, rotation: &Rotation, step: Step) -> Response {
    let title = format!(
        "Rotation {} is {}, and cannot become {}.",
        rotation.name,
        rotation.phase,
        step.leads_to()
    );
    let to = format!("/admin/rotations/{}", rotation.id);
    let frame = Frame::new(capital(step.slug()), Section::Rotation)
        .reading()
        .refused(true);
    let way = crumbs(rotation.name.clone());
    visit
        .show(StatusCode::CONFLICT, frame, move || {
            view! {
                <PageHeader title crumbs=way
                    sub="A rotation goes from recording to finalised to closed; it is aborted while recording, and reopened while finalised.">
                    <a class="button primary" href=to>"Go to the rotation"</a>
                </PageHeader>
            }
        })
        .await
}

async fn show(
    visit: Visit,
    status: StatusCode,
    asked: Asked,
    form: HashMap<String, String>,
    errors: Vec<FieldError>,
) -> Response {
    let name = asked.rotation.name.clone();
    let (title, sub, button) = words(asked.step, &name, &asked.status);
    let step = capital(asked.step.slug());
    let frame = Frame::new(format!("{step} {name}"), Section::Rotation)
        .reading()
        .refused(!errors.is_empty());
    visit
        .show(status, frame, move || {
            let back = format!("/admin/rotations/{}", asked.rotation.id);
            let action = format!("{back}/{}", asked.step.slug());
            let mut way = crumbs(step);
            way.insert(
                2,
                crate::pages::parts::Crumb::link(name.clone(), back.clone()),
            );
            let boxes = asked
                .consequences()
                .into_iter()
                .map(|one| {
                    let ticked = form.contains_key(one.name);
                    view! { <Acknowledge name=one.name words=one.words detail=one.detail ticked/> }
                })
                .collect_view();
            let kind = match asked.step {
                Step::Finalise | Step::Close => "button danger gated",
                Step::Reopen | Step::Abort => "button primary gated",
            };
            let error = error_of(&errors, "confirm");
            let typed = form.get("confirm").cloned().unwrap_or_default();
            view! {
                <ErrorSummary errors/>
                <PageHeader title sub crumbs=way/>
                <form class="form" method="post" action=action>
                    <Acknowledgements legend="You know that">{boxes}</Acknowledgements>
                    <TypedConfirmation name="confirm" expected=name value=typed error>
                        <button type="submit" class=kind>{button}</button>
                        <a class="button quiet" href=back>"Not now"</a>
                    </TypedConfirmation>
                </form>
            }
        })
        .await
}

/// Headline, line below it, and the button's words.
fn words(step: Step, name: &str, status: &Status) -> (String, &'static str, String) {
    match step {
        Step::Finalise => (
            match status.accounts.affected {
                0 => format!("Finalise {name}: nobody loses an integration."),
                1 => format!("Finalise {name}: 1 account loses an integration."),
                some => format!("Finalise {name}: {} lose an integration.", accounts(some)),
            },
            "What was not captured is refused from the moment this is done. One row changes; no token is rewritten.",
            format!("Finalise {name}"),
        ),
        Step::Reopen => (
            format!("Reopen {name}: back to recording."),
            "For when the cutover came too early. What is refused now works again, and its use is recorded.",
            format!("Reopen {name}"),
        ),
        Step::Abort => (
            format!("Abort {name}: nothing is refused."),
            "For when the rotation should not go on. It breaks nobody.",
            format!("Abort {name}"),
        ),
        Step::Close => (
            format!("Close {name}: for good."),
            "The last step. Everything of the older keys that could verify is destroyed.",
            format!("Close {name}"),
        ),
    }
}
