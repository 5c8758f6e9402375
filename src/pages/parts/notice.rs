use leptos::prelude::*;

use super::tone::toned;
use super::{Icon, Shape, Tone};

/// The icon a tone speaks with in strips.
const fn shape_of(tone: Tone) -> Shape {
    match tone {
        Tone::Good => Shape::Check,
        Tone::Warn => Shape::Warn,
        Tone::Bad => Shape::Alert,
        Tone::Plain | Tone::Accent => Shape::Info,
    }
}

/// A strip with an icon: information, success, a warning, a danger.
#[component]
pub fn Notice(
    /// Its colour; the icon follows.
    tone: Tone,
    /// Another icon than the tone's.
    #[prop(optional_no_strip)]
    shape: Option<Shape>,
    /// What it says.
    children: Children,
) -> impl IntoView {
    let shape = shape.unwrap_or(shape_of(tone));
    view! {
        <div class=toned("notice", tone)>
            <Icon shape />
            <div>{children()}</div>
        </div>
    }
}

/// What was wrong with one field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's id; empty where it concerns the form as a whole.
    pub field: String,
    /// What to do, in one sentence.
    pub text: String,
}

impl FieldError {
    /// The error of a field.
    pub fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            text: text.into(),
        }
    }
}

/// The text of the error that belongs to a field, for its [`Field`](super::Field).
pub fn error_of(errors: &[FieldError], field: &str) -> Option<String> {
    errors
        .iter()
        .find(|error| error.field == field)
        .map(|error| error.text.clone())
}

/// The errors of a refused form, first thing in `main`: announced, and focused by the browser on load.
/// Nothing when there are none. The page's [`Frame`](crate::pages::Frame) is `refused` then.
#[component]
pub fn ErrorSummary(
    /// The errors, in the order of the fields.
    #[prop(into)]
    errors: Vec<FieldError>,
) -> impl IntoView {
    if errors.is_empty() {
        return None;
    }
    let lines = errors
        .into_iter()
        .map(|FieldError { field, text }| {
            if field.is_empty() {
                view! { <li><span class="text-bad strong">{text}</span></li> }.into_any()
            } else {
                view! { <li><a href=format!("#{field}")>{text}</a></li> }.into_any()
            }
        })
        .collect_view();
    Some(view! {
        <div class="error-summary" id="errors" role="alert" tabindex="-1" autofocus=true>
            <h2>"There is a problem"</h2>
            <ul role="list">{lines}</ul>
        </div>
    })
}

/// Where there is nothing yet: one sentence, and the one thing to do about it as its children.
#[component]
pub fn EmptyState(
    /// What there is none of.
    #[prop(into)]
    title: String,
    /// When something will be here.
    #[prop(optional, into)]
    text: String,
    /// One button, or none.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let line = (!text.is_empty()).then(|| view! { <p>{text}</p> });
    view! {
        <div class="empty">
            <h2>{title}</h2>
            {line}
            {children.map(|children| children())}
        </div>
    }
}

/// What is happening now: waiting (amber) or working (green), announced politely when an island changes it.
/// Children stand at its end: the *Check now* link.
#[component]
pub fn LivePanel(
    /// `Tone::Warn` while waiting, `Tone::Good` when it works.
    tone: Tone,
    /// Its icon.
    shape: Shape,
    /// What is the case.
    #[prop(into)]
    title: String,
    /// What will happen next.
    #[prop(optional, into)]
    text: String,
    /// A button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let line = (!text.is_empty()).then(|| view! { <p>{text}</p> });
    view! {
        <section class=toned("live", tone) aria-live="polite">
            <Icon shape />
            <div>
                <h2>{title}</h2>
                {line}
            </div>
            {children.map(|children| children())}
        </section>
    }
}
