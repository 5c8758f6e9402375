use leptos::prelude::*;

use super::talk::outlook_words;
use crate::model::{Member, UnixMs};
use crate::pages::parts::{
    Field, FieldError, Focus, Notice, SelectField, TextField, Tone, counted, error_of, when,
};
use crate::rotation::tickets::{Facts, MOST_SUBJECT, MOST_TEXT, Outlook};
use crate::store::tickets::Refusal;

/// What the form of a question shows.
#[derive(Clone, Debug)]
pub struct Asking {
    /// A fresh single-use id.
    pub form_id: String,
    /// The subject so far.
    pub subject: String,
    /// The question so far.
    pub text: String,
    /// How many secrets were taken out of them.
    pub removed: usize,
    /// The account's tokens among those, as ids in one text.
    pub found: String,
    /// What can be sent along.
    pub facts: Facts,
    /// What was wrong.
    pub errors: Vec<FieldError>,
    /// Who asks.
    pub member: Member,
    /// The account's name.
    pub account: String,
    /// How long support takes.
    pub outlook: Option<Outlook>,
    /// The present.
    pub now: UnixMs,
}

impl Asking {
    /// When and where an answer is to be expected.
    pub fn expectation(&self) -> String {
        let here = format!(
            "The answer comes here and by mail to {}.",
            self.member.email()
        );
        match self.outlook {
            Some(outlook) => format!("{} {here}", outlook_words(outlook)),
            None => here,
        }
    }
}

/// The form of a question to support.
#[component]
pub fn QuestionForm(
    /// What it shows.
    asking: Asking,
    /// Whether it stands in a dialog, where it has the focus.
    #[prop(optional)]
    in_dialog: bool,
) -> impl IntoView {
    let Asking {
        form_id,
        subject,
        text,
        removed,
        found,
        facts,
        errors,
        member,
        account,
        now,
        ..
    } = asking;
    let sender = format!("{} of {account}", member.name());
    let focus = if in_dialog {
        Focus::AtOnce
    } else {
        Focus::Later
    };
    let most = |most: usize| u32::try_from(most).unwrap_or(u32::MAX);
    view! {
        <form class=if in_dialog { "form" } else { "form panel" } method="post" action="/support/new">
            <input type="hidden" name="form" value=form_id/>
            <input type="hidden" name="found" value=found/>
            {(removed > 0).then(|| view! { <Removed removed/> })}
            <Field
                name="subject"
                label="What is it about?"
                hint="In a few words."
                value=subject
                error=error_of(&errors, "subject")
                required=true
                focus
                max_length=most(MOST_SUBJECT)
            />
            <TextField
                name="question"
                label="What happens, and what did you expect?"
                hint="We do not need the token itself. One that slips in is removed before anything is stored."
                value=text
                error=error_of(&errors, "question")
                required=true
                max_length=most(MOST_TEXT)
            />
            <Along facts sender now/>
            <div class="actions">
                <button type="submit" class="button primary">"Send the question"</button>
            </div>
        </form>
    }
}

/// What is sent along: seen before it is sent, and each can be left out.
#[component]
fn Along(facts: Facts, sender: String, now: UnixMs) -> impl IntoView {
    let Facts {
        integration,
        refusal,
        request,
        choices,
    } = facts;
    let choice = (integration.is_none() && !choices.is_empty()).then(|| {
        let mut all = vec![(String::new(), "None in particular".to_owned())];
        all.extend(
            choices
                .into_iter()
                .map(|integration| (integration.id.to_string(), integration.name)),
        );
        view! { <SelectField name="integration" label="Which integration is it about?" choices=all/> }
    });
    let has_facts = integration.is_some() || refusal.is_some() || request.is_some();
    let integration = integration.map(|integration| {
        fact(
            "integration",
            integration.id.to_string(),
            "Integration",
            integration.name,
        )
    });
    let refusal = refusal.map(|refusal| {
        let words = refusal_words(&refusal, now);
        fact("code", refusal.code, "Refusal", words)
    });
    let request = request.map(|id| fact("request", id.clone(), "Request", id));
    view! {
        {choice}
        {has_facts.then(|| view! {
            <fieldset class="field">
                <legend>"Sent with it"</legend>
                <p class="hint">"Untick what you want to leave out."</p>
                <div class="stack tight">{integration} {refusal} {request}</div>
            </fieldset>
        })}
        <p class="small quiet">{format!("From {sender}.")}</p>
    }
}

fn fact(name: &'static str, value: String, term: &'static str, words: String) -> impl IntoView {
    view! {
        <label class="tick">
            <input type="checkbox" name=name value=value checked=true/>
            <span>{term} ": " <strong class="break">{words}</strong></span>
        </label>
    }
}

/// A refusal in words: its code, when it was, and of which token.
pub fn refusal_words(refusal: &Refusal, now: UnixMs) -> String {
    let mut words = refusal.code.clone();
    if let Some(at) = refusal.at {
        words = format!("{words}, {}", when(at, now));
    }
    if let Some(hint) = &refusal.hint {
        words = format!("{words}, token …{hint}");
    }
    words
}

/// What is said of secrets that were taken out of a text that is not sent yet.
#[component]
pub fn Removed(
    /// How many.
    removed: usize,
) -> impl IntoView {
    let what = counted(removed as u64, "secret", "secrets");
    let (was, them) = if removed == 1 {
        ("was", "it")
    } else {
        ("were", "them")
    };
    view! {
        <Notice tone=Tone::Warn>
            {format!("{what} {was} removed from what you wrote. We do not need {them} to help you.")}
        </Notice>
    }
}
