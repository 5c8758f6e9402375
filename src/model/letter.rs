use serde::{Deserialize, Serialize};

use super::{HOUR_MS, IntegrationId, TicketId};

/// What a letter tells, with its facts. It stands in the database as it is here, so it never carries
/// a secret: the one link that does is made when the letter is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tells", rename_all = "kebab-case")]
pub enum Letter {
    /// The link that sets a password was asked for. The link itself is made when this is sent.
    SetPassword,
    /// The password was changed, and every session but one at the most was ended.
    PasswordChanged,
    /// The second factor was turned on or off.
    SecondFactorChanged {
        /// What was done.
        change: FactorChange,
    },
    /// A recovery code signed somebody in.
    RecoveryCodeUsed {
        /// How many are left.
        left: i64,
    },
    /// Somebody signed in with a browser, or from an address, that this user had not been seen with.
    SignedIn {
        /// The browser and its system, in words.
        device: String,
        /// The address it came from, where that is known.
        source: Option<String>,
    },
    /// An access token was issued.
    TokenIssued {
        /// Whose it is.
        integration: IntegrationId,
        /// What the integration is called.
        name: String,
        /// Who did it, as the audit names them.
        by: String,
    },
    /// Support has answered a ticket, or closed it.
    TicketAnswered {
        /// Which.
        ticket: TicketId,
        /// What it is about.
        subject: String,
        /// Who answered.
        by: String,
        /// The answer without secrets, where it is short.
        text: Option<String>,
        /// Whether there is an answer.
        is_answer: bool,
        /// Whether the ticket is closed.
        is_closed: bool,
    },
    /// A customer has asked support something.
    TicketAsked {
        /// In which ticket.
        ticket: TicketId,
        /// What it is about.
        subject: String,
        /// The account's name.
        account: String,
        /// Who asked.
        by: String,
        /// Whether it is a new ticket.
        is_new: bool,
    },
}

/// What was done to a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorChange {
    /// It was turned on.
    On,
    /// Its owner turned it off.
    Off,
    /// Whoever runs the platform took it off.
    Reset,
    /// New recovery codes were drawn.
    NewCodes,
}

/// The kinds of letters: what a user may decline, and how often one is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// See [`Letter::SetPassword`].
    SetPassword,
    /// See [`Letter::PasswordChanged`].
    PasswordChanged,
    /// See [`Letter::SecondFactorChanged`].
    SecondFactorChanged,
    /// See [`Letter::RecoveryCodeUsed`].
    RecoveryCodeUsed,
    /// See [`Letter::SignedIn`].
    SignedIn,
    /// See [`Letter::TokenIssued`].
    TokenIssued,
    /// See [`Letter::TicketAnswered`].
    TicketAnswered,
    /// See [`Letter::TicketAsked`].
    TicketAsked,
}

impl Letter {
    /// Of which kind it is.
    pub const fn kind(&self) -> LetterKind {
        match self {
            Self::SetPassword => LetterKind::SetPassword,
            Self::PasswordChanged => LetterKind::PasswordChanged,
            Self::SecondFactorChanged { .. } => LetterKind::SecondFactorChanged,
            Self::RecoveryCodeUsed { .. } => LetterKind::RecoveryCodeUsed,
            Self::SignedIn { .. } => LetterKind::SignedIn,
            Self::TokenIssued { .. } => LetterKind::TokenIssued,
            Self::TicketAnswered { .. } => LetterKind::TicketAnswered,
            Self::TicketAsked { .. } => LetterKind::TicketAsked,
        }
    }
}

impl LetterKind {
    /// Every kind, in the order in which people read of them.
    pub const ALL: [Self; 8] = [
        Self::TokenIssued,
        Self::TicketAnswered,
        Self::TicketAsked,
        Self::SignedIn,
        Self::PasswordChanged,
        Self::SecondFactorChanged,
        Self::RecoveryCodeUsed,
        Self::SetPassword,
    ];

    /// How it stands in rows and forms.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::SetPassword => "set-password",
            Self::PasswordChanged => "password-changed",
            Self::SecondFactorChanged => "second-factor-changed",
            Self::RecoveryCodeUsed => "recovery-code-used",
            Self::SignedIn => "signed-in",
            Self::TokenIssued => "token-issued",
            Self::TicketAnswered => "ticket-answered",
            Self::TicketAsked => "ticket-asked",
        }
    }

    /// The kind with this slug.
    pub fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }

    /// Whether a user may do without it. What tells that somebody else may be at work in one's name
    /// is always sent.
    pub const fn may_be_declined(self) -> bool {
        match self {
            Self::SetPassword
            | Self::PasswordChanged
            | Self::SecondFactorChanged
            | Self::RecoveryCodeUsed => false,
            Self::SignedIn | Self::TokenIssued | Self::TicketAnswered | Self::TicketAsked => true,
        }
    }

    /// Whether members of accounts get it, or admins of the platform.
    pub const fn is_sent_to(self, member: bool) -> bool {
        match self {
            Self::TokenIssued | Self::TicketAnswered => member,
            Self::TicketAsked => !member,
            Self::SetPassword
            | Self::PasswordChanged
            | Self::SecondFactorChanged
            | Self::RecoveryCodeUsed
            | Self::SignedIn => true,
        }
    }

    /// How long after one letter the next of its kind waits for others, in milliseconds: they become
    /// one. With 0 each is sent by itself.
    pub const fn window_ms(self) -> i64 {
        match self {
            // Whoever asked waits for an answer.
            Self::SetPassword
            | Self::PasswordChanged
            | Self::SecondFactorChanged
            | Self::RecoveryCodeUsed
            | Self::TicketAnswered => 0,
            Self::SignedIn | Self::TokenIssued | Self::TicketAsked => HOUR_MS / 4,
        }
    }

    /// Whether a newer one makes the older useless, so that what still waits is withdrawn.
    pub const fn replaces(self) -> bool {
        matches!(self, Self::SetPassword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_stands_in_its_row_under_the_slug_of_its_kind() {
        let letters = [
            Letter::SetPassword,
            Letter::PasswordChanged,
            Letter::SecondFactorChanged {
                change: FactorChange::NewCodes,
            },
            Letter::RecoveryCodeUsed { left: 9 },
            Letter::SignedIn {
                device: "Firefox on Linux".to_owned(),
                source: None,
            },
            Letter::TokenIssued {
                integration: IntegrationId::from_stored("int_1".to_owned()),
                name: "Order sync".to_owned(),
                by: "operator root".to_owned(),
            },
            Letter::TicketAnswered {
                ticket: TicketId::from_stored("tkt_1".to_owned()),
                subject: "401 since noon".to_owned(),
                by: "Priya".to_owned(),
                text: None,
                is_answer: true,
                is_closed: false,
            },
            Letter::TicketAsked {
                ticket: TicketId::from_stored("tkt_1".to_owned()),
                subject: "401 since noon".to_owned(),
                account: "Northwind".to_owned(),
                by: "Ana".to_owned(),
                is_new: true,
            },
        ];
        assert_eq!(letters.len(), LetterKind::ALL.len());
        for letter in letters {
            let json = serde_json::to_value(&letter).unwrap();
            assert_eq!(json["tells"], letter.kind().slug());
            assert_eq!(
                LetterKind::of_slug(letter.kind().slug()),
                Some(letter.kind())
            );
            assert_eq!(serde_json::from_value::<Letter>(json).unwrap(), letter);
        }
    }
}
