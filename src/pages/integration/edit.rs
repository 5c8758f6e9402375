//! Rename an integration, or archive it.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use crate::auth::AppState;
use crate::model::{IntegrationId, Member, Name, TokenState};
use crate::pages::error::PageError;
use crate::pages::parts::{
    Crumb, ErrorSummary, Field, FieldError, PageHeader, TypedConfirmation, counted, error_of,
};
use crate::pages::shell::{Frame, Section, Visit, status_of};
use crate::pages::words::sentence;
use crate::rotation::RotationError;
use crate::rotation::overview::IntegrationView;

/// What the forms show, and what was wrong with one of them.
#[derive(Default)]
struct EditState {
    name: Option<String>,
    confirm: String,
    errors: Vec<FieldError>,
}

/// The page with both forms.
pub(super) async fn get(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    show(&app, visit, &member, &id, EditState::default()).await
}

/// The addresses of the forms, opened by hand.
pub(super) async fn to_page(Path(id): Path<String>) -> Result<Redirect, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    Ok(Redirect::to(&format!("/integrations/{id}/edit")))
}

#[derive(Deserialize)]
pub(super) struct Rename {
    #[serde(default)]
    name: String,
}

/// Gives it another name.
pub(super) async fn rename(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Rename>,
) -> Result<Response, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    let renamed = match form.name.parse::<Name>() {
        Ok(name) => app.engine.rename_integration(&member, &id, name).await,
        Err(invalid) => Err(invalid.into()),
    };
    let problem = match renamed {
        Ok(_) => {
            return Ok(Redirect::to(&format!("/integrations/{id}?renamed=yes")).into_response());
        }
        Err(RotationError::Taken(_)) => {
            "You have an integration of this name already. Choose another name.".to_owned()
        }
        Err(RotationError::Invalid(invalid)) => sentence(&invalid.to_string()),
        Err(error) => return Err(error.into()),
    };
    let state = EditState {
        name: Some(form.name),
        errors: vec![FieldError::new("name", problem)],
        ..EditState::default()
    };
    show(&app, visit, &member, &id, state).await
}

#[derive(Deserialize)]
pub(super) struct Archive {
    #[serde(default)]
    confirm: String,
}

/// Archives it, once its name was typed. Sent twice, the second one finds it done.
pub(super) async fn archive(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Archive>,
) -> Result<Response, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    let done = || Redirect::to(&format!("/?archived={id}")).into_response();
    let name = match app.engine.integration(&member, &id).await {
        Ok(story) => story.view.integration.name,
        Err(RotationError::NotFound(_)) => {
            app.engine.archived_integration(&member, &id).await?;
            return Ok(done());
        }
        Err(error) => return Err(error.into()),
    };
    if form.confirm.trim() == name {
        app.engine.archive_integration(&member, &id).await?;
        return Ok(done());
    }
    let state = EditState {
        errors: vec![FieldError::new(
            "confirm",
            format!("Type the name exactly as it is: {name}."),
        )],
        confirm: form.confirm,
        ..EditState::default()
    };
    show(&app, visit, &member, &id, state).await
}

async fn show(
    app: &AppState,
    visit: Visit,
    member: &Member,
    id: &IntegrationId,
    state: EditState,
) -> Result<Response, PageError> {
    let view = app.engine.integration(member, id).await?.view;
    let name = &view.integration.name;
    let is_refused = !state.errors.is_empty();
    let frame = Frame::new(format!("Rename or archive {name}"), Section::Integrations)
        .reading()
        .refused(is_refused);
    Ok(visit
        .show(
            status_of(is_refused),
            frame,
            move || view! { <Edit view state/> },
        )
        .await)
}

#[component]
fn Edit(view: IntegrationView, state: EditState) -> impl IntoView {
    let name = view.integration.name.clone();
    let here = format!("/integrations/{}", view.integration.id);
    let crumbs = vec![
        Crumb::link("Integrations", "/"),
        Crumb::link(name.clone(), here.clone()),
        Crumb::here("Rename or archive"),
    ];
    let archive = format!("Archive {name}");
    let shown = state.name.clone().unwrap_or_else(|| name.clone());
    view! {
        <ErrorSummary errors=state.errors.clone()/>
        <PageHeader
            crumbs
            title=format!("Rename or archive {name}")
            sub="A new name changes nothing else. Archiving ends its tokens, and cannot be undone."
        />
        <section class="section">
            <h2>"Rename"</h2>
            <form class="form panel" method="post" action=format!("{here}/rename")>
                <Field
                    name="name"
                    label="Name"
                    hint="Your programs do not notice: tokens, standing and history stay."
                    value=shown
                    error=error_of(&state.errors, "name")
                    required=true
                    max_length=80
                    class="mid"
                />
                <div class="actions">
                    <button type="submit" class="button primary">"Rename"<span class="visually-hidden">{format!(" {name}")}</span></button>
                </div>
            </form>
        </section>
        <section class="section" id="archive">
            <h2>"Archive"</h2>
            <p class="measure">"For a program that is no longer there. " {ends(&view)}</p>
            <ul class="stack tight measure">
                <li>"It leaves your list, and no rotation waits for it any more."</li>
                <li>"Its story stays: who called, when, and what was done. You find it at the end of the list."</li>
                <li>"Its name is free for another integration."</li>
            </ul>
            <form method="post" action=format!("{here}/archive")>
                <TypedConfirmation
                    name="confirm"
                    expected=name.clone()
                    value=state.confirm
                    error=error_of(&state.errors, "confirm")
                >
                    <button type="submit" class="button danger gated">{archive}</button>
                </TypedConfirmation>
            </form>
        </section>
        <div class="page-end"><a href=here>{format!("Back to {name}")}</a></div>
    }
}

/// What archiving ends.
fn ends(view: &IntegrationView) -> String {
    let count = |state: TokenState| {
        view.tokens
            .iter()
            .filter(|token| token.state == state)
            .count() as u64
    };
    match count(TokenState::Active) {
        0 => "None of its tokens is accepted now, so nothing stops.".to_owned(),
        1 => "Its working token is revoked at once: requests with it are refused from then on."
            .to_owned(),
        some => format!(
            "Its {} are revoked at once: requests with them are refused from then on.",
            counted(some, "working token", "working tokens")
        ),
    }
}
