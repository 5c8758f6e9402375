use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Done;
use super::codes::{Enrol, RecoveryCodes};
use crate::auth::{AppState, Checked, Whose, check_own_password, confirm_second_factor, rules};
use crate::model::Person;
use crate::pages::parts::{
    Crumb, ErrorSummary, Fact, Facts, Field, FieldError, PageHeader, When, counted, error_of,
};
use crate::pages::passwords::{CurrentPassword, Username};
use crate::pages::second_step::said;
use crate::pages::{Frame, PageError, Section, Visit};
use crate::rotation::second_factor::{Standing, Verdict};
use crate::rotation::{Caller, RotationError, Rule};

const PATH: &str = "/settings/second-factor";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings/second-factor", get(page).post(begin))
        .route("/settings/second-factor/confirm", get(back).post(confirm))
        .route("/settings/second-factor/codes", get(back).post(new_codes))
        .route("/settings/second-factor/off", post(turn_off).get(back))
}

/// Pages that show a secret once have no address of their own.
async fn back() -> Redirect {
    Redirect::to(PATH)
}

#[derive(Deserialize)]
struct Password {
    #[serde(default)]
    current: SecretString,
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

/// Why nothing was done, at a field of the form.
struct Problem {
    status: StatusCode,
    errors: Vec<FieldError>,
    wait: Option<i64>,
}

impl Problem {
    fn at(status: StatusCode, field: &str, text: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![FieldError::new(field, text)],
            wait: None,
        }
    }

    fn none() -> Self {
        Self {
            status: StatusCode::OK,
            errors: Vec::new(),
            wait: None,
        }
    }
}

/// Whether the password is theirs; else what is said, at `field`.
async fn knows_password(
    app: &AppState,
    person: &Person,
    caller: &Caller,
    password: &SecretString,
    field: &str,
) -> Result<Option<Problem>, PageError> {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(
        match check_own_password(app, person, caller, password).await? {
            Checked::Right(_) => None,
            Checked::Wrong => Some(Problem::at(
                unprocessable,
                field,
                "This is not your password.",
            )),
            Checked::Wait { seconds } => Some(Problem {
                wait: Some(seconds),
                ..Problem::at(
                    StatusCode::TOO_MANY_REQUESTS,
                    field,
                    format!("Too many wrong passwords. Try again in {seconds} seconds."),
                )
            }),
            Checked::Busy => Some(Problem::at(
                StatusCode::SERVICE_UNAVAILABLE,
                field,
                "Too many sign-ins at once. Try again in a moment.",
            )),
        },
    )
}

async fn page(
    State(app): State<AppState>,
    person: Person,
    visit: Visit,
) -> Result<Response, PageError> {
    show(&app, person, visit, Problem::none()).await
}

/// Off: what it is, and the way to turn it on. On: since when, new codes, the way to turn it off.
async fn show(
    app: &AppState,
    person: Person,
    visit: Visit,
    problem: Problem,
) -> Result<Response, PageError> {
    let standing = app.engine.second_factor(&person).await?;
    let now = app.engine.now();
    let Problem {
        status,
        errors,
        wait,
    } = problem;
    let frame = Frame::new("Second factor", Section::Settings)
        .narrow()
        .refused(!errors.is_empty());
    let email = person.email().to_owned();
    let mut response = visit
        .show(status, frame, move || {
            let crumbs = vec![
                Crumb::link("Settings", "/settings"),
                Crumb::here("Second factor"),
            ];
            match standing {
                Standing::Off => view! { <Off errors email crumbs/> }.into_any(),
                Standing::On { since, codes_left } => {
                    let codes_left = u64::try_from(codes_left).unwrap_or(0);
                    view! {
                        <ErrorSummary errors=errors.clone()/>
                        <PageHeader title="A code is asked for at each sign-in." crumbs/>
                        <section class="panel">
                            <Facts>
                                <Fact term="On since"><When at=since now/></Fact>
                                <Fact term="Recovery codes">{format!("{} left", counted(codes_left, "code", "codes"))}</Fact>
                            </Facts>
                        </section>
                        <On errors email/>
                    }
                    .into_any()
                }
            }
        })
        .await;
    if let Some(seconds) = wait {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert("retry-after", seconds);
    }
    Ok(response)
}

#[component]
fn Off(errors: Vec<FieldError>, email: String, crumbs: Vec<Crumb>) -> impl IntoView {
    view! {
        <ErrorSummary errors=errors.clone()/>
        <PageHeader title="The second factor is off." crumbs
            sub="Turn it on, and whoever learns your password still cannot sign in: a code from an app on your phone is \
                 asked for as well."/>
        <form class="form panel" method="post" action=PATH>
            <Username email/>
            <CurrentPassword error=error_of(&errors, "current")
                hint="Asked for once more, so that nobody at your open screen locks you out."/>
            <div class="actions">
                <button type="submit" class="button primary wide">"Set up the app"</button>
            </div>
        </form>
    }
}

#[component]
fn On(errors: Vec<FieldError>, email: String) -> impl IntoView {
    view! {
        <section class="section">
            <h2>"New recovery codes"</h2>
            <p class="quiet">"When few are left, or somebody may have seen them. The old ones stop working."</p>
            <form class="form panel" method="post" action="/settings/second-factor/codes">
                <Username email/>
                <CurrentPassword error=error_of(&errors, "current")/>
                <div class="actions"><button type="submit" class="button primary">"New recovery codes"</button></div>
            </form>
        </section>
        <section class="section">
            <h2>"Turn it off"</h2>
            <p class="quiet">"Your password alone signs you in then, so it must have 15 characters at least."</p>
            <form class="form panel" method="post" action="/settings/second-factor/off">
                <CurrentPassword name="password" label="Your password, to turn it off"
                    error=error_of(&errors, "password")/>
                <div class="actions"><button type="submit" class="button danger">"Turn off the second factor"</button></div>
            </form>
        </section>
    }
}

async fn begin(
    State(app): State<AppState>,
    person: Person,
    caller: Caller,
    visit: Visit,
    Form(form): Form<Password>,
) -> Result<Response, PageError> {
    if let Some(problem) = knows_password(&app, &person, &caller, &form.current, "current").await? {
        return show(&app, person, visit, problem).await;
    }
    let enrolment = match app.engine.begin_second_factor(&person).await {
        Ok(enrolment) => enrolment,
        // Turned on in another tab: the page says so.
        Err(RotationError::Refused(Rule::SecondFactorOn)) => {
            return Ok(back().await.into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let frame = Frame::new("Set up the app", Section::Settings).narrow();
    Ok(visit
        .show(StatusCode::OK, frame, move || view! { <Enrol enrolment/> })
        .await)
}

async fn confirm(
    State(app): State<AppState>,
    person: Person,
    caller: Caller,
    visit: Visit,
    Form(form): Form<Code>,
) -> Result<Response, PageError> {
    match confirm_second_factor(&app, &person, &caller, &form.code).await? {
        Err(seconds) => {
            let text = format!("Too many wrong codes. Try again in {seconds} seconds.");
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = not_confirmed(visit, status, text).await;
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert("retry-after", seconds);
            Ok(response)
        }
        Ok(Verdict::Right(codes)) => {
            let frame = Frame::new("Keep your recovery codes", Section::Settings).narrow();
            let title = "The second factor is on. Keep these codes.";
            Ok(visit
                .show(
                    StatusCode::OK,
                    frame,
                    move || view! { <RecoveryCodes codes title/> },
                )
                .await)
        }
        Ok(Verdict::Gone) => over(&app, person, visit).await,
        Ok(wrong) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(not_confirmed(visit, status, said(&wrong, "code")).await)
        }
    }
}

/// What was begun is over: it is on, for the form was sent twice or from another tab; or it was left alone
/// too long.
async fn over(app: &AppState, person: Person, visit: Visit) -> Result<Response, PageError> {
    if app.engine.second_factor(&person).await?.is_on() {
        return Ok(back().await.into_response());
    }
    let text = "It took longer than an hour to set up. Begin again, with your password.";
    let problem = Problem::at(StatusCode::UNPROCESSABLE_ENTITY, "current", text);
    show(app, person, visit, problem).await
}

/// The code that the app showed was not right. The secret is not shown again: the app has it, or one
/// begins anew.
async fn not_confirmed(visit: Visit, status: StatusCode, text: String) -> Response {
    let frame = Frame::new("Set up the app", Section::Settings)
        .narrow()
        .refused(true);
    let errors = vec![FieldError::new("code", text)];
    visit
        .show(status, frame, move || {
            let crumbs = vec![
                Crumb::link("Settings", "/settings"),
                Crumb::link("Second factor", PATH),
                Crumb::here("Set up"),
            ];
            view! {
                <ErrorSummary errors=errors.clone()/>
                <PageHeader title="Type the code that your app shows." crumbs
                    sub="The second factor is still off. If your app shows no code for this site, begin again."/>
                <form class="form panel" method="post" action="/settings/second-factor/confirm">
                    <Field name="code" label="Six-digit code" autocomplete="one-time-code" required=true max_length=12
                        numeric=true class="mid mono" error=error_of(&errors, "code")/>
                    <div class="actions">
                        <button type="submit" class="button primary">"Turn it on"</button>
                        <a class="button" href=PATH>"Begin again"</a>
                    </div>
                </form>
            }
        })
        .await
}

async fn new_codes(
    State(app): State<AppState>,
    person: Person,
    caller: Caller,
    visit: Visit,
    Form(form): Form<Password>,
) -> Result<Response, PageError> {
    if let Some(problem) = knows_password(&app, &person, &caller, &form.current, "current").await? {
        return show(&app, person, visit, problem).await;
    }
    match app.engine.new_recovery_codes(&person).await {
        Ok(codes) => {
            let frame = Frame::new("Keep your recovery codes", Section::Settings).narrow();
            let title = "These are your new codes. The old ones no longer work.";
            Ok(visit
                .show(
                    StatusCode::OK,
                    frame,
                    move || view! { <RecoveryCodes codes title/> },
                )
                .await)
        }
        Err(RotationError::Refused(Rule::NoSecondFactor)) => Ok(back().await.into_response()),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct OffForm {
    #[serde(default)]
    password: SecretString,
}

async fn turn_off(
    State(app): State<AppState>,
    person: Person,
    caller: Caller,
    visit: Visit,
    Form(form): Form<OffForm>,
) -> Result<Response, PageError> {
    let wrong = knows_password(&app, &person, &caller, &form.password, "password").await?;
    if let Some(problem) = wrong {
        return show(&app, person, visit, problem).await;
    }
    let alone = Whose {
        email: person.email(),
        has_second_factor: false,
    };
    if rules::check(form.password.expose_secret(), &alone).is_err() {
        let problem = Problem::at(
            StatusCode::UNPROCESSABLE_ENTITY,
            "password",
            "Your password is too short to protect your account alone. Change it to one of 15 characters first.",
        );
        return show(&app, person, visit, problem).await;
    }
    match app.engine.remove_second_factor(&person).await {
        Ok(()) => Ok(Redirect::to(&Done::SecondFactorOff.path()).into_response()),
        Err(RotationError::Refused(Rule::NoSecondFactor)) => Ok(back().await.into_response()),
        Err(error) => Err(error.into()),
    }
}
