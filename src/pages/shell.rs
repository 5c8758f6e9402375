use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, FromRequestParts, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::post;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use serde::Deserialize;

use super::assets;
use super::parts::{Icon, Mark, Shape};
use super::support::{dialog_place, widget};
use crate::auth::{AppState, Denied, Who, sent_from};
use crate::rotation::tickets::Context;

/// The theme a browser asked for; the system's when none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system is set.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    const fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    const fn shape(self) -> Shape {
        match self {
            Self::System => Shape::Monitor,
            Self::Light => Shape::Sun,
            Self::Dark => Shape::Moon,
        }
    }

    fn of(headers: &HeaderMap) -> Self {
        let theme = cookie(headers, "theme");
        Self::ALL
            .into_iter()
            .find(|known| Some(known.slug()) == theme)
            .unwrap_or(Self::System)
    }
}

/// The part of the site a page belongs to: what the bar marks as current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// None of the bar's links.
    Elsewhere,
    /// A customer's integrations.
    Integrations,
    /// What a token is.
    Diagnose,
    /// A user's sessions.
    Activity,
    /// Questions to support, for customers.
    Support,
    /// Questions and answers.
    Help,
    /// The rotation's public state.
    Status,
    /// The rotation, for admins.
    Rotation,
    /// The accounts, for admins.
    Accounts,
    /// The signing keys, for admins.
    Keys,
    /// What was done, for admins.
    Audit,
    /// Mail that has not left, for admins.
    Mail,
    /// A user's own account: the link is their name.
    Settings,
    /// Customers' questions, for admins.
    Tickets,
}

impl Section {
    const MEMBER: [(Self, &'static str, &'static str); 5] = [
        (Self::Integrations, "/", "Integrations"),
        (Self::Diagnose, "/diagnose", "Diagnose"),
        (Self::Activity, "/activity", "Activity"),
        (Self::Support, "/support", "Support"),
        (Self::Help, "/help", "Help"),
    ];
    const ADMIN: [(Self, &'static str, &'static str); 8] = [
        (Self::Rotation, "/admin", "Rotation"),
        (Self::Accounts, "/admin/accounts", "Accounts"),
        (Self::Tickets, "/admin/tickets", "Tickets"),
        (Self::Keys, "/admin/keys", "Keys"),
        (Self::Audit, "/admin/audit", "Audit"),
        (Self::Mail, "/admin/notify", "Mail"),
        (Self::Activity, "/activity", "Activity"),
        (Self::Help, "/help", "Help"),
    ];
    const NOBODY: [(Self, &'static str, &'static str); 2] = [
        (Self::Status, "/status", "Status"),
        (Self::Help, "/help", "Help"),
    ];

    const fn links(who: &Who) -> &'static [(Self, &'static str, &'static str)] {
        match who {
            Who::Member { .. } => &Self::MEMBER,
            Who::Admin(_) => &Self::ADMIN,
            Who::Nobody { .. } => &Self::NOBODY,
        }
    }
}

/// What a page says of itself to the shell.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The title, without the product's name.
    pub title: String,
    /// Which link of the bar it belongs to.
    pub section: Section,
    /// The width of the column: `page`, `page narrow` or `page reading`.
    pub class: &'static str,
    /// What a question about it carries.
    pub about: Context,
    /// Whether a question is being asked on it.
    pub is_question: bool,
}

impl Frame {
    /// A page of the usual width.
    pub fn new(title: impl Into<String>, section: Section) -> Self {
        Self {
            title: title.into(),
            section,
            class: "page",
            about: Context::default(),
            is_question: false,
        }
    }

    /// The same, whose help knows what it is about.
    #[must_use]
    pub fn about(mut self, about: Context) -> Self {
        self.about = about;
        self
    }

    /// The same; when what was sent `is_refused`, the title says so first: it is what a screen reader
    /// hears before all else.
    #[must_use]
    pub fn refused(mut self, is_refused: bool) -> Self {
        if is_refused {
            self.title.insert_str(0, "Error: ");
        }
        self
    }

    /// The same, with the form of a question on it.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.is_question = true;
        self
    }

    /// The same, as narrow as a form.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.class = "page narrow";
        self
    }

    /// The same, as wide as text reads well.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.class = "page reading";
        self
    }
}

/// The status of a page with a form: 422 when what was sent `is_refused`.
pub const fn status_of(is_refused: bool) -> StatusCode {
    if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    }
}

/// A visit to a page: who comes, and how they like it. Takes its place beside the proofs in a
/// handler's arguments.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who comes.
    pub who: Who,
    theme: Theme,
    parts: Parts,
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Denied> {
        let who = Who::from_request_parts(parts, app).await?;
        Ok(Self {
            who,
            theme: Theme::of(&parts.headers),
            parts: parts.clone(),
        })
    }
}

/// The value of a cookie.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

impl Visit {
    /// What the browser remembers under this name.
    pub fn remembers(&self, name: &str) -> Option<&str> {
        cookie(&self.parts.headers, name)
    }

    /// A visit of nobody, for pages that must be shown when nothing else works.
    pub fn of_nobody(parts: Parts) -> Self {
        Self {
            who: Who::Nobody { rotated: false },
            theme: Theme::of(&parts.headers),
            parts,
        }
    }

    /// Shows a page. It is never kept by caches, and carries a policy that lets only its own
    /// scripts run.
    pub async fn show<V>(
        self,
        status: StatusCode,
        frame: Frame,
        body: impl FnOnce() -> V + Send + 'static,
    ) -> Response
    where
        V: IntoView + 'static,
    {
        let uri = self.parts.uri.clone();
        let page = move || shell(&self, &frame, body().into_any()).into_any();
        let mut response = render(uri, Box::new(page)).await;
        *response.status_mut() = status;
        response
    }
}

/// Shows a piece of a page by itself, for the island that swaps it in.
pub fn fragment<V: IntoView>(body: impl FnOnce() -> V) -> Response {
    let html = Owner::new_root(None).with(|| body().into_view().to_html());
    ([(CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

/// What draws a page. Its type is forgotten here, so that the machinery around it is compiled once
/// and not once a page.
type Draw = Box<dyn FnOnce() -> AnyView + Send>;

async fn render(uri: Uri, draw: Draw) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    // Leptos could draw it again; it is asked to once, so it may own what it shows.
    let once = Arc::new(Mutex::new(Some(draw)));
    let app = move || {
        once.lock()
            .ok()
            .and_then(|mut draw| draw.take())
            .map(|draw| draw())
    };
    let mut response = leptos_axum::render_app_async(app)(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn shell(visit: &Visit, frame: &Frame, body: AnyView) -> impl IntoView + use<> {
    let nonce = use_nonce()
        .map(|nonce| nonce.to_string())
        .unwrap_or_default();
    set_policy(&nonce);
    let theme = (visit.theme != Theme::System).then(|| visit.theme.slug());
    let options = assets::options();
    let stylesheet = assets::url("pkg/rollcall.css");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{format!("{} · Rollcall", frame.title)}</title>
                <link rel="stylesheet" href=stylesheet/>
                <link rel="icon" type="image/svg+xml" href=assets::url("favicon.svg")/>
                <HydrationScripts options islands=true root=assets::root()/>
            </head>
            <body>
                <a class="skip-link" href="#main">"Skip to content"</a>
                {bar(&visit.who, frame.section)}
                <main id="main" class=frame.class tabindex="-1">{body}</main>
                {foot(visit, frame)}
                {dialog_place(&visit.who)}
            </body>
        </html>
    }
}

/// What the page may load and run: its own, and nothing of anybody else's.
fn set_policy(nonce: &str) {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let (Some(response), Ok(policy)) = (
        use_context::<ResponseOptions>(),
        HeaderValue::from_str(&policy),
    ) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

fn bar(who: &Who, section: Section) -> impl IntoView + use<> {
    let links: Vec<_> = Section::links(who)
        .iter()
        .map(|(this, href, words)| {
            let current = (*this == section).then_some("page");
            view! { <li><a href=*href aria-current=current>{*words}</a></li> }
        })
        .collect();
    let person = match who {
        Who::Nobody { .. } => {
            view! { <div class="who"><a class="button small" href="/login">"Sign in"</a></div> }
                .into_any()
        }
        Who::Member { member, account } => {
            signed_in(format!("{} · {account}", member.name()), section).into_any()
        }
        Who::Admin(admin) => signed_in(format!("{} · admin", admin.name()), section).into_any(),
    };
    view! {
        <header class="topbar">
            <div class="topbar-in">
                <a class="brand" href="/">
                    <Mark/>
                    "Rollcall"
                </a>
                <button type="button" class="button small menu-button" popovertarget="menu">
                    <Icon shape=Shape::Menu small=true/>
                    "Menu"
                </button>
                <div id="menu" class="menu" popover="">
                    <nav class="mainnav" aria-label="Main"><ul role="list">{links}</ul></nav>
                    {person}
                </div>
            </div>
        </header>
    }
}

fn signed_in(name: String, section: Section) -> impl IntoView {
    let current = (section == Section::Settings).then_some("page");
    view! {
        <div class="who">
            <a class="who-name" href="/settings" aria-current=current>
                {name} <span class="visually-hidden">": settings"</span>
            </a>
            <form method="post" action="/logout">
                <button type="submit" class="button small">"Sign out"</button>
            </form>
        </div>
    }
}

fn foot(visit: &Visit, frame: &Frame) -> impl IntoView + use<> {
    let theme = visit.theme;
    let help = widget(&visit.who, frame);
    let buttons: Vec<_> = Theme::ALL
        .into_iter()
        .map(|one| {
            view! {
                <button type="submit" name="theme" value=one.slug() aria-pressed=(one == theme).to_string()>
                    <Icon shape=one.shape() small=true/>
                    {one.words()}
                </button>
            }
        })
        .collect();
    view! {
        <footer class="footer">
            <div class="footer-in">
                <nav aria-label="Footer">
                    <a href="/status">"Status"</a>
                    <a href="/help">"Help"</a>
                    {help}
                    // The browser adds its own clock.
                    <span id="clock">"Times are in UTC."</span>
                </nav>
                <form class="theme-switch" method="post" action="/theme" aria-label="Theme">{buttons}</form>
            </div>
        </footer>
    }
}

/// The shell's own routes.
pub fn routes() -> Router<AppState> {
    Router::new().route("/theme", post(set_theme))
}

#[derive(Deserialize)]
struct ThemeForm {
    theme: Theme,
}

/// Keeps the theme in a cookie, so that the next page is rendered in it, and goes back.
async fn set_theme(
    State(app): State<AppState>,
    headers: HeaderMap,
    Form(form): Form<ThemeForm>,
) -> Response {
    let back = sent_from(&headers).unwrap_or_else(|| "/".to_owned());
    let secure = if app.is_https() { "; Secure" } else { "" };
    let cookie = format!(
        "theme={}; Max-Age=31536000; Path=/; SameSite=Lax{secure}",
        form.theme.slug()
    );
    let mut response = Redirect::to(&back).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
