use leptos::prelude::*;

/// What an [`Icon`] shows. Standings have shapes of their own, so that they are told apart without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A tick in a circle: captured, done.
    Check,
    /// A beat in a circle: working.
    Pulse,
    /// A clock with a broken rim: not seen yet.
    Unseen,
    /// An exclamation mark in a diamond: needs action.
    Alert,
    /// An hourglass: waiting for the first request.
    Waiting,
    /// A calendar with a cross.
    Expired,
    /// A struck-out circle.
    Revoked,
    /// A broken circle with a dash: there is none.
    Absent,
    /// Two arrows: something newer took its place.
    Replaced,
    /// An i in a circle.
    Info,
    /// An exclamation mark in a triangle.
    Warn,
    /// A dot in a circle: recording, or where one stands.
    Record,
    /// An empty circle: not reached yet.
    Ring,
    /// A key.
    Key,
    /// An arrow up: ascending.
    Up,
    /// An arrow down: descending.
    Down,
    /// Two arrowheads: can be sorted.
    UpDown,
    /// An arrow to the right.
    Right,
    /// A plus: create.
    Plus,
    /// Two sheets: copy.
    Copy,
    /// An arrow into a tray.
    Download,
    /// A magnifying glass.
    Search,
    /// Three lines: the menu.
    Menu,
    /// The sun: the light theme.
    Sun,
    /// The moon: the dark theme.
    Moon,
    /// A screen: the system's theme.
    Monitor,
    /// A question mark in a speech bubble: help.
    Help,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 27] = [
        Self::Check,
        Self::Pulse,
        Self::Unseen,
        Self::Alert,
        Self::Waiting,
        Self::Expired,
        Self::Revoked,
        Self::Absent,
        Self::Replaced,
        Self::Info,
        Self::Warn,
        Self::Record,
        Self::Ring,
        Self::Key,
        Self::Up,
        Self::Down,
        Self::UpDown,
        Self::Right,
        Self::Plus,
        Self::Copy,
        Self::Download,
        Self::Search,
        Self::Menu,
        Self::Sun,
        Self::Moon,
        Self::Monitor,
        Self::Help,
    ];

    /// The drawing, on a field of 20 by 20, stroked in the current colour.
    const fn drawing(self) -> &'static str {
        match self {
            Self::Check => {
                r#"<circle cx="10" cy="10" r="7.25"/><path d="M6.7 10.2l2.3 2.3 4.3-4.8"/>"#
            }
            Self::Pulse => {
                r#"<circle cx="10" cy="10" r="7.25"/><path d="M5.2 10.4h2l1.6-3.6 2.4 6.4 1.6-2.8h2"/>"#
            }
            Self::Unseen => {
                r#"<circle cx="10" cy="10" r="7.25" stroke-dasharray="2.7 1.85"/><path d="M10 6.4V10l2.4 1.7"/>"#
            }
            Self::Alert => {
                r#"<path d="M8.9 2.7a1.55 1.55 0 0 1 2.2 0l6.2 6.2a1.55 1.55 0 0 1 0 2.2l-6.2 6.2a1.55 1.55 0 0 1-2.2 0l-6.2-6.2a1.55 1.55 0 0 1 0-2.2z"/><path d="M10 6.4v4.2M10 13.3v.01"/>"#
            }
            Self::Waiting => {
                r#"<path d="M5.5 2.75h9M5.5 17.25h9M6.75 2.75V6c0 1.6 3.25 2.7 3.25 4s-3.25 2.4-3.25 4v3.25M13.25 2.75V6c0 1.6-3.25 2.7-3.25 4s3.25 2.4 3.25 4v3.25"/>"#
            }
            Self::Expired => {
                r#"<rect x="2.75" y="4" width="14.5" height="13.25" rx="2"/><path d="M2.75 8h14.5M6.5 2.5V5M13.5 2.5V5M8 10.7l4 4M12 10.7l-4 4"/>"#
            }
            Self::Revoked => r#"<circle cx="10" cy="10" r="7.25"/><path d="M4.9 4.9l10.2 10.2"/>"#,
            Self::Absent => {
                r#"<circle cx="10" cy="10" r="7.25" stroke-dasharray="2.7 1.85"/><path d="M7 10h6"/>"#
            }
            Self::Replaced => {
                r#"<path d="M3 7.5h12.5M12 4l3.5 3.5L12 11M17 13H4.5M8 16.5L4.5 13 8 9.5"/>"#
            }
            Self::Info => r#"<circle cx="10" cy="10" r="7.25"/><path d="M10 9.3v4.2M10 6.6v.01"/>"#,
            Self::Warn => {
                r#"<path d="M8.7 3.4a1.5 1.5 0 0 1 2.6 0l6 10.9a1.5 1.5 0 0 1-1.3 2.2H4a1.5 1.5 0 0 1-1.3-2.2z"/><path d="M10 7.6v3.6M10 13.7v.01"/>"#
            }
            Self::Record => {
                r#"<circle cx="10" cy="10" r="7.25"/><circle cx="10" cy="10" r="2.75" fill="currentColor"/>"#
            }
            Self::Ring => r#"<circle cx="10" cy="10" r="7.25"/>"#,
            Self::Key => {
                r#"<circle cx="6.5" cy="13.5" r="3.5"/><path d="M9 11l7.5-7.5M13.5 6.5L16 9"/>"#
            }
            Self::Up => r#"<path d="M10 16V4M5 9l5-5 5 5"/>"#,
            Self::Down => r#"<path d="M10 4v12M5 11l5 5 5-5"/>"#,
            Self::UpDown => r#"<path d="M6.5 8L10 4.5 13.5 8M6.5 12l3.5 3.5 3.5-3.5"/>"#,
            Self::Right => r#"<path d="M4 10h12M11 5l5 5-5 5"/>"#,
            Self::Plus => r#"<path d="M10 4v12M4 10h12"/>"#,
            Self::Copy => {
                r#"<rect x="7" y="7" width="10" height="10" rx="2"/><path d="M13 4.5A1.5 1.5 0 0 0 11.5 3h-7A1.5 1.5 0 0 0 3 4.5v7A1.5 1.5 0 0 0 4.5 13"/>"#
            }
            Self::Download => r#"<path d="M10 3v9.5M6 9l4 4 4-4M3.5 16.75h13"/>"#,
            Self::Search => r#"<circle cx="9" cy="9" r="5.75"/><path d="M13.3 13.3L17 17"/>"#,
            Self::Menu => r#"<path d="M3 5.5h14M3 10h14M3 14.5h14"/>"#,
            Self::Sun => {
                r#"<circle cx="10" cy="10" r="3.25"/><path d="M10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M15.5 4.5l-1.1 1.1M5.6 14.4l-1.1 1.1"/>"#
            }
            Self::Moon => r#"<path d="M16.8 12.1A7.2 7.2 0 0 1 7.9 3.2a7.2 7.2 0 1 0 8.9 8.9z"/>"#,
            Self::Monitor => {
                r#"<rect x="2.5" y="3.5" width="15" height="10.5" rx="1.75"/><path d="M7 17h6M10 14v3"/>"#
            }
            Self::Help => {
                r#"<path d="M4.5 3.5h11a1.75 1.75 0 0 1 1.75 1.75v7.5a1.75 1.75 0 0 1-1.75 1.75H10l-4 3v-3H4.5a1.75 1.75 0 0 1-1.75-1.75v-7.5A1.75 1.75 0 0 1 4.5 3.5z"/><path d="M8.2 7.4a1.85 1.85 0 1 1 2.6 1.7c-.5.2-.8.5-.8 1M10 12.2v.01"/>"#
            }
        }
    }
}

/// An inline icon in the colour of the text around it, hidden from assistive technology:
/// the word beside it says the same.
#[component]
pub fn Icon(
    /// What it shows.
    shape: Shape,
    /// 16 px instead of 20.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    view! {
        <svg
            class=if small { "icon s" } else { "icon" }
            viewBox="0 0 20 20"
            aria-hidden="true"
            fill="none"
            stroke="currentColor"
            stroke-width="1.6"
            stroke-linecap="round"
            stroke-linejoin="round"
            inner_html=shape.drawing()
        ></svg>
    }
}

/// The product's mark in the accent of the theme, for `.brand`; its name stands beside it.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
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
    }
}
