use std::fmt;

use serde::{Serialize, Serializer};

use super::UnixMs;

/// Where a signing key stands, in the words of NIST SP 800-57 part 1, section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published, so that everyone knows it; it does not sign yet.
    PreActivation,
    /// It signs.
    Active,
    /// It signs no more. Its public half still verifies what it has signed.
    Deactivated,
    /// Nothing of it is left.
    Destroyed,
    /// Someone else may have it, whatever else became of it.
    Compromised,
}

/// The moments a key's state follows from.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyDates {
    /// Whether it was brought from elsewhere: such a key only verifies.
    pub imported: bool,
    /// When it began to sign.
    pub activated_at: Option<UnixMs>,
    /// When it ceased to sign.
    pub deactivated_at: Option<UnixMs>,
    /// When nothing of it was left.
    pub forgotten_at: Option<UnixMs>,
    /// When someone said that it is compromised.
    pub compromised_at: Option<UnixMs>,
}

impl KeyState {
    /// The state that follows from a key's dates.
    pub const fn of(dates: &KeyDates) -> Self {
        if dates.compromised_at.is_some() {
            Self::Compromised
        } else if dates.forgotten_at.is_some() {
            Self::Destroyed
        } else if dates.deactivated_at.is_some() || dates.imported {
            Self::Deactivated
        } else if dates.activated_at.is_some() {
            Self::Active
        } else {
            Self::PreActivation
        }
    }

    /// Its name, as SP 800-57 has it.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::PreActivation => "pre-activation",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Destroyed => "destroyed",
            Self::Compromised => "compromised",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Serialize for KeyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_from_pre_activation_to_destruction_and_a_compromise_is_never_hidden() {
        let at = Some(UnixMs(1));
        let mut dates = KeyDates::default();
        assert_eq!(KeyState::of(&dates), KeyState::PreActivation);
        dates.activated_at = at;
        assert_eq!(KeyState::of(&dates), KeyState::Active);
        dates.deactivated_at = at;
        assert_eq!(KeyState::of(&dates), KeyState::Deactivated);
        dates.forgotten_at = at;
        assert_eq!(KeyState::of(&dates), KeyState::Destroyed);
        dates.compromised_at = at;
        assert_eq!(KeyState::of(&dates), KeyState::Compromised);
        let imported = KeyDates {
            imported: true,
            ..KeyDates::default()
        };
        assert_eq!(KeyState::of(&imported), KeyState::Deactivated);
    }
}
