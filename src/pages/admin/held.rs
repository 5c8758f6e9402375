use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;
use serde::Deserialize;

use super::words::{InUtc, count, figure, refusal};
use crate::auth::AppState;
use crate::model::{Admin, EmailAddress, Phase, TokenId, UnixMs};
use crate::pages::parts::Column::{Figures, Words};
use crate::pages::parts::{
    Crumb, EmptyState, ErrorSummary, Field, FieldError, Notice, PageHeader, StepPager, Table, Tone,
    counted, error_of, when,
};
use crate::pages::words::capital;
use crate::pages::{Frame, PageError, Section, Visit, status_of};
use crate::rotation::held::{Approvals, HeldList, HeldToken, MOST_HELD, Which};
use crate::store::rotations::Rotation;

/// Held tokens on a page.
const PER_PAGE: i64 = 50;

/// The held tokens, and the rule that approves many at once.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin/held", get(page))
        .route("/admin/held/approve", get(to_list).post(approve))
        .route("/admin/held/seen", post(seen))
}

/// Where on the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    after: String,
    show: String,
}

impl Ask {
    /// The last token of the page before: when it was first seen, and its id.
    fn place(&self) -> Option<(UnixMs, TokenId)> {
        let (at, id) = self.after.split_once('.')?;
        Some((UnixMs(at.parse().ok()?), id.parse().ok()?))
    }

    fn which(&self) -> Which {
        match self.show.as_str() {
            "refused" => Which::Refused,
            _ => Which::Waiting,
        }
    }
}

/// The rule's form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RuleForm {
    before: String,
    contact: String,
}

/// What an approval by the rule did, for the page that comes after it.
#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    /// How many were approved, and why others were not.
    done: Option<Approvals>,
}

async fn page(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let form = RuleForm::default();
    show(&app, &admin, visit, ask, form, Outcome::default()).await
}

/// The answer to the rule's form cannot be opened again.
async fn to_list() -> Redirect {
    Redirect::to("/admin/held")
}

async fn approve(
    State(app): State<AppState>,
    admin: Admin,
    visit: Visit,
    Form(form): Form<RuleForm>,
) -> Result<Response, PageError> {
    let mut errors = Vec::new();
    let before = form.before.parse::<UnixMs>();
    if before.is_err() {
        errors.push(FieldError::new(
            "before",
            "Give a time in UTC, such as 2026-11-20 08:00.",
        ));
    }
    let contact = match form.contact.trim() {
        "" => None,
        text => match text.parse::<EmailAddress>() {
            Ok(contact) => Some(contact),
            Err(error) => {
                errors.push(FieldError::new("contact", format!("{error}.")));
                None
            }
        },
    };
    let mut outcome = Outcome { errors, done: None };
    if let (Ok(before), true) = (before, outcome.errors.is_empty()) {
        match app
            .engine
            .approve_held_before(&admin, before, contact)
            .await
        {
            Ok(done) if done.left == 0 => return Ok(Redirect::to("/admin/held").into_response()),
            Ok(done) => outcome.done = Some(done),
            Err(error) => outcome
                .errors
                .push(FieldError::new("before", refusal(error)?)),
        }
    }
    show(&app, &admin, visit, Ask::default(), form, outcome).await
}

/// An admin has read that tokens found no room on the list.
async fn seen(State(app): State<AppState>, admin: Admin) -> Result<Response, PageError> {
    app.engine.forget_overflow(&admin).await?;
    Ok(Redirect::to("/admin/held").into_response())
}

async fn show(
    app: &AppState,
    admin: &Admin,
    visit: Visit,
    ask: Ask,
    form: RuleForm,
    outcome: Outcome,
) -> Result<Response, PageError> {
    let which = ask.which();
    let mut list = app
        .engine
        .held(admin, which, ask.place(), PER_PAGE + 1)
        .await?;
    let more = list.tokens.len() > usize::try_from(PER_PAGE).unwrap_or(0);
    list.tokens.truncate(usize::try_from(PER_PAGE).unwrap_or(0));
    let show = match which {
        Which::Waiting => "",
        Which::Refused => "&show=refused",
    };
    let next = list.tokens.last().filter(|_| more).map(|last| {
        format!(
            "/admin/held?after={}.{}{show}",
            last.first_seen_at.0, last.id
        )
    });
    let first = match which {
        Which::Waiting => "/admin/held",
        Which::Refused => "/admin/held?show=refused",
    };
    let previous = (!ask.after.is_empty()).then(|| first.to_owned());
    let rotation = app.engine.open_rotation().await?;
    let is_refused = !outcome.errors.is_empty();
    let frame = Frame::new("Held tokens", Section::Rotation).refused(is_refused);
    Ok(visit
        .show(status_of(is_refused), frame, move || {
            let Outcome { errors, done } = outcome;
            let (title, sub) = headline(&list, rotation.as_ref());
            let crumbs = vec![Crumb::link("Rotation", "/admin"), Crumb::here("Held tokens")];
            let now = list.now;
            let waiting = list.waiting;
            let rule = (waiting > 0 && which == Which::Waiting)
                .then(|| view! { <Rule form errors=errors.clone() rotation=rotation.clone()/> });
            view! {
                <ErrorSummary errors/>
                <PageHeader title sub crumbs/>
                {done.map(left_over)}
                {list.overflow.map(|overflow| view! {
                    <Notice tone=Tone::Bad>
                        <p>
                            {format!(
                                "{} found no room here since {}: at most {} are listed, and only so many a second. They are \
                                 answered by the same rule. If that is more than the other platform ever issued, its key leaked.",
                                counted(count(overflow.missed), "request with a held token", "requests with held tokens"),
                                when(overflow.first_at, now), figure(MOST_HELD),
                            )}
                        </p>
                        <form method="post" action="/admin/held/seen">
                            <button type="submit" class="button small">"I have read this"</button>
                        </form>
                    </Notice>
                })}
                <nav class="chips" aria-label="Which held tokens">
                    <a href="/admin/held" aria-current=(which == Which::Waiting).then_some("page")>"Waiting for you"</a>
                    <a href="/admin/held?show=refused" aria-current=(which == Which::Refused).then_some("page")>"Refused"</a>
                </nav>
                <Listed tokens=list.tokens now which/>
                <StepPager previous next/>
                {rule}
            }
        })
        .await)
}

/// The answer for the phase, and the line below it.
fn headline(list: &HeldList, rotation: Option<&Rotation>) -> (String, String) {
    let what = "They came with a good signature of an imported key, and are not registered. \
                Whoever has that key can make such tokens: approve what you know.";
    let tokens = counted(count(list.waiting), "held token", "held tokens");
    let one = list.waiting == 1;
    let title = match (list.waiting, rotation.map(|rotation| rotation.phase)) {
        (0, _) => {
            return (
                "No token is held.".to_owned(),
                "Tokens issued elsewhere that arrive and are not registered are listed here, until you approve or refuse them."
                    .to_owned(),
            );
        }
        (_, Some(Phase::Recording)) => format!(
            "{tokens} {} working at the cutover, unless you approve {}.",
            if one { "stops" } else { "stop" },
            if one { "it" } else { "them" },
        ),
        (_, Some(_)) => format!(
            "{tokens} {} refused since the cutover, unless you approve {}.",
            if one { "is" } else { "are" },
            if one { "it" } else { "them" },
        ),
        (_, None) => format!(
            "{tokens} {} until the next cutover.",
            if one { "works" } else { "work" }
        ),
    };
    (title, what.to_owned())
}

fn left_over(done: Approvals) -> impl IntoView {
    let Approvals {
        approved,
        left,
        named,
    } = done;
    let said = format!(
        "{} approved. {} held:",
        capital(&super::words::tokens(approved)),
        counted(count(left), "token stays", "tokens stay"),
    );
    let lines = named
        .into_iter()
        .map(|(id, why)| {
            let href = format!("/admin/held/{id}");
            view! { <li><a class="mono" href=href>{id.to_string()}</a> ": " {why}</li> }
        })
        .collect_view();
    view! {
        <Notice tone=Tone::Warn>
            <p>{said}</p>
            <ul>{lines}</ul>
        </Notice>
    }
}

#[component]
fn Listed(tokens: Vec<HeldToken>, now: UnixMs, which: Which) -> impl IntoView {
    if tokens.is_empty() {
        let title = match which {
            Which::Waiting => "Nothing waits for you",
            Which::Refused => "No held token was refused",
        };
        return view! { <EmptyState title/> }.into_any();
    }
    let rows = tokens
        .into_iter()
        .map(|token| row(token, now))
        .collect_view();
    view! {
        <Table
            caption="Held tokens, first seen first; times are UTC"
            columns=[
                Words("Account by its claims"), Words("Token"), Words("First seen (UTC)"), Words("Last seen (UTC)"),
                Figures("Requests"), Words("Decide")
            ]
            wide="Held tokens"
        >
            {rows}
        </Table>
    }
    .into_any()
}

fn row(token: HeldToken, now: UnixMs) -> impl IntoView {
    let href = format!("/admin/held/{}", token.id);
    let account = whose(token.account_id.as_ref().map(ToString::to_string), &token);
    let integration = token
        .integration
        .or(token.integration_claim)
        .unwrap_or_else(|| "no integration named".to_owned());
    let from = token.first_source.unwrap_or_else(|| "unknown".to_owned());
    let decide = if token.refused_at.is_some() {
        "Refused"
    } else {
        "Decide"
    };
    let name = format!("{decide}: the token ending in {}", token.hint);
    let kid = token.kid;
    view! {
        <tr>
            <th scope="row"><span class="cell-two">{account} <span class="quiet">{integration}</span></span></th>
            <td data-label="Token">
                <span class="cell-two">
                    <span>"ends in " <span class="mono">{token.hint}</span></span>
                    <span class="quiet small">"key " <span class="mono">{kid}</span></span>
                </span>
            </td>
            <td data-label="First seen (UTC)">
                <span class="cell-two">
                    <InUtc at=Some(token.first_seen_at) now/>
                    <span class="quiet small">"from " {from}</span>
                </span>
            </td>
            <td data-label="Last seen (UTC)"><InUtc at=Some(token.last_seen_at) now/></td>
            <td data-label="Requests" class="num">{figure(token.uses)}</td>
            <td data-label="Decide"><a class="button small" href=href aria-label=name>{decide}</a></td>
        </tr>
    }
}

/// Whose a held token says it is.
pub fn whose(account_id: Option<String>, token: &HeldToken) -> AnyView {
    match (account_id, &token.account, &token.account_claim) {
        (Some(id), Some(name), _) => {
            let href = format!("/admin/accounts/{id}");
            view! { <a href=href>{name.clone()}</a> }.into_any()
        }
        (_, _, Some(claim)) => {
            view! { <span>"“" {claim.clone()} "”, no such account"</span> }.into_any()
        }
        _ => view! { <span class="quiet">"no account named"</span> }.into_any(),
    }
}

#[component]
fn Rule(form: RuleForm, errors: Vec<FieldError>, rotation: Option<Rotation>) -> impl IntoView {
    // The start is what most mean: what called before anybody knew of a leak.
    let usual = rotation.map_or_else(String::new, |rotation| rotation.started_at.to_string());
    let before = if form.before.is_empty() {
        usual
    } else {
        form.before
    };
    view! {
        <section class="section panel">
            <h2>"Approve all that were seen early enough"</h2>
            <p class="measure">
                "The date that a token carries proves nothing: whoever has the key writes it. When it was first seen here is known. What was refused, or names no account, stays held."
            </p>
            <form class="form" method="post" action="/admin/held/approve">
                <Field name="before" label="First seen here before (UTC)" value=before class="mid" max_length=40 required=true
                    hint="A time before the old key can have leaked, such as 2026-11-20 08:00."
                    error=error_of(&errors, "before")/>
                <Field name="contact" label="Contact for accounts that are made" may_be_empty=true value=form.contact kind="email"
                    hint="Tokens that name an account which does not exist stay held without it." class="mid"
                    error=error_of(&errors, "contact")/>
                <div class="actions"><button type="submit" class="button primary">"Approve them"</button></div>
            </form>
        </section>
    }
}
