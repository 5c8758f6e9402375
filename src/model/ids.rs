use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Digest, InvalidInput, Random, UnixMs};

/// Declares a public id: a prefix and 26 characters that sort by the time they were made.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What every such id begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new id from a time and the random source handed in.
            pub fn generate(now: UnixMs, random: &Random) -> Self {
                Self(format!("{}{}", $prefix, sortable(now, random)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes what a database row holds, which this program wrote.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = InvalidInput;

            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                match text.strip_prefix($prefix) {
                    Some(rest) if rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                        Ok(Self(text.to_owned()))
                    }
                    _ => Err(InvalidInput::new(
                        concat!("id of ", $what),
                        concat!("begins with ", $prefix, " and has 26 letters and digits after it"),
                    )),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Names an account, a customer organisation.
    AccountId, "acc_", "an account"
);
id!(
    /// Names a user, a person who logs in.
    UserId, "usr_", "a user"
);
id!(
    /// Names an integration, an API client of an account.
    IntegrationId, "int_", "an integration"
);
id!(
    /// Names an access token in public; never the `jti`, which stays secret.
    TokenId, "tok_", "an access token"
);
id!(
    /// Names a rotation.
    RotationId, "rot_", "a rotation"
);
id!(
    /// Names a ticket, a question to support.
    TicketId, "tkt_", "a ticket"
);
id!(
    /// Names a session in public; never the cookie's value.
    SessionId, "ses_", "a session"
);

impl TokenId {
    /// The id of a token issued elsewhere: made from its digest, so that every node gives the same
    /// one to a token that is in no row yet.
    pub fn of_digest(digest: &Digest) -> Self {
        let mut head = [0_u8; 16];
        head.copy_from_slice(&digest.as_bytes()[..16]);
        let text = ulid::Ulid::from_bytes(head).to_string();
        Self(format!("{}{}", Self::PREFIX, text.to_ascii_lowercase()))
    }
}

/// 26 lower-case characters: 48 bits of time, then 80 random bits (a ULID).
pub(crate) fn sortable(now: UnixMs, random: &Random) -> String {
    let mut tail = [0_u8; 16];
    random.fill(&mut tail[..10]);
    let random = u128::from_le_bytes(tail);
    let ms = u64::try_from(now.0).unwrap_or(0);
    ulid::Ulid::from_parts(ms, random)
        .to_string()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_parse_back() {
        let random = Random::system();
        let early = TokenId::generate(UnixMs(1_000), &random);
        let late = TokenId::generate(UnixMs(2_000), &random);
        assert!(early < late);
        assert_eq!(early.as_str().parse::<TokenId>().unwrap(), early);
    }

    #[test]
    fn a_digest_has_one_id() {
        let id = |text: &[u8]| TokenId::of_digest(&Digest::of(text));
        assert_eq!(id(b"a"), id(b"a"));
        assert_ne!(id(b"a"), id(b"b"));
        assert_eq!(id(b"a").as_str().parse::<TokenId>().unwrap(), id(b"a"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let account = AccountId::generate(UnixMs(1), &Random::system());
        assert!(account.as_str().parse::<TokenId>().is_err());
        assert!("tok_".parse::<TokenId>().is_err());
        assert!(
            "tok_'; drop table tokens; --xxxx"
                .parse::<TokenId>()
                .is_err()
        );
    }
}
