/// The colour a part speaks in. Never the only sign: an icon and a word stand beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Green: it works, and goes on working.
    Good,
    /// Amber: something has yet to happen.
    Warn,
    /// Red: it does not work, or will not.
    Bad,
    /// Grey: neither good nor bad.
    #[default]
    Plain,
    /// The accent: information, or where one stands.
    Accent,
}

impl Tone {
    /// The class that lends this tone to any component of `style/`.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "tone-good",
            Self::Warn => "tone-warn",
            Self::Bad => "tone-bad",
            Self::Plain => "tone-none",
            Self::Accent => "tone-accent",
        }
    }
}

/// `classes` and the tone's own, as one attribute.
pub(super) fn toned(classes: &str, tone: Tone) -> String {
    format!("{classes} {}", tone.class())
}
