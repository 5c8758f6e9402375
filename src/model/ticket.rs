use std::str::FromStr;

use super::InvalidInput;

/// Declares words that stand in rows by their slugs.
macro_rules! slugs {
    ($(#[$doc:meta])* $name:ident, $what:literal, $takes:literal, { $($(#[$arm:meta])* $variant:ident = $slug:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$arm])* $variant,)+
        }

        impl $name {
            /// How it stands in rows and URLs.
            pub const fn slug(self) -> &'static str {
                match self {
                    $(Self::$variant => $slug,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidInput;

            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                match text {
                    $($slug => Ok(Self::$variant),)+
                    _ => Err(InvalidInput::new($what, $takes)),
                }
            }
        }
    };
}

slugs!(
    /// Where a ticket stands. It says whose turn it is.
    TicketState, "state of a ticket", "is open, answered or closed", {
        /// The customer has written last: support's turn.
        Open = "open",
        /// Support has written last: the customer's turn, if anything is left.
        Answered = "answered",
        /// Somebody said that it is done. A customer's reply opens it again.
        Closed = "closed",
    }
);

slugs!(
    /// Who speaks in a ticket.
    Side, "side of a ticket", "is customer or support", {
        /// A member of the account.
        Customer = "customer",
        /// An admin of the platform.
        Support = "support",
    }
);

slugs!(
    /// What somebody did in a ticket.
    Deed, "deed in a ticket", "is wrote, closed or reopened", {
        /// Wrote something.
        Wrote = "wrote",
        /// Closed it.
        Closed = "closed",
        /// Opened it again, without a word.
        Reopened = "reopened",
    }
);

impl TicketState {
    /// Every state, in the order of need.
    pub const ALL: [Self; 3] = [Self::Open, Self::Answered, Self::Closed];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_from_their_slugs_alone() {
        for state in TicketState::ALL {
            assert_eq!(state.slug().parse(), Ok(state));
        }
        assert!("OPEN".parse::<TicketState>().is_err());
    }
}
