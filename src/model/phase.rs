use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::InvalidInput;

/// A generation of signing key: 1, 2, 3 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Generation(pub i64);

impl Generation {
    /// The generation of an installation's first key.
    pub const FIRST: Self = Self(1);

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a rotation stands. It moves only `recording → finalised → closed`,
/// `recording → aborted` and `finalised → recording` (invariant I5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Use is recorded; the old generation still works.
    Recording,
    /// What was not captured is refused.
    Finalised,
    /// Everything old that could verify is gone. No way back.
    Closed,
    /// Given up while recording; nothing was refused.
    Aborted,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 4] = [
        Self::Recording,
        Self::Finalised,
        Self::Closed,
        Self::Aborted,
    ];

    /// Its name in rows and in JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Finalised => "finalised",
            Self::Closed => "closed",
            Self::Aborted => "aborted",
        }
    }

    /// Whether a rotation may move from this phase to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Recording, Self::Finalised | Self::Aborted)
                | (Self::Finalised, Self::Closed | Self::Recording)
        )
    }

    /// Whether a rotation in this phase keeps another from starting.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Recording | Self::Finalised)
    }
}

impl FromStr for Phase {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.slug() == text)
            .ok_or(InvalidInput::new(
                "phase",
                "is recording, finalised, closed or aborted",
            ))
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

/// What a credential is judged against: the generation that is required, and whether use carries
/// a credential over to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What a credential needs to be accepted.
    pub current: Generation,
    /// While recording: what a used credential is carried over to.
    pub target: Option<Generation>,
}

impl Stage {
    /// The generation at which a credential has nothing left to do: the target while recording,
    /// else the current one.
    pub fn required(self) -> Generation {
        self.target.unwrap_or(self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_moves_only_along_its_four_ways() {
        let ways: Vec<_> = Phase::ALL
            .into_iter()
            .flat_map(|from| Phase::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| format!("{from}→{to}"))
            .collect();
        assert_eq!(
            ways,
            [
                "recording→finalised",
                "recording→aborted",
                "finalised→recording",
                "finalised→closed"
            ]
        );
    }
}
