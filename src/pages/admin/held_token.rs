use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::held::whose;
use super::words::{figure, id, refusal};
use crate::auth::AppState;
use crate::model::{Admin, EmailAddress, TokenId, UnixMs};
use crate::pages::parts::{
    Acknowledge, Acknowledgements, Crumb, ErrorSummary, Fact, Facts, Field, FieldError, Notice,
    PageHeader, Tone, error_of, when,
};
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::RotationError;
use crate::rotation::held::{Choice, HeldToken};

/// One held token: what it says, and what becomes of it.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin/held/{id}", get(page))
        .route("/admin/held/{id}/approve", get(to_page).post(approve))
        .route("/admin/held/{id}/refuse", get(to_page).post(refuse))
}

/// What the forms carry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Answers {
    account: String,
    integration: String,
    contact: String,
    known: Option<String>,
}

impl Answers {
    /// The form before anything is filled in: what the claims say.
    fn of(token: &HeldToken) -> Self {
        let first = |found: &Option<String>, claim: &Option<String>| {
            found.clone().or_else(|| claim.clone()).unwrap_or_default()
        };
        Self {
            account: first(&token.account, &token.account_claim),
            integration: first(&token.integration, &token.integration_claim),
            ..Self::default()
        }
    }

    fn choice(&self) -> Result<Choice, FieldError> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let contact = given(&self.contact)
            .map(|text| text.parse::<EmailAddress>())
            .transpose()
            .map_err(|error| FieldError::new("contact", format!("{error}.")))?;
        Ok(Choice {
            account: given(&self.account),
            integration: given(&self.integration),
            contact,
        })
    }
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let token = app.engine.held_token(&admin, &id(&token)?).await?;
    let (answers, now) = (Answers::of(&token), app.engine.now());
    Ok(show(visit, StatusCode::OK, token, answers, Vec::new(), now).await)
}

/// The token, if it is still on the list; a second submit of the same form finds it decided, and that
/// is no error.
async fn find(
    app: &AppState,
    admin: &Admin,
    token: &TokenId,
) -> Result<Option<HeldToken>, PageError> {
    match app.engine.held_token(admin, token).await {
        Ok(token) => Ok(Some(token)),
        Err(RotationError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The answer to a form cannot be opened again.
async fn to_page(Path(token): Path<String>) -> Result<Redirect, PageError> {
    let token: TokenId = id(&token)?;
    Ok(Redirect::to(&format!("/admin/held/{token}")))
}

async fn approve(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(token): Path<String>,
    Form(answers): Form<Answers>,
) -> Result<Response, PageError> {
    let Some(token) = find(&app, &admin, &id(&token)?).await? else {
        return Ok(Redirect::to("/admin/held").into_response());
    };
    let error = match answers.choice() {
        Err(error) => error,
        Ok(choice) => match app.engine.approve_held(&admin, &token.id, choice).await {
            Ok(done) => {
                let to = format!("/admin/accounts/{}", done.account);
                return Ok(Redirect::to(&to).into_response());
            }
            Err(RotationError::NotFound(what)) => FieldError::new(
                if what == "account" {
                    "account"
                } else {
                    "integration"
                },
                format!("There is no such {what}."),
            ),
            Err(error) => FieldError::new("account", refusal(error)?),
        },
    };
    let now = app.engine.now();
    Ok(show(
        visit,
        StatusCode::UNPROCESSABLE_ENTITY,
        token,
        answers,
        vec![error],
        now,
    )
    .await)
}

async fn refuse(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(token): Path<String>,
    Form(form): Form<Answers>,
) -> Result<Response, PageError> {
    let Some(token) = find(&app, &admin, &id(&token)?).await? else {
        return Ok(Redirect::to("/admin/held").into_response());
    };
    if form.known.is_none() {
        let errors = vec![FieldError::new("known", "Tick what you have read.")];
        let (answers, now) = (Answers::of(&token), app.engine.now());
        return Ok(show(
            visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            token,
            answers,
            errors,
            now,
        )
        .await);
    }
    app.engine.refuse_held(&admin, &token.id).await?;
    Ok(Redirect::to("/admin/held").into_response())
}

async fn show(
    visit: Visit,
    status: StatusCode,
    token: HeldToken,
    answers: Answers,
    errors: Vec<FieldError>,
    now: UnixMs,
) -> Response {
    let frame = Frame::new(format!("Held token …{}", token.hint), Section::Rotation)
        .reading()
        .refused(!errors.is_empty());
    visit
        .show(status, frame, move || {
            let title = format!("The token ending in {} was first seen {}.", token.hint, when(token.first_seen_at, now));
            let crumbs = vec![
                Crumb::link("Rotation", "/admin"),
                Crumb::link("Held tokens", "/admin/held"),
                Crumb::here(format!("…{}", token.hint)),
            ];
            let action = format!("/admin/held/{}", token.id);
            let refused = token.refused_at.map(|at| {
                let by = token.refused_by.clone().unwrap_or_default();
                view! { <Notice tone=Tone::Bad><p>{format!("It has been refused since {}, by {by}.", when(at, now))}</p></Notice> }
            });
            let refuse = token.refused_at.is_none().then(|| view! { <Refuse action=format!("{action}/refuse")/> });
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title crumbs
                    sub="It came with a good signature of an imported key, and is not registered. What follows is what it says of itself."/>
                {refused}
                <Claims token now/>
                <section class="section panel">
                    <h2>"Approve it"</h2>
                    <p class="measure">"It becomes an ordinary token, goes on after the cutover, and is written in the audit."</p>
                    <form class="form" method="post" action=format!("{action}/approve")>
                        <Field name="account" label="Account" value=answers.account hint="Its name or its id." class="mid"
                            required=true error=error_of(&errors, "account")/>
                        <Field name="integration" label="Integration" value=answers.integration class="mid" may_be_empty=true
                            hint="Its name or its id; made when the account has none of that name."
                            error=error_of(&errors, "integration")/>
                        <Field name="contact" label="Contact of a new account" value=answers.contact kind="email" class="mid"
                            may_be_empty=true hint="Only for an account that does not exist yet: whom to warn."
                            error=error_of(&errors, "contact")/>
                        <div class="actions">
                            <button type="submit" class="button primary">"Approve the token"</button>
                            <a class="button quiet" href="/admin/held">"Not now"</a>
                        </div>
                    </form>
                </section>
                {refuse}
            }
        })
        .await
}

#[component]
fn Refuse(action: String) -> impl IntoView {
    view! {
        <section class="section panel">
            <h2>"Refuse it"</h2>
            <form class="form" method="post" action=action>
                <Acknowledgements legend="You know that">
                    <Acknowledge name="known" words="Every request with this token is refused, on every node, at once."
                        detail="For one that nobody you know sends. Whoever has the old key can make others: only the cutover ends them all."/>
                </Acknowledgements>
                <div class="actions"><button type="submit" class="button danger gated">"Refuse the token"</button></div>
            </form>
        </section>
    }
}

/// What it says of itself, and what was seen of it.
#[component]
fn Claims(token: HeldToken, now: UnixMs) -> impl IntoView {
    let account = whose(token.account_id.as_ref().map(ToString::to_string), &token);
    let said = |text: Option<String>| text.unwrap_or_else(|| "not said".to_owned());
    let moment =
        |at: Option<UnixMs>, none: &str| at.map_or_else(|| none.to_owned(), |at| when(at, now));
    let seen = |at: UnixMs, source: Option<String>| {
        let from = source.map(|source| format!(" from {source}"));
        when(at, now) + &from.unwrap_or_default()
    };
    let facts = [
        (
            "Integration",
            said(token.integration.or(token.integration_claim)),
        ),
        ("Issuer", said(token.issuer)),
        ("Subject", said(token.subject)),
        ("Audience", said(token.audience)),
        ("Says it was issued", moment(token.issued_at, "not said")),
        ("Expires", moment(token.expires_at, "never")),
        ("Signed by", format!("imported key {}", token.kid)),
        (
            "First seen here",
            seen(token.first_seen_at, token.first_source),
        ),
        (
            "Last seen here",
            seen(token.last_seen_at, token.last_source),
        ),
        (
            "First caller",
            token.first_agent.unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("Requests", figure(token.uses)),
        ("Id", token.id.to_string()),
    ];
    let facts = facts
        .into_iter()
        .map(|(term, text)| view! { <Fact term>{text}</Fact> })
        .collect_view();
    view! {
        <section class="panel" aria-label="What is known of the token">
            <Facts>
                <Fact term="Account">{account}</Fact>
                {facts}
            </Facts>
        </section>
    }
}
