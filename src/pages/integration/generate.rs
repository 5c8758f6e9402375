use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::{GenerateState, ON_A_DAY};
use super::fresh;
use super::page::{self, Opened};
use crate::auth::AppState;
use crate::model::{Expiry, IntegrationId, InvalidInput, Member, Retirement, UnixMs};
use crate::pages::error::PageError;
use crate::pages::parts::FieldError;
use crate::pages::shell::Visit;
use crate::pages::words::sentence;
use crate::rotation::overview::Story;
use crate::rotation::registry::Order;
use crate::rotation::{RotationError, Rule};

/// The most characters of a form's id; ours have 32.
const MOST_FORM_ID: usize = 64;

/// The form that asks for a new token, as it was sent. An empty field means its default.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct GenerateForm {
    /// The single-use id.
    #[serde(default)]
    form: String,
    /// When it expires: `90d`, `never`, a day, or `on` for the day in the next field.
    #[serde(default)]
    expires: String,
    /// The day, where one was chosen.
    #[serde(default)]
    expires_on: String,
    /// What becomes of the old token: `24h`, `at-once`, `keep`.
    #[serde(default)]
    old: String,
    /// The token that was shown and not kept, from the page that says so.
    #[serde(default)]
    instead_of: String,
}

impl GenerateState {
    /// An empty form.
    pub fn new(app: &AppState) -> Self {
        again(app, Vec::new())
    }
}

/// An empty form with a fresh id, below what was wrong.
pub(super) fn again(app: &AppState, errors: Vec<FieldError>) -> GenerateState {
    GenerateState {
        form_id: app.engine.random().hex::<16>(),
        errors,
        ..GenerateState::default()
    }
}

/// The expiry chosen; an error names the field it is about.
fn expiry(form: &GenerateForm, now: UnixMs) -> Result<Expiry, FieldError> {
    let chosen = form.expires.trim();
    let field = if chosen == ON_A_DAY {
        "expires_on"
    } else {
        "generate"
    };
    let expiry = match (chosen, form.expires_on.trim()) {
        ("", _) => Expiry::YEAR,
        (ON_A_DAY, "") => return Err(FieldError::new(field, "Choose the day it expires.")),
        (ON_A_DAY, day) => {
            let day = day.parse().ok();
            day.filter(|expiry| matches!(expiry, Expiry::On(_)))
                .ok_or_else(|| {
                    let text = "Write the day as year, month and day: 2027-03-01.";
                    FieldError::new(field, text)
                })?
        }
        (chosen, _) => chosen.parse().map_err(|error| invalid(field, &error))?,
    };
    match expiry.ends_at(now) {
        Ok(_) => Ok(expiry),
        Err(error) if field == "generate" => Err(invalid(field, &error)),
        Err(_) => {
            let text = "Choose a day that is not over yet, at most ten years away.";
            Err(FieldError::new(field, text))
        }
    }
}

fn retirement(old: &str) -> Result<Retirement, FieldError> {
    match old.trim() {
        "" => Ok(Retirement::USUAL),
        chosen => chosen.parse().map_err(|error| invalid("generate", &error)),
    }
}

fn invalid(field: &str, error: &InvalidInput) -> FieldError {
    FieldError::new(field, sentence(&error.to_string()))
}

/// Generates a token, and shows it in the same answer: nowhere else is it kept.
pub(super) async fn submit(
    State(app): State<AppState>,
    member: Member,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<GenerateForm>,
) -> Result<Response, PageError> {
    let id: IntegrationId = id.parse().map_err(|_| PageError::NotFound)?;
    if form.form.len() > MOST_FORM_ID {
        return Err(PageError::BadForm);
    }
    let lost = match form.instead_of.as_str() {
        "" => None,
        token => Some(token.parse().map_err(|_| PageError::NotFound)?),
    };
    let mut story = app.engine.integration(&member, &id).await?;
    let order = expiry(&form, story.moment.now).and_then(|expiry| {
        Ok(Order {
            integration: id.clone(),
            expiry,
            retirement: retirement(&form.old)?,
            form_id: (!form.form.is_empty()).then(|| form.form.clone()),
            instead_of: lost.clone(),
        })
    });
    let order = match order {
        Ok(order) => order,
        Err(error) => return Ok(refused(&app, visit, story, form, error).await),
    };
    let retirement = order.retirement;
    let problem = match app.engine.issue_token(&member, order).await {
        Ok(issued) => {
            // What was taken back is not the old token that the page speaks of.
            let tokens = &mut story.view.tokens;
            tokens.retain(|token| Some(&token.row.id) != lost.as_ref());
            let base = app.engine.settings().public_url.clone();
            return Ok(fresh::show(visit, base, &story, issued, retirement).await);
        }
        Err(RotationError::Refused(Rule::AlreadySubmitted)) => {
            let made = app.engine.token_of_form(&member, &form.form).await?;
            let made = made.map_or_else(|| "already".to_owned(), |token| token.to_string());
            let there = format!("/integrations/{id}?generated={made}");
            return Ok(Redirect::to(&there).into_response());
        }
        Err(RotationError::Invalid(invalid)) => sentence(&invalid.to_string()),
        Err(RotationError::Refused(rule @ (Rule::TooManyTokens(_) | Rule::NotLost))) => {
            sentence(&rule.to_string())
        }
        Err(error) => return Err(error.into()),
    };
    let error = FieldError::new("generate", problem);
    Ok(refused(&app, visit, story, form, error).await)
}

/// The page again, with the form as it was filled in and what was wrong with it.
async fn refused(
    app: &AppState,
    visit: Visit,
    story: Story,
    form: GenerateForm,
    error: FieldError,
) -> Response {
    let state = GenerateState {
        expires: form.expires,
        expires_on: form.expires_on,
        old: form.old,
        ..again(app, vec![error])
    };
    page::show(visit, story, state, Opened::Plainly).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DAY_MS;

    const NOW: UnixMs = UnixMs(1_795_320_960_000); // 2026-11-22T04:16:00Z

    fn chosen(expires: &str, on: &str) -> Result<Expiry, String> {
        let form = GenerateForm {
            expires: expires.to_owned(),
            expires_on: on.to_owned(),
            ..GenerateForm::default()
        };
        expiry(&form, NOW).map_err(|error| error.field)
    }

    #[test]
    fn an_empty_field_means_its_default() {
        assert_eq!(chosen("", ""), Ok(Expiry::YEAR));
        assert_eq!(chosen("", "2027-03-01"), Ok(Expiry::YEAR));
        assert_eq!(retirement(""), Ok(Retirement::USUAL));
    }

    #[test]
    fn what_is_offered_is_understood_and_the_past_is_not() {
        let days = |days: i64| Ok(Some(NOW.plus(days * DAY_MS)));
        assert_eq!(chosen("90d", "").unwrap().ends_at(NOW), days(90));
        assert_eq!(chosen("never", ""), Ok(Expiry::Never));
        assert_eq!(retirement("keep"), Ok(Retirement::Keep));
        assert!(chosen("on", "2026-11-22").is_ok());
        for wrong in ["0d", "-1d", "soon"] {
            assert_eq!(chosen(wrong, ""), Err("generate".to_owned()), "{wrong}");
        }
        for wrong in ["", "2026-11-21", "2026-02-30", "90d", "never", "22.11.2027"] {
            assert_eq!(chosen("on", wrong), Err("expires_on".to_owned()), "{wrong}");
        }
        assert!(retirement("later").is_err());
    }
}
