use leptos::prelude::*;

/// One tab and what it shows.
pub struct Tab {
    /// Its name.
    pub label: String,
    /// What it shows.
    pub view: AnyView,
}

impl Tab {
    /// A tab of any view.
    pub fn new(label: impl Into<String>, view: impl IntoView + 'static) -> Self {
        Self {
            label: label.into(),
            view: view.into_any(),
        }
    }
}

/// Up to eight tabs without script: a radio group, of which the chosen one shows its panel. Arrow keys move,
/// the group is announced by its legend; a browser too old for `:has()` shows all panels.
#[component]
pub fn Tabs(
    /// The radio group's name, one of its kind on the page.
    #[prop(into)]
    name: String,
    /// What is chosen: "Language".
    #[prop(into)]
    legend: String,
    /// The tabs, the first one chosen.
    tabs: Vec<Tab>,
) -> impl IntoView {
    let (heads, panels): (Vec<_>, Vec<_>) = tabs
        .into_iter()
        .take(8)
        .enumerate()
        .map(move |(at, tab)| {
            let head = view! {
                <label class="tab">
                    <input type="radio" name=name.clone() value=at.to_string() checked=at == 0 />
                    <span>{tab.label}</span>
                </label>
            };
            (head, view! { <div class="tab-panel">{tab.view}</div> })
        })
        .unzip();
    view! {
        <fieldset class="tabs">
            <legend class="visually-hidden">{legend}</legend>
            <div class="tab-list">{heads}</div>
            {panels}
        </fieldset>
    }
}

/// A block of code, and under it the answer to expect.
#[component]
pub fn Code(
    /// The code.
    #[prop(into)]
    code: String,
    /// The answer to expect.
    #[prop(optional, into)]
    answer: String,
    /// The id of the code, for a copy button.
    #[prop(optional_no_strip)]
    id: Option<String>,
) -> impl IntoView {
    let answer = (!answer.is_empty()).then(|| {
        view! {
            <pre class="code-out">
                <span class="visually-hidden">"Answer to expect: "</span>
                <samp>{answer}</samp>
            </pre>
        }
    });
    view! {
        <div class="code">
            <pre>
                <code id=id>{code}</code>
            </pre>
            {answer}
        </div>
    }
}
