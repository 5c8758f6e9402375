use std::fmt;

use serde::{Serialize, Serializer};

/// What a customer reads about an integration, ordered from the most to the least urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Dormant after cutover: it needs a new token.
    NeedsToken,
    /// Recording is on and it has made no request so far.
    NotSeen,
    /// Its newest token has expired.
    Expired,
    /// Its newest token was revoked.
    Revoked,
    /// A new token was generated and not used yet.
    Waiting,
    /// It has never had a token.
    NoToken,
    /// Seen in the recording phase, or by look-back.
    Captured,
    /// Its newest token has made a request.
    Working,
}

impl Standing {
    /// Every standing, most urgent first.
    pub const ALL: [Self; 8] = [
        Self::NeedsToken,
        Self::NotSeen,
        Self::Expired,
        Self::Revoked,
        Self::Waiting,
        Self::NoToken,
        Self::Captured,
        Self::Working,
    ];

    /// The contract's slug.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::NeedsToken => "needs-token",
            Self::NotSeen => "not-seen",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Waiting => "waiting",
            Self::NoToken => "no-token",
            Self::Captured => "captured",
            Self::Working => "working",
        }
    }

    /// The words people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NeedsToken => "Needs a new token",
            Self::NotSeen => "Not seen yet",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
            Self::Waiting => "Waiting for first request",
            Self::NoToken => "No token",
            Self::Captured => "Captured",
            Self::Working => "Working",
        }
    }

    /// Whether a request with the integration's token is answered now and after the cutover.
    pub const fn keeps_working(self) -> bool {
        matches!(self, Self::Captured | Self::Working)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Serialize for Standing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

/// Where one token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// Accepted.
    Active,
    /// Live but not captured, and so refused since the cutover.
    Dormant,
    /// Ended by its replacement.
    Replaced,
    /// Revoked.
    Revoked,
    /// Past its expiry.
    Expired,
    /// Issued elsewhere and not registered; accepted while the old key is trusted.
    Held,
}

impl TokenState {
    /// The contract's name.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Dormant => "dormant",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Held => "held",
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Serialize for TokenState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}
