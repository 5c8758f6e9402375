//! A user's own account: how it is protected, and which letters they get.

/// What is shown once: the secret for an app, and recovery codes.
mod codes;
/// Which letters they get.
mod letters;
/// Change the password.
mod password;
/// The second factor: on, off, recovery codes.
mod second_factor;

pub use letters::words as letter_words;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use super::error::PageError;
use super::parts::{Badge, Notice, PageHeader, Shape, Tone, counted};
use super::shell::{Frame, Section, Visit};
use crate::auth::AppState;
use crate::model::Person;
use crate::rotation::second_factor::Standing;

/// Every page of the settings.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings", get(page))
        .merge(password::routes())
        .merge(letters::routes())
        .merge(second_factor::routes())
}

#[derive(Deserialize)]
struct Ask {
    /// What was just done: the slug of a [`Done`].
    #[serde(default)]
    done: String,
}

/// What a form of these pages has just done, as the page it leads to says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Password,
    Letters,
    SecondFactorOff,
}

impl Done {
    const ALL: [Self; 3] = [Self::Password, Self::Letters, Self::SecondFactorOff];

    const fn slug(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Letters => "letters",
            Self::SecondFactorOff => "second-factor-off",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Password => "Your new password is set, and you are signed out everywhere else.",
            Self::Letters => "Your choice of letters is kept.",
            Self::SecondFactorOff => {
                "The second factor is off: your password alone signs you in. The recovery codes no longer work."
            }
        }
    }

    /// Where the page is that says it.
    fn path(self) -> String {
        format!("/settings?done={}", self.slug())
    }
}

async fn page(
    State(app): State<AppState>,
    person: Person,
    visit: Visit,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let standing = app.engine.second_factor(&person).await?;
    let wanted = app.engine.letters_wanted(&person).await?;
    let sessions = app.engine.sessions_of(person.user()).await?.len();
    let done = Done::ALL.into_iter().find(|done| done.slug() == ask.done);
    let frame = Frame::new("Settings", Section::Settings).reading();
    let email = person.email().to_owned();
    Ok(visit
        .show(StatusCode::OK, frame, move || {
            let is_on = standing.is_on();
            let title = if is_on {
                "Your account is protected by a password and a second factor."
            } else {
                "Your account is protected by a password alone."
            };
            let wanted = wanted.iter().filter(|(_, wanted)| *wanted).count();
            let letters = if wanted == 0 {
                "Only those about your password and your second factor".to_owned()
            } else {
                format!("Those about your account, and {} more", counted(wanted as u64, "kind", "kinds"))
            };
            let places = counted(sessions as u64, "place", "places");
            view! {
                {done.map(|done| view! { <Notice tone=Tone::Good><p role="status">{done.words()}</p></Notice> })}
                <PageHeader title sub=format!("You sign in as {email}.")/>
                <div class="rows plain">
                    <ul role="list" aria-label="Settings">
                        <Row name="Password" says="Change it; you are signed out everywhere else then.".to_owned()
                            href="/settings/password" action="Change" object="password" is_primary=false>""</Row>
                        <Row name="Second factor" says=second_factor_says(&standing)
                            href="/settings/second-factor"
                            action=if is_on { "Manage" } else { "Turn on" } object="second factor" is_primary=!is_on>
                            {if is_on {
                                view! { <Badge tone=Tone::Good shape=Shape::Check words="On"/> }
                            } else {
                                view! { <Badge tone=Tone::Plain shape=Shape::Ring words="Off"/> }
                            }}
                        </Row>
                        <Row name="Letters" says=letters href="/settings/notifications" action="Choose"
                            object="letters" is_primary=false>""</Row>
                        <Row name="Sign-ins" says=format!("Signed in at {places} now.") href="/activity" action="Look"
                            object="at where you are signed in" is_primary=false>""</Row>
                    </ul>
                </div>
            }
        })
        .await)
}

fn second_factor_says(standing: &Standing) -> String {
    match standing {
        Standing::Off => {
            "A code from an app on your phone, beside your password. With it, eight characters of password are enough."
                .to_owned()
        }
        Standing::On { codes_left, .. } => format!(
            "A code from your app is asked for at each sign-in. {} left.",
            counted(u64::try_from(*codes_left).unwrap_or(0), "recovery code", "recovery codes")
        ),
    }
}

/// One setting: what is the case, and the way to change it.
#[component]
fn Row(
    name: &'static str,
    says: String,
    href: &'static str,
    action: &'static str,
    object: &'static str,
    is_primary: bool,
    children: Children,
) -> impl IntoView {
    let class = if is_primary {
        "button primary"
    } else {
        "button"
    };
    view! {
        <li class="row">
            <div class="row-name">
                <strong>{name}</strong>
            </div>
            <div class="row-standing">{children()}</div>
            <div class="row-last">
                <span>{says}</span>
            </div>
            <div class="row-action">
                <a class=class href=href>{action}<span class="visually-hidden">{format!(" {object}")}</span></a>
            </div>
        </li>
    }
}
