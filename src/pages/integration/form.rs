use leptos::prelude::*;

use crate::model::{Expiry, HOUR_MS, Retirement, UnixMs};
use crate::pages::parts::{
    Choice, Choices, Field, FieldError, Notice, Tone, counted, day, error_of,
};
use crate::rotation::overview::IntegrationView;

/// The value that says: on the day in the field beside.
pub(super) const ON_A_DAY: &str = "on";

/// What the form shows, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct GenerateState {
    /// A fresh single-use id.
    pub form_id: String,
    /// The expiry chosen.
    pub expires: String,
    /// The day chosen for it.
    pub expires_on: String,
    /// The end of the old token chosen.
    pub old: String,
    /// What was wrong.
    pub errors: Vec<FieldError>,
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
    let error = error_of(&state.errors, "expires_on");
    view! {
        <section class="section" id="generate" aria-labelledby="generate-title">
            <form class="form panel" method="post" action=action>
                <h2 id="generate-title">{format!("A new token for {name}")}</h2>
                <input type="hidden" name="form" value=state.form_id/>
                <Lifetime chosen=state.expires day_chosen=state.expires_on error now/>
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

/// When the new token expires: what is offered with the day it comes to, and a day of one's own.
#[component]
fn Lifetime(
    chosen: String,
    day_chosen: String,
    error: Option<String>,
    now: UnixMs,
) -> impl IntoView {
    let is_day = chosen == ON_A_DAY;
    let chosen = if is_day {
        None
    } else {
        let of_form = chosen.parse().ok();
        Some(
            of_form
                .filter(|expiry| Expiry::OFFERED.contains(expiry))
                .unwrap_or(Expiry::YEAR),
        )
    };
    let offered = Expiry::OFFERED.map(|expiry| {
        let end = match expiry.ends_at(now) {
            Ok(Some(end)) => format!("until {}", day(end, now)),
            _ => "until you revoke it".to_owned(),
        };
        view! {
            <Choice name="expires" value=expiry.to_string() words=expiry_words(expiry) detail=end
                chosen=chosen == Some(expiry)/>
        }
    });
    // The first day that lies ahead to its end.
    let today = now.to_string().get(..10).unwrap_or_default().to_owned();
    view! {
        <Choices legend="Expires" beside=true>
            {offered.into_iter().collect_view()}
            <Choice name="expires" value=ON_A_DAY words="On a day" detail="you choose" chosen=is_day/>
        </Choices>
        <div class="when-on-a-day">
            <Field name="expires_on" label="The day it expires" kind="date" class="short" min=today
                hint="It works to the end of that day, UTC." error value=day_chosen/>
        </div>
    }
}

/// How an offered expiry is called.
fn expiry_words(expiry: Expiry) -> String {
    match expiry {
        Expiry::Never => "Never".to_owned(),
        Expiry::YEAR => "In a year".to_owned(),
        Expiry::After(span) => format!("In {}", length(span.ms())),
        Expiry::On(date) => format!("On {date}"),
    }
}

/// A length of time in whole hours up to a day, in days above: "24 hours", "7 days".
pub(super) fn length(ms: i64) -> String {
    let hours = u64::try_from(ms / HOUR_MS).unwrap_or(0);
    if hours <= 24 {
        counted(hours, "hour", "hours")
    } else {
        counted(hours / 24, "day", "days")
    }
}

/// The end of the old token: a question while one works, a sentence where it is refused anyway.
#[component]
fn OldToken(view: IntegrationView, chosen: String) -> impl IntoView {
    if view.has_active() {
        let chosen = chosen
            .parse()
            .ok()
            .filter(|chosen| Retirement::OFFERED.contains(chosen))
            .unwrap_or(Retirement::USUAL);
        let offered = Retirement::OFFERED.map(|retirement| {
            let (words, detail) = retirement_words(retirement);
            view! {
                <Choice name="old" value=retirement.to_string() words detail chosen=chosen == retirement/>
            }
        });
        return view! {
            <Choices legend="The old token">{offered.into_iter().collect_view()}</Choices>
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

/// What becomes of the old token, and what that is good for.
fn retirement_words(retirement: Retirement) -> (String, &'static str) {
    match retirement {
        Retirement::AfterFirstUse { overlap } => (
            format!("Ends {} after the new one’s first request", length(overlap)),
            if retirement == Retirement::USUAL {
                "Both work until then: nothing breaks while you deploy."
            } else {
                ""
            },
        ),
        Retirement::AtOnce => (
            "Ends at once".to_owned(),
            "For a token that leaked. Requests with it are refused from now on.",
        ),
        Retirement::Keep => ("Stays".to_owned(), "Both work until you revoke one."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_people_count_them() {
        let words = Retirement::OFFERED.map(|retirement| length(retirement.overlap()));
        assert_eq!(words[..3], ["24 hours", "1 hour", "7 days"]);
        assert_eq!(expiry_words(Expiry::OFFERED[0]), "In 30 days");
    }
}
