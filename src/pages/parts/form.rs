use leptos::prelude::*;

use super::{Icon, Shape};

/// When an input has the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// When the visitor comes to it.
    #[default]
    Later,
    /// When its page or dialog opens.
    AtOnce,
}

/// A labelled input with its hint and its error, wired together for assistive technology.
#[component]
pub fn Field(
    /// Its name in the form, and its id.
    #[prop(into)]
    name: String,
    /// What it asks for.
    #[prop(into)]
    label: String,
    /// How to answer.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer given: see [`error_of`](super::error_of).
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The answer given so far.
    #[prop(optional, into)]
    value: String,
    /// The type of the input.
    #[prop(default = "text")]
    kind: &'static str,
    /// What browsers may fill in: `username`, `current-password`, `new-password`, `one-time-code` …
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Must be answered.
    #[prop(optional)]
    required: bool,
    /// May be left empty, and says so.
    #[prop(optional)]
    may_be_empty: bool,
    /// What the answer must match, as a JavaScript regular expression.
    #[prop(optional_no_strip)]
    pattern: Option<String>,
    /// The least that it takes, where its type has an order: a date.
    #[prop(optional_no_strip, into)]
    min: Option<String>,
    /// When it has the focus.
    #[prop(optional)]
    focus: Focus,
    /// The most characters it takes.
    #[prop(default = 200)]
    max_length: u32,
    /// More classes: `short`, `mid`, `mono`.
    #[prop(default = "")]
    class: &'static str,
    /// Digits alone: a phone shows the keys for them.
    #[prop(optional)]
    numeric: bool,
) -> impl IntoView {
    let frame = Frame::new(&name, &hint, error.as_deref());
    let is_invalid = error.is_some();
    view! {
        <div class=frame.class>
            <Label name=name.clone() label may_be_empty />
            <Hint name=name.clone() hint />
            <FieldProblem name=name.clone() error />
            <input
                class=format!("input {class}").trim_end().to_owned()
                id=name.clone()
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                inputmode=numeric.then_some("numeric")
                required=required
                autofocus=focus == Focus::AtOnce
                pattern=pattern
                min=min
                maxlength=max_length.to_string()
                aria-describedby=frame.described_by
                aria-invalid=is_invalid.then_some("true")
            />
        </div>
    }
}

/// A labelled text of several lines.
#[component]
pub fn TextField(
    /// Its name in the form, and its id.
    #[prop(into)]
    name: String,
    /// What it asks for.
    #[prop(into)]
    label: String,
    /// How to answer.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer given.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The answer given so far.
    #[prop(optional, into)]
    value: String,
    /// Must be answered.
    #[prop(optional)]
    required: bool,
    /// May be left empty, and says so.
    #[prop(optional)]
    may_be_empty: bool,
    /// The most characters it takes.
    #[prop(default = 4_000)]
    max_length: u32,
    /// Tokens and code: mono, no spelling.
    #[prop(optional)]
    code: bool,
) -> impl IntoView {
    let frame = Frame::new(&name, &hint, error.as_deref());
    let is_invalid = error.is_some();
    view! {
        <div class=frame.class>
            <Label name=name.clone() label may_be_empty />
            <Hint name=name.clone() hint />
            <FieldProblem name=name.clone() error />
            <textarea
                class=if code { "input mono" } else { "input" }
                id=name.clone()
                name=name
                required=required
                maxlength=max_length.to_string()
                autocomplete="off"
                spellcheck=code.then_some("false")
                aria-describedby=frame.described_by
                aria-invalid=is_invalid.then_some("true")
                inner_html=escaped(value)
            ></textarea>
        </div>
    }
}

/// A labelled choice of one from a list.
#[component]
pub fn SelectField(
    /// Its name in the form, and its id.
    #[prop(into)]
    name: String,
    /// What it asks for.
    #[prop(into)]
    label: String,
    /// How to answer.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer given.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The value sent and the words shown, for each choice.
    #[prop(into)]
    choices: Vec<(String, String)>,
    /// The value chosen so far; the first when none is it.
    #[prop(optional, into)]
    chosen: String,
) -> impl IntoView {
    let frame = Frame::new(&name, &hint, error.as_deref());
    let is_invalid = error.is_some();
    let choices = choices
        .into_iter()
        .map(move |(value, words)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{words}</option> }
        })
        .collect_view();
    view! {
        <div class=frame.class>
            <Label name=name.clone() label may_be_empty=false />
            <Hint name=name.clone() hint />
            <FieldProblem name=name.clone() error />
            <select
                class="input"
                id=name.clone()
                name=name
                aria-describedby=frame.described_by
                aria-invalid=is_invalid.then_some("true")
            >
                {choices}
            </select>
        </div>
    }
}

/// A choice among few, each with its consequence, as cards. Its children are [`Choice`]s.
#[component]
pub fn Choices(
    /// What is chosen.
    #[prop(into)]
    legend: String,
    /// Beside each other where there is room.
    #[prop(optional)]
    beside: bool,
    /// The choices.
    children: Children,
) -> impl IntoView {
    view! {
        <fieldset class="field">
            <legend>{legend}</legend>
            <div class=if beside { "choices beside" } else { "choices" }>{children()}</div>
        </fieldset>
    }
}

/// One card of [`Choices`].
#[component]
pub fn Choice(
    /// The group's name in the form.
    #[prop(into)]
    name: String,
    /// The value sent.
    #[prop(into)]
    value: String,
    /// What it is.
    #[prop(into)]
    words: String,
    /// What follows from it.
    #[prop(optional, into)]
    detail: String,
    /// Chosen at first.
    #[prop(optional)]
    chosen: bool,
) -> impl IntoView {
    let detail = (!detail.is_empty()).then(|| view! { <span class="quiet">{detail}</span> });
    view! {
        <label class="choice">
            <input type="radio" name=name value=value checked=chosen />
            <span>
                <strong>{words}</strong>
                {detail}
            </span>
        </label>
    }
}

/// The consequences to acknowledge, one by one. Its children are [`Acknowledge`]s.
#[component]
pub fn Acknowledgements(
    /// "You know that".
    #[prop(into)]
    legend: String,
    /// The consequences.
    children: Children,
) -> impl IntoView {
    view! {
        <fieldset class="field">
            <legend>{legend}</legend>
            <ul class="checks" role="list">{children()}</ul>
        </fieldset>
    }
}

/// One consequence with its box, which must be ticked.
#[component]
pub fn Acknowledge(
    /// Its name in the form; sent as `yes`.
    #[prop(into)]
    name: String,
    /// The consequence.
    #[prop(into)]
    words: String,
    /// What it means.
    #[prop(optional, into)]
    detail: String,
    /// Ticked in the answer given.
    #[prop(optional)]
    ticked: bool,
) -> impl IntoView {
    let detail = (!detail.is_empty()).then(|| view! { <span class="quiet">{detail}</span> });
    view! {
        <li>
            <label class="check">
                <input type="checkbox" id=name.clone() name=name value="yes" required=true checked=ticked />
                <span>
                    <strong>{words}</strong>
                    {detail}
                </span>
            </label>
        </li>
    }
}

/// What must be typed to confirm what cannot be undone. Its children are the buttons: give the dangerous one
/// `class="button danger gated"`, so that it looks as disabled as it is until the form is valid.
#[component]
pub fn TypedConfirmation(
    /// Its name in the form, and its id.
    #[prop(into)]
    name: String,
    /// What must be typed.
    #[prop(into)]
    expected: String,
    /// What was typed so far.
    #[prop(optional, into)]
    value: String,
    /// What is wrong with the answer given.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The buttons.
    children: Children,
) -> impl IntoView {
    let frame = Frame::new(&name, "", error.as_deref());
    let is_invalid = error.is_some();
    // What is pasted may have blanks around it; who compares trims them.
    let pattern = format!(" *{} *", literal(&expected));
    view! {
        <section class="confirm">
            <div class=frame.class>
                <label for=name.clone()>"Type " <span class="mono">{expected}</span> " to confirm"</label>
                <FieldProblem name=name.clone() error />
                <input
                    class="input mono mid"
                    id=name.clone()
                    name=name
                    type="text"
                    value=value
                    required=true
                    pattern=pattern
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    aria-describedby=frame.described_by
                    aria-invalid=is_invalid.then_some("true")
                />
            </div>
            <div class="actions">{children()}</div>
        </section>
    }
}

/// A text as the inside of a `<textarea>`: Leptos writes children there as they are, so that `</textarea>` in a
/// text would end the element. A first newline would be dropped, so one more is put before it.
fn escaped(text: String) -> String {
    let text = if text.contains(['&', '<']) {
        text.replace('&', "&amp;").replace('<', "&lt;")
    } else {
        text
    };
    format!("\n{text}")
}

/// The text as a regular expression that matches only itself, for a `pattern` attribute (the browser's `v` flag).
fn literal(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '_' => letter.to_string(),
        _ if letter.is_ascii() => format!("\\x{:02x}", u32::from(letter)),
        _ => letter.to_string(),
    });
    letters.collect()
}

/// What a field's frame and its input share.
struct Frame {
    class: &'static str,
    described_by: Option<String>,
}

impl Frame {
    fn new(name: &str, hint: &str, error: Option<&str>) -> Self {
        let hint = (!hint.is_empty()).then(|| format!("{name}-hint"));
        let problem = error.map(|_| format!("{name}-error"));
        let ids: Vec<String> = hint.into_iter().chain(problem).collect();
        Self {
            class: if error.is_some() {
                "field invalid"
            } else {
                "field"
            },
            described_by: (!ids.is_empty()).then(|| ids.join(" ")),
        }
    }
}

#[component]
fn Label(name: String, label: String, may_be_empty: bool) -> impl IntoView {
    let note = may_be_empty.then(|| view! { <span class="optional">" (optional)"</span> });
    view! { <label for=name>{label} {note}</label> }
}

#[component]
fn Hint(name: String, hint: String) -> impl IntoView {
    (!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{name}-hint")>{hint}</p> })
}

#[component]
fn FieldProblem(name: String, error: Option<String>) -> impl IntoView {
    error.map(|text| {
        view! {
            <p class="error" id=format!("{name}-error")>
                <Icon shape=Shape::Alert small=true />
                <span><span class="visually-hidden">"Error: "</span>{text}</span>
            </p>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_only_the_text() {
        assert_eq!(literal("2026-11"), r"2026\x2d11");
        assert_eq!(literal("Über (a+b)"), r"Über \x28a\x2bb\x29");
    }
}
