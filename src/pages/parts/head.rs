use leptos::prelude::*;

/// A step on the way to a page.
#[derive(Clone, Debug)]
pub struct Crumb {
    /// What it is called.
    pub words: String,
    /// Where it leads; `None` for the page itself.
    pub href: Option<String>,
}

impl Crumb {
    /// A step that leads somewhere.
    pub fn link(words: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            href: Some(href.into()),
        }
    }

    /// The page itself, last.
    pub fn here(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            href: None,
        }
    }
}

/// The way to this page.
#[component]
pub fn Breadcrumbs(
    /// The steps, the page itself last.
    #[prop(into)]
    crumbs: Vec<Crumb>,
) -> impl IntoView {
    let steps = crumbs
        .into_iter()
        .map(|crumb| match crumb.href {
            Some(href) => view! { <li><a href=href>{crumb.words}</a></li> }.into_any(),
            None => view! { <li><span aria-current="page">{crumb.words}</span></li> }.into_any(),
        })
        .collect_view();
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol role="list">{steps}</ol>
        </nav>
    }
}

/// The head of a page: the answer as its only `h1`, then one line. Children are its buttons, the primary one first.
#[component]
pub fn PageHeader(
    /// The answer to its reader's question, in plain words.
    #[prop(into)]
    title: String,
    /// The one line below.
    #[prop(optional, into)]
    sub: String,
    /// The way here, if it is not a top page.
    #[prop(optional, into)]
    crumbs: Vec<Crumb>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let way = (!crumbs.is_empty()).then(|| view! { <Breadcrumbs crumbs /> });
    let line = (!sub.is_empty()).then(|| view! { <p class="sub">{sub}</p> });
    let buttons = children.map(|children| view! { <div class="actions">{children()}</div> });
    view! {
        <div class="page-head">{way} <h1>{title}</h1> {line} {buttons}</div>
    }
}
