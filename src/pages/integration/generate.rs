use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::fresh;
use super::page::{self, Opened};
use crate::auth::AppState;
use crate::model::{DAY_MS, IntegrationId, InvalidInput, Member, Retirement, Span, UnixMs};
use crate::pages::error::PageError;
use crate::pages::parts::{Choice, Choices, FieldError, Notice, Tone, day};
use crate::pages::shell::Visit;
use crate::pages::words::sentence;
use crate::rotation::overview::IntegrationView;
use crate::rotation::registry::{Order, USUAL_OVERLAP_MS};
use crate::rotation::{RotationError, Rule};

/// The most characters of a form's id; ours have 32.
const MOST_FORM_ID: usize = 64;

/// The form that asks for a new token, as it was sent. An empty field means its default.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct GenerateForm {
    /// The single-use id.
    #[serde(default)]
    form: String,
    /// How long it lives: `90d`, `365d`, `never`.
    #[serde(default)]
    expires: String,
    /// What becomes of the old token: `at-once`, `after-first-use`, `keep`.
    #[serde(default)]
    old: String,
    /// The token that was shown and not kept, from the page that says so.
    #[serde(default)]
    instead_of: String,
}

/// What the form shows, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct GenerateState {
    /// A fresh single-use id.
    pub form_id: String,
    /// The lifetime chosen.
    pub expires: String,
    /// The end of the old token chosen.
    pub old: String,
    /// What was wrong.
    pub errors: Vec<FieldError>,
}

impl GenerateState {
    /// An empty form.
    pub fn new(app: &AppState) -> Self {
        Self {
            form_id: form_id(app),
            ..Self::default()
        }
    }
}

fn form_id(app: &AppState) -> String {
    app.engine.random().hex::<16>()
}

/// A year: what a token lives when nothing else is said, in milliseconds.
const YEAR_MS: i64 = 365 * DAY_MS;

/// How long the token is to live, in milliseconds; `None` for ever.
fn lifetime(expires: &str) -> Result<Option<i64>, InvalidInput> {
    match expires.trim() {
        "" => Ok(Some(YEAR_MS)),
        "never" => Ok(None),
        span => match span.parse::<Span>()? {
            span if span.ms() > 0 => Ok(Some(span.ms())),
            _ => Err(InvalidInput::new(
                "expiry",
                "lies in the future: 90d, 365d, or never",
            )),
        },
    }
}

fn retirement(old: &str) -> Result<Retirement, InvalidInput> {
    let usual = Retirement::AfterFirstUse {
        overlap: USUAL_OVERLAP_MS,
    };
    match old.trim() {
        "" => Ok(usual),
        slug => Retirement::parse(slug, USUAL_OVERLAP_MS),
    }
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
    let order = lifetime(&form.expires).and_then(|lifetime_ms| {
        Ok(Order {
            integration: id.clone(),
            lifetime_ms,
            retirement: retirement(&form.old)?,
            form_id: (!form.form.is_empty()).then(|| form.form.clone()),
            instead_of: lost.clone(),
        })
    });
    let issued = match order {
        Ok(order) => {
            let retirement = order.retirement;
            app.engine
                .issue_token(&member, order)
                .await
                .map(|issued| (issued, retirement))
        }
        Err(invalid) => Err(invalid.into()),
    };
    let problem = match issued {
        Ok((issued, retirement)) => {
            // What was taken back is not the old token that the page speaks of.
            let tokens = &mut story.view.tokens;
            tokens.retain(|token| Some(&token.row.id) != lost.as_ref());
            let base = app.engine.settings().public_url.clone();
            return Ok(fresh::show(visit, base, &story.view, issued, retirement).await);
        }
        Err(RotationError::Refused(Rule::AlreadySubmitted)) => {
            let there = format!("/integrations/{id}?generated=already");
            return Ok(Redirect::to(&there).into_response());
        }
        Err(RotationError::Invalid(invalid)) => sentence(&invalid.to_string()),
        Err(RotationError::Refused(rule @ (Rule::TooManyTokens(_) | Rule::NotLost))) => {
            sentence(&rule.to_string())
        }
        Err(error) => return Err(error.into()),
    };
    let state = GenerateState {
        form_id: form_id(&app),
        expires: form.expires,
        old: form.old,
        errors: vec![FieldError::new("generate", problem)],
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page::show(visit, status, story, state, Opened::Plainly).await)
}

/// The form that generates a new token for an integration.
#[component]
pub(super) fn Generate(
    /// The integration.
    view: IntegrationView,
    /// What it shows.
    state: GenerateState,
    /// The present.
    now: UnixMs,
    /// Whether it is what the page is for.
    is_primary: bool,
) -> impl IntoView {
    let name = view.integration.name.clone();
    let action = format!("/integrations/{}/tokens", view.integration.id);
    let class = if is_primary {
        "button primary"
    } else {
        "button"
    };
    view! {
        <section class="section" id="generate" aria-labelledby="generate-title">
            <form class="form panel" method="post" action=action>
                <h2 id="generate-title">{format!("A new token for {name}")}</h2>
                <input type="hidden" name="form" value=state.form_id/>
                <Expiry chosen=state.expires now/>
                <OldToken view chosen=state.old/>
                <div class="actions">
                    <button type="submit" class=class>
                        "Generate new token"<span class="visually-hidden">{format!(" for {name}")}</span>
                    </button>
                    <span class="quiet small">"It is shown once, on the next page."</span>
                </div>
            </form>
        </section>
    }
}

#[component]
fn Expiry(chosen: String, now: UnixMs) -> impl IntoView {
    let chosen = match chosen.as_str() {
        "90d" | "never" => chosen,
        _ => "365d".to_owned(),
    };
    let is = move |value: &str| chosen == value;
    let until = move |days: i64| format!("until {}", day(now.plus(days * DAY_MS), now));
    view! {
        <Choices legend="Expires" beside=true>
            <Choice name="expires" value="90d" words="In 90 days" detail=until(90) chosen=is("90d")/>
            <Choice name="expires" value="365d" words="In a year" detail=until(365) chosen=is("365d")/>
            <Choice name="expires" value="never" words="Never" detail="until you revoke it" chosen=is("never")/>
        </Choices>
    }
}

/// The end of the old token: a question while one works, a sentence where it is refused anyway.
#[component]
fn OldToken(view: IntegrationView, chosen: String) -> impl IntoView {
    if view.has_active() {
        let chosen = match chosen.as_str() {
            "at-once" | "keep" => chosen,
            _ => "after-first-use".to_owned(),
        };
        let is = move |value: &str| chosen == value;
        return view! {
            <Choices legend="The old token">
                <Choice name="old" value="after-first-use" words="Ends 24 hours after the new one’s first request"
                    detail="Both work until then: nothing breaks while you deploy." chosen=is("after-first-use")/>
                <Choice name="old" value="at-once" words="Ends at once"
                    detail="For a token that leaked. Requests with it are refused from now on." chosen=is("at-once")/>
                <Choice name="old" value="keep" words="Stays" detail="Both work until you revoke one."
                    chosen=is("keep")/>
            </Choices>
        }
        .into_any();
    }
    if view.dormant().is_some() {
        return view! {
            <Notice tone=Tone::Plain>
                "The old token stopped working at the cutover: there is nothing to switch off."
            </Notice>
        }
        .into_any();
    }
    ().into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_means_its_default() {
        assert_eq!(lifetime(""), Ok(Some(YEAR_MS)));
        assert_eq!(
            retirement(""),
            Ok(Retirement::AfterFirstUse {
                overlap: USUAL_OVERLAP_MS
            })
        );
    }

    #[test]
    fn presets_and_spans_are_understood_and_the_past_is_not() {
        assert_eq!(lifetime("90d"), Ok(Some(90 * DAY_MS)));
        assert_eq!(lifetime("never"), Ok(None));
        assert_eq!(retirement("keep"), Ok(Retirement::Keep));
        for wrong in ["0d", "-1d", "soon"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
        assert!(retirement("later").is_err());
    }
}
