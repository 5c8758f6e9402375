use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::prelude::*;

use super::account::{crumbs, href};
use super::words::{id, refusal};
use crate::auth::AppState;
use crate::model::{AccountId, Admin, TokenId, TokenState};
use crate::pages::parts::{Acknowledge, Acknowledgements, ErrorSummary, FieldError, PageHeader};
use crate::pages::{Frame, PageError, Section, Visit, status_of};
use crate::rotation::{Engine, RotationError};
use crate::store::accounts::Account;

/// Readmit a token; disable and enable an account.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/admin/accounts/{id}/tokens/{token}/readmit",
            get(readmit_page).post(readmit),
        )
        .route(
            "/admin/accounts/{id}/disable",
            get(disable_page).post(disable),
        )
        .route("/admin/accounts/{id}/enable", get(enable_page).post(enable))
}

/// A page that asks before it does: what happens, one box to tick, one button.
struct Question {
    title: String,
    sub: String,
    step: &'static str,
    action: String,
    consequence: String,
    detail: &'static str,
    button: String,
    kind: &'static str,
    account: Account,
}

type Answers = HashMap<String, String>;

/// What must be ticked before anything is done.
fn unticked(form: &Answers, question: &Question) -> Vec<FieldError> {
    if form.contains_key("known") {
        Vec::new()
    } else {
        vec![FieldError::new(
            "known",
            format!("Tick “{}”", question.consequence),
        )]
    }
}

async fn ask(visit: Visit, question: Question, errors: Vec<FieldError>) -> Response {
    let is_refused = !errors.is_empty();
    let title = format!("{} · {}", question.step, question.account.name);
    let frame = Frame::new(title, Section::Accounts)
        .reading()
        .refused(is_refused);
    visit
        .show(status_of(is_refused), frame, move || {
            let back = href(&question.account);
            view! {
                <ErrorSummary errors/>
                <PageHeader title=question.title sub=question.sub
                    crumbs=crumbs(&question.account, Some(question.step))/>
                <form class="form" method="post" action=question.action>
                    <Acknowledgements legend="You know that">
                        <Acknowledge name="known" words=question.consequence detail=question.detail/>
                    </Acknowledgements>
                    <div class="actions">
                        <button type="submit" class=question.kind>{question.button}</button>
                        <a class="button quiet" href=back>"Not now"</a>
                    </div>
                </form>
            }
        })
        .await
}

async fn find(engine: &Engine, admin: &Admin, account: &str) -> Result<Account, PageError> {
    let account: AccountId = id(account)?;
    Ok(engine.account(admin, account.as_str()).await?)
}

/// The token of this account's page, and what is asked about it; `None` when it is not dormant, so
/// that there is nothing to readmit.
async fn about_token(
    engine: &Engine,
    admin: &Admin,
    account: &str,
    token: &TokenId,
) -> Result<(Account, Option<Question>), PageError> {
    let account = find(engine, admin, account).await?;
    let shown = engine.show_token(admin, token).await?;
    if shown.row.account_id != account.id {
        return Err(PageError::NotFound);
    }
    if shown.state != TokenState::Dormant {
        return Ok((account, None));
    }
    let question = Question {
        title: format!("Readmit the token ending in {}?", shown.row.hint),
        sub: "An exception from the rotation, for a customer who cannot replace it now. It is written in the audit."
            .to_owned(),
        step: "Readmit a token",
        action: format!("{}/tokens/{token}/readmit", href(&account)),
        consequence: "This token, which was not captured, is accepted again at once.".to_owned(),
        detail: "It goes on as if it had been captured. Its expiry and its revocation still end it.",
        button: "Readmit the token".to_owned(),
        kind: "button primary gated",
        account: account.clone(),
    };
    Ok((account, Some(question)))
}

async fn readmit_page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path((account, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (account, question) = about_token(&app.engine, &admin, &account, &id(&token)?).await?;
    match question {
        Some(question) => Ok(ask(visit, question, Vec::new()).await),
        None => Ok(Redirect::to(&href(&account)).into_response()),
    }
}

async fn readmit(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path((account, token)): Path<(String, String)>,
    Form(form): Form<Answers>,
) -> Result<Response, PageError> {
    let token = id(&token)?;
    let (account, question) = about_token(&app.engine, &admin, &account, &token).await?;
    let done = Redirect::to(&href(&account)).into_response();
    // A second submit of the same form finds it readmitted, and that is no error.
    let Some(question) = question else {
        return Ok(done);
    };
    let errors = unticked(&form, &question);
    if !errors.is_empty() {
        return Ok(ask(visit, question, errors).await);
    }
    match app.engine.readmit_token(&admin, &token).await {
        Ok(()) => Ok(done),
        Err(error) => Ok(refused(visit, question, error).await?),
    }
}

async fn refused(
    visit: Visit,
    question: Question,
    error: RotationError,
) -> Result<Response, PageError> {
    let errors = vec![FieldError::new("", refusal(error)?)];
    Ok(ask(visit, question, errors).await)
}

/// Disabling or enabling, as asked.
fn about_access(account: Account, disable: bool) -> Question {
    let action = href(&account);
    if disable {
        Question {
            title: format!("Disable {}?", account.name),
            sub: "For an account that must not call at all. It can be enabled again.".to_owned(),
            step: "Disable",
            action: format!("{action}/disable"),
            consequence: format!(
                "Every request of {} is refused, on every node, at once.",
                account.name
            ),
            detail: "Its members are signed out and cannot sign in. Its tokens are kept.",
            button: format!("Disable {}", account.name),
            kind: "button danger gated",
            account,
        }
    } else {
        Question {
            title: format!("Enable {}?", account.name),
            sub:
                "What worked before it was disabled works again, unless a cutover came in between."
                    .to_owned(),
            step: "Enable",
            action: format!("{action}/enable"),
            consequence: format!(
                "Requests of {} are accepted again, and its members can sign in.",
                account.name
            ),
            detail: "Tokens that were not captured before a cutover stay refused.",
            button: format!("Enable {}", account.name),
            kind: "button primary gated",
            account,
        }
    }
}

async fn access_page(
    app: AppState,
    admin: Admin,
    visit: Visit,
    account: &str,
    disable: bool,
) -> Result<Response, PageError> {
    let account = find(&app.engine, &admin, account).await?;
    if account.disabled_at.is_some() == disable {
        return Ok(Redirect::to(&href(&account)).into_response());
    }
    Ok(ask(visit, about_access(account, disable), Vec::new()).await)
}

async fn set_access(
    app: AppState,
    admin: Admin,
    visit: Visit,
    account: &str,
    form: Answers,
    disable: bool,
) -> Result<Response, PageError> {
    let account = find(&app.engine, &admin, account).await?;
    let done = Redirect::to(&href(&account)).into_response();
    if account.disabled_at.is_some() == disable {
        return Ok(done);
    }
    let account_id = account.id.clone();
    let question = about_access(account, disable);
    let errors = unticked(&form, &question);
    if !errors.is_empty() {
        return Ok(ask(visit, question, errors).await);
    }
    app.engine
        .set_account_disabled(&admin, account_id.as_str(), disable)
        .await?;
    Ok(done)
}

async fn disable_page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(account): Path<String>,
) -> Result<Response, PageError> {
    access_page(app, admin, visit, &account, true).await
}

async fn enable_page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(account): Path<String>,
) -> Result<Response, PageError> {
    access_page(app, admin, visit, &account, false).await
}

async fn disable(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(account): Path<String>,
    Form(form): Form<Answers>,
) -> Result<Response, PageError> {
    set_access(app, admin, visit, &account, form, true).await
}

async fn enable(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Path(account): Path<String>,
    Form(form): Form<Answers>,
) -> Result<Response, PageError> {
    set_access(app, admin, visit, &account, form, false).await
}
