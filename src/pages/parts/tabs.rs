use leptos::prelude::*;

/// One tab and what it shows.
pub struct Tab {
    /// Its name.
    pub label: String,
    /// What it shows.
    pub view: AnyView,
}

impl Tab {
    /// The same tab with another view.
    #[must_use]
    pub fn showing(self, view: impl IntoView + 'static) -> Self {
        Self::new(self.label, view)
    }

    /// Its name in forms, ids and cookies: `c#` is `csharp`.
    pub fn slug(&self) -> String {
        self.label.to_lowercase().replace('#', "sharp")
    }

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
    /// The tabs.
    tabs: Vec<Tab>,
    /// The slug of the one chosen; the first when none has it.
    #[prop(optional, into)]
    chosen: String,
) -> impl IntoView {
    let shown = tabs
        .iter()
        .position(move |tab| tab.slug() == chosen)
        .unwrap_or(0);
    let (heads, panels): (Vec<_>, Vec<_>) = tabs
        .into_iter()
        .take(8)
        .enumerate()
        .map(move |(at, tab)| {
            let head = view! {
                <label class="tab">
                    <input type="radio" name=name.clone() value=tab.slug() checked=at == shown />
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
