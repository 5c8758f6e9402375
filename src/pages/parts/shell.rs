use leptos::prelude::*;

use super::{Icon, Shape};

/// A link of the main navigation.
#[derive(Clone, Debug)]
pub struct NavLink {
    /// Its word.
    pub words: &'static str,
    /// Where it leads.
    pub href: &'static str,
}

/// The mark and the name, leading home.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/">
            <svg viewBox="0 0 24 24" aria-hidden="true">
                <rect x="1" y="1" width="22" height="22" rx="6" fill="currentColor"></rect>
                <path
                    class="brand-ink"
                    d="M6.5 8h11M6.5 12.2h7.5M6.5 16.4h4M13 16l2.2 2.2 4-4.6"
                    fill="none"
                    stroke="currentColor"
                    stroke-width="2"
                    stroke-linecap="round"
                    stroke-linejoin="round"
                ></path>
            </svg>
            "Rollcall"
        </a>
    }
}

/// The bar at the head of every page. On a phone its links and its children open by a button, without script.
#[component]
pub fn TopBar(
    /// The links.
    #[prop(into)]
    links: Vec<NavLink>,
    /// The `href` of the link one is at or below.
    #[prop(optional, into)]
    here: String,
    /// Who is signed in: "Ana Silva · Northwind".
    #[prop(optional, into)]
    who: String,
    /// The sign-out form, or the sign-in link.
    children: Children,
) -> impl IntoView {
    let links = links
        .into_iter()
        .map(move |link| {
            let current = (link.href == here).then_some("page");
            view! { <li><a href=link.href aria-current=current>{link.words}</a></li> }
        })
        .collect_view();
    let who = (!who.is_empty()).then(|| view! { <span>{who}</span> });
    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <header class="topbar">
            <div class="topbar-in">
                <Brand />
                <button class="button small menu-button" type="button" popovertarget="menu">
                    <Icon shape=Shape::Menu small=true />
                    "Menu"
                </button>
                <div class="menu" id="menu" popover="auto">
                    <nav class="mainnav" aria-label="Main">
                        <ul role="list">{links}</ul>
                    </nav>
                    <div class="who">{who} {children()}</div>
                </div>
            </div>
        </header>
    }
}

/// The theme a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name in the cookie and in the form.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that name; the system's for any other.
    pub fn from_slug(slug: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|theme| theme.slug() == slug)
            .unwrap_or_default()
    }

    /// The value of `data-theme` on `<html>`; without it the system chooses.
    pub fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then_some(self.slug())
    }

    const fn look(self) -> (Shape, &'static str) {
        match self {
            Self::System => (Shape::Monitor, "System"),
            Self::Light => (Shape::Sun, "Light"),
            Self::Dark => (Shape::Moon, "Dark"),
        }
    }
}

/// The three-way theme switch: a form that posts `theme=system|light|dark` and where to go back to.
#[component]
pub fn ThemeSwitch(
    /// The theme chosen now.
    theme: Theme,
    /// Where the form posts.
    #[prop(into)]
    action: String,
    /// The page to come back to, sent as `next`.
    #[prop(into)]
    next: String,
) -> impl IntoView {
    let buttons = Theme::ALL
        .into_iter()
        .map(|each| {
            let (shape, words) = each.look();
            let pressed = if each == theme { "true" } else { "false" };
            view! {
                <button type="submit" name="theme" value=each.slug() aria-pressed=pressed>
                    <Icon shape small=true />
                    {words}
                </button>
            }
        })
        .collect_view();
    view! {
        <form class="theme-switch" method="post" action=action aria-label="Theme">
            <input type="hidden" name="next" value=next />
            {buttons}
        </form>
    }
}

/// The foot of every page: public links, then the theme switch as its children.
#[component]
pub fn Footer(
    /// The links.
    #[prop(into)]
    links: Vec<NavLink>,
    /// The theme switch.
    children: Children,
) -> impl IntoView {
    let links = links
        .into_iter()
        .map(|link| view! { <li><a href=link.href>{link.words}</a></li> })
        .collect_view();
    view! {
        <footer class="footer">
            <div class="footer-in">
                <nav aria-label="Footer">
                    <ul role="list">{links}</ul>
                </nav>
                {children()}
            </div>
        </footer>
    }
}
