use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::MOST_FORM_ID;
use super::form::{Asking, QuestionForm};
use super::talk::asked_for;
use crate::auth::{AppState, Denied, Who};
use crate::model::{Member, TokenId};
use crate::pages::error::PageError;
use crate::pages::parts::{Crumb, ErrorSummary, FieldError, PageHeader};
use crate::pages::shell::{Frame, Section, Visit, fragment as fragment_of};
use crate::pages::words::sentence;
use crate::rotation::tickets::{Context, Question, Written};
use crate::rotation::{RotationError, Rule};

/// The most tokens that a form carries from one attempt to the next.
const MOST_FOUND: usize = 20;

/// What the address says that the question is about.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Ask {
    integration: String,
    code: String,
    request: String,
    #[serde(rename = "ref")]
    fix_ref: String,
}

impl Ask {
    fn context(&self) -> Context {
        Context::of(&self.integration, &self.code, &self.request, &self.fix_ref)
    }
}

/// The form as it was sent. What may hold a secret goes no further than [`Written`].
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct QuestionSent {
    form: String,
    subject: String,
    question: String,
    integration: String,
    code: String,
    request: String,
    found: String,
}

/// The page with the form.
pub(super) async fn page(
    State(app): State<AppState>,
    member: Result<Member, Denied>,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let member = match member {
        Ok(member) => member,
        // Whoever answers questions: a link that anybody may follow leads there.
        Err(_) if matches!(visit.who, Who::Admin(_)) => {
            return Ok(Redirect::to("/admin/tickets").into_response());
        }
        Err(denied) => return Ok(denied.into_response()),
    };
    let asking = begun(&app, member, &visit.who, &ask).await?;
    Ok(show(visit, StatusCode::OK, asking).await)
}

/// The form alone, for the dialog.
pub(super) async fn fragment(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let asking = begun(&app, member, &visit.who, &ask).await?;
    Ok(fragment_of(move || {
        let expectation = asking.expectation();
        view! {
            <div class="stack">
                <div class="split">
                    <h2>"Get help"</h2>
                    <form method="dialog"><button type="submit" class="button small">"Close"</button></form>
                </div>
                <p class="quiet small">{expectation}</p>
                <QuestionForm asking in_dialog=true/>
            </div>
        }
    }))
}

/// Sends a question. A repeat of the same leads to the ticket that it has opened.
pub(super) async fn submit(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Form(sent): Form<QuestionSent>,
) -> Result<Response, PageError> {
    if sent.form.len() > MOST_FORM_ID {
        return Err(PageError::BadForm);
    }
    let question = Question {
        subject: Written::of(&sent.subject).on_one_line(),
        text: Written::of(&sent.question),
        context: Context::of(&sent.integration, &sent.code, &sent.request, ""),
        found: found_before(&sent.found),
        form_id: (!sent.form.is_empty()).then_some(sent.form),
    };
    let problems = question.problems();
    let (status, errors) = if problems.is_empty() {
        match app.engine.open_ticket(&member, question.clone()).await {
            Ok(id) => return Ok(Redirect::to(&format!("/support/{id}")).into_response()),
            Err(RotationError::Refused(rule)) => refused(&rule)?,
            Err(error) => return Err(error.into()),
        }
    } else {
        let errors = problems.into_iter().map(|(field, _)| asked_for(field));
        (StatusCode::UNPROCESSABLE_ENTITY, errors.collect())
    };
    let asking = asking(&app, member, &visit.who, &question, errors).await?;
    Ok(show(visit, status, asking).await)
}

/// Why nothing was sent, where a person can do something about it.
pub(super) fn refused(rule: &Rule) -> Result<(StatusCode, Vec<FieldError>), PageError> {
    let (status, words) = match rule {
        Rule::AlreadySubmitted => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This form has sent something else before. If this is new, send it now.".to_owned(),
        ),
        Rule::TooMuchWritten(_) => (StatusCode::TOO_MANY_REQUESTS, sentence(&rule.to_string())),
        Rule::TooManyTickets(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            sentence(&rule.to_string()),
        ),
        _ => return Err(PageError::BadForm),
    };
    Ok((status, vec![FieldError::new("", words)]))
}

/// The tokens that stood in earlier attempts.
pub(super) fn found_before(ids: &str) -> Vec<TokenId> {
    let ids = ids.split(',').filter_map(|id| id.parse().ok());
    ids.take(MOST_FOUND).collect()
}

/// The tokens that stood in this attempt and in earlier ones, for the next.
pub(super) async fn carried(
    app: &AppState,
    member: &Member,
    mut found: Vec<TokenId>,
    written: &[&Written],
) -> Result<String, PageError> {
    for written in written {
        found.extend(
            app.engine
                .tokens_of_digests(member, written.tokens())
                .await?,
        );
    }
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    Ok(found.join(","))
}

/// The form before anything is written in it.
async fn begun(app: &AppState, member: Member, who: &Who, ask: &Ask) -> Result<Asking, PageError> {
    let question = Question {
        context: ask.context(),
        ..Question::default()
    };
    asking(app, member, who, &question, Vec::new()).await
}

/// The form for a question as it stands.
async fn asking(
    app: &AppState,
    member: Member,
    who: &Who,
    question: &Question,
    errors: Vec<FieldError>,
) -> Result<Asking, PageError> {
    let engine = &app.engine;
    let written = [&question.subject, &question.text];
    let found = carried(app, &member, question.found.clone(), &written).await?;
    let account = match who {
        Who::Member { account, .. } => account.clone(),
        _ => String::new(),
    };
    Ok(Asking {
        form_id: engine.random().hex::<16>(),
        subject: question.subject.as_str().to_owned(),
        text: question.text.as_str().to_owned(),
        removed: question.subject.removed() + question.text.removed(),
        found,
        facts: engine.ticket_facts(&member, &question.context).await?,
        errors,
        account,
        outlook: engine.support_outlook().await?,
        now: engine.now(),
        member,
    })
}

async fn show(visit: Visit, status: StatusCode, asking: Asking) -> Response {
    let frame = Frame::new("Get help", Section::Support)
        .reading()
        .asking()
        .refused(!asking.errors.is_empty());
    visit
        .show(status, frame, move || {
            let crumbs = vec![Crumb::link("Support", "/support"), Crumb::here("Get help")];
            view! {
                <ErrorSummary errors=asking.errors.clone()/>
                <PageHeader title="What can we help you with?" sub=asking.expectation() crumbs/>
                <QuestionForm asking/>
            }
        })
        .await
}
