//! *Your integrations*: whether they keep working, and which one needs something.

mod answer;
mod archived;
mod row;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;
use serde::Deserialize;

use self::archived::{Archived, JustArchived};
use self::row::row;
use super::customer::Banner;
use super::error::PageError;
use super::parts::{EmptyState, ErrorSummary, Field, FieldError, PageHeader, error_of};
use super::shell::{Frame, Section, Visit};
use super::words::sentence;
use crate::auth::{AppState, Denied, Who};
use crate::model::{Member, Name, Standing};
use crate::rotation::overview::Overview;
use crate::rotation::{RotationError, Rule};

/// The start, and the form that creates an integration.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(page))
        .route("/integrations", post(create).get(to_start))
}

/// The form as it was sent, and what was wrong with it.
#[derive(Default)]
struct NewState {
    name: String,
    errors: Vec<FieldError>,
    /// The integration that was archived just now.
    archived: String,
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    archived: String,
}

async fn page(
    State(app): State<AppState>,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, Response> {
    let member = match &visit.who {
        Who::Member { member, .. } => member.clone(),
        Who::Admin(_) => return Ok(Redirect::to("/admin").into_response()),
        Who::Nobody { rotated } => {
            let denied = Denied::SignIn {
                next: "/".to_owned(),
                rotated: *rotated,
                unsent: false,
            };
            return Err(denied.into_response());
        }
    };
    let state = NewState {
        archived: ask.archived,
        ..NewState::default()
    };
    show(&app, visit, &member, StatusCode::OK, state)
        .await
        .map_err(IntoResponse::into_response)
}

async fn to_start() -> Redirect {
    Redirect::to("/")
}

#[derive(Deserialize)]
struct NewIntegration {
    #[serde(default)]
    name: String,
}

async fn create(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Form(form): Form<NewIntegration>,
) -> Result<Response, PageError> {
    let created = match form.name.parse::<Name>() {
        Ok(name) => {
            app.engine
                .create_integration(&member, member.account().as_str(), name)
                .await
        }
        Err(invalid) => Err(invalid.into()),
    };
    let problem = match created {
        Ok(integration) => {
            return Ok(Redirect::to(&format!("/integrations/{}", integration.id)).into_response());
        }
        Err(RotationError::Taken(_)) => {
            "You have an integration of this name already. Choose another name.".to_owned()
        }
        Err(RotationError::Refused(Rule::TooManyIntegrations(most))) => {
            format!("You have {most} integrations, as many as an account may. Archive one first.")
        }
        Err(RotationError::Invalid(invalid)) => sentence(&invalid.to_string()),
        Err(error) => return Err(error.into()),
    };
    let state = NewState {
        archived: String::new(),
        name: form.name,
        errors: vec![FieldError::new("name", problem)],
    };
    show(
        &app,
        visit,
        &member,
        StatusCode::UNPROCESSABLE_ENTITY,
        state,
    )
    .await
}

async fn show(
    app: &AppState,
    visit: Visit,
    member: &Member,
    status: StatusCode,
    new: NewState,
) -> Result<Response, PageError> {
    let overview = app.engine.overview(member, member.account()).await?;
    let frame =
        Frame::new("Your integrations", Section::Integrations).refused(!new.errors.is_empty());
    Ok(visit
        .show(
            status,
            frame,
            move || view! { <Integrations overview new/> },
        )
        .await)
}

#[component]
fn Integrations(overview: Overview, new: NewState) -> impl IntoView {
    let standings: Vec<Standing> = overview
        .integrations
        .iter()
        .map(|view| view.standing)
        .collect();
    let title = answer::headline(&overview.integrations);
    let sub = answer::sub(&overview);
    let moment = overview.moment.clone();
    let is_empty = overview.integrations.is_empty();
    let rows: Vec<_> = overview
        .integrations
        .iter()
        .enumerate()
        .map(|(at, view)| row(view, &overview.moment, at == 0))
        .collect();
    let just_archived = overview
        .archived
        .iter()
        .find(|one| one.id.as_str() == new.archived)
        .cloned();
    let list = if is_empty {
        view! { <Beginning/> }.into_any()
    } else {
        view! { <List rows/> }.into_any()
    };
    view! {
        <ErrorSummary errors=new.errors.clone()/>
        <PageHeader title sub/>
        {just_archived.map(|integration| view! { <JustArchived integration/> })}
        <Banner moment standings/>
        {list}
        <Create new is_empty/>
        <Archived integrations=overview.archived now=overview.moment.now/>
        <div class="page-end">
            <a href="/status">"State of the key rotation"</a>
            <span>"Something looks wrong? " <a href="/help">"Read the answers"</a></span>
        </div>
    }
}

#[component]
fn List<V: IntoView + 'static>(rows: Vec<V>) -> impl IntoView {
    view! {
        <div class="rows">
            <div class="rows-head" aria-hidden="true">
                <span>"Integration"</span>
                <span>"Standing"</span>
                <span>"Last 30 days"</span>
                <span>"Last use"</span>
                <span></span>
            </div>
            <ul role="list" aria-label="Your integrations">{rows}</ul>
        </div>
    }
}

/// What a new account has to do, in the order in which it is done.
#[component]
fn Beginning() -> impl IntoView {
    view! {
        <EmptyState
            title="Nothing is connected yet"
            text="Create an integration for each program that calls the API. Each has tokens of its own, so that one \
                  can be replaced without the others noticing."
        />
        <ol class="steps" role="list" aria-label="How a program is connected">
            <li aria-current="step"><div>"Create an integration below, named after the program."</div></li>
            <li><div>"Generate its token. It is shown once: copy it."</div></li>
            <li><div>"Put it in the program’s environment, and make one request. This page then reads Working."</div></li>
        </ol>
    }
}

/// The form that creates an integration: open where there is none yet, or where it was refused.
#[component]
fn Create(new: NewState, is_empty: bool) -> impl IntoView {
    let open = is_empty || !new.errors.is_empty();
    let error = error_of(&new.errors, "name");
    let class = if is_empty { "button primary" } else { "button" };
    view! {
        <details class="qa" open=open>
            <summary>"Create an integration"</summary>
            <div>
                <form class="form" method="post" action="/integrations">
                    <Field
                        name="name"
                        label="Name"
                        hint="What you call the program: “Order sync”."
                        value=new.name
                        error
                        required=true
                        max_length=80
                        class="mid"
                    />
                    <div class="actions">
                        <button type="submit" class=class>"Create integration"</button>
                    </div>
                </form>
            </div>
        </details>
    }
}
