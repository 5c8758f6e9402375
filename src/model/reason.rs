use std::fmt;

use serde::{Serialize, Serializer};

/// Why a token was refused. The codes are the contract's and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No bearer token was sent.
    Missing,
    /// Not a token that could have been issued here.
    Malformed,
    /// Well formed, but never issued here, or a bad signature.
    Unknown,
    /// Dormant: issued before the cutover and not captured.
    NotCaptured,
    /// Its integration moved to a newer token, and the overlap has ended.
    Replaced,
    /// Revoked.
    Revoked,
    /// Past its expiry.
    Expired,
    /// Its account is disabled.
    AccountDisabled,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Missing,
        Self::Malformed,
        Self::Unknown,
        Self::NotCaptured,
        Self::Replaced,
        Self::Revoked,
        Self::Expired,
        Self::AccountDisabled,
    ];

    /// The code in problem documents, URLs and rows.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed => "token_malformed",
            Self::Unknown => "token_unknown",
            Self::NotCaptured => "token_not_captured",
            Self::Replaced => "token_replaced",
            Self::Revoked => "token_revoked",
            Self::Expired => "token_expired",
            Self::AccountDisabled => "account_disabled",
        }
    }

    /// The reason with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
