//! What forms with passwords share: what a new one must be, what is said of one that is not taken,
//! and what a password manager needs.

use axum::http::StatusCode;
use leptos::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

use super::parts::{Field, FieldError};
use super::words::sentence;
use crate::auth::{AppState, PasswordError, Whose, rules};

/// Why a new password was not taken.
#[derive(Clone, Debug)]
pub struct NotTaken {
    /// The status that says so.
    pub status: StatusCode,
    /// The words, at the field.
    pub error: FieldError,
    /// Whether it was only advice: the same again is taken.
    pub is_advice: bool,
}

/// Hashes the password that a form brought. One that is easily guessed is taken when whoever chose it
/// has been told so: `advised` is what [`PasswordField`] sends along then.
pub async fn hash(
    app: &AppState,
    password: &SecretString,
    advised: &str,
    whose: &Whose<'_>,
) -> Result<String, NotTaken> {
    let refused = |status, text: String, is_advice| NotTaken {
        status,
        error: FieldError::new("password", text),
        is_advice,
    };
    if let Err(error) = rules::check(password.expose_secret(), whose) {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(refused(status, sentence(&error.to_string()), false));
    }
    if advised.is_empty() && rules::is_weak(password.expose_secret(), whose) {
        let advice = "A program would guess this one soon: one more word makes it strong. You may choose it all the \
                      same: type it once more.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(refused(status, advice.to_owned(), true));
    }
    app.passwords.hash(password, whose).await.map_err(|error| {
        let status = match error {
            PasswordError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        refused(status, sentence(&error.to_string()), false)
    })
}

/// The field for a new password, with what it takes.
#[component]
pub fn PasswordField(
    /// What is wrong with the one given.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The least characters it takes.
    least: usize,
    /// Whether whoever chooses has been advised against the one given.
    #[prop(optional)]
    advised: bool,
) -> impl IntoView {
    let hint = format!(
        "{least} characters at least. Three or four words that nobody puts together are strong; you may paste it."
    );
    view! {
        <Field
            name="password"
            label="New password"
            hint
            kind="password"
            autocomplete="new-password"
            required=true
            max_length=256
            error
        />
        {advised.then(|| view! { <input type="hidden" name="advised" value="yes"/> })}
    }
}

/// The field for the password one has.
#[component]
pub fn CurrentPassword(
    /// Its name in the form.
    #[prop(default = "current")]
    name: &'static str,
    /// What it asks for.
    #[prop(default = "Your password")]
    label: &'static str,
    /// Why it is asked for.
    #[prop(optional)]
    hint: &'static str,
    /// What is wrong with the one given.
    #[prop(optional_no_strip)]
    error: Option<String>,
) -> impl IntoView {
    view! {
        <Field
            name
            label
            hint
            kind="password"
            autocomplete="current-password"
            required=true
            max_length=256
            error
        />
    }
}

/// The field for the address that somebody signs in with.
#[component]
pub fn EmailField(
    /// The one given so far.
    value: String,
    /// What is wrong with the one given.
    #[prop(optional_no_strip)]
    error: Option<String>,
) -> impl IntoView {
    view! {
        <Field
            name="email"
            label="Email"
            kind="email"
            autocomplete="username"
            required=true
            max_length=254
            value
            error
        />
    }
}

/// Whose password it is: a password manager files it under this address.
#[component]
pub fn Username(
    /// The address they sign in with.
    email: String,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for="username">"Email"</label>
            <input class="input" id="username" name="username" type="email" autocomplete="username" value=email readonly=true/>
        </div>
    }
}
