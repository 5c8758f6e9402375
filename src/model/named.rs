use std::fmt;
use std::str::FromStr;

/// What was wrong with a value that a person or a program gave, in words that say what it takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a valid {what} {takes}")]
pub struct InvalidInput {
    what: &'static str,
    takes: &'static str,
}

impl InvalidInput {
    /// `what` names the value, `takes` completes the sentence "a valid … is/has …".
    pub const fn new(what: &'static str, takes: &'static str) -> Self {
        Self { what, takes }
    }
}

/// Whether a character is unseen and changes how others are: a control character, or one that turns the
/// direction of what stands around it (Unicode Standard Annex 9 §2).
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The name of an account, an integration or a rotation: 1 to 80 characters, none of them
/// [unseen](is_unseen), no space at the ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What decides equality and order: lower case, by Unicode.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Name {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let text = text.trim();
        let length = text.chars().count();
        if (1..=80).contains(&length) && !text.chars().any(is_unseen) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidInput::new(
                "name",
                "has 1 to 80 characters on one line, none of them invisible",
            ))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An email address: something before one `@`, a host after it, 254 characters at most (RFC 5321).
/// Whether it can be reached only a delivered message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What decides equality: lower case, by Unicode.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let text = text.trim();
        let plain =
            |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | '"');
        let fine = match text.rsplit_once('@') {
            Some((local, host)) => {
                !local.is_empty()
                    && !local.contains('@')
                    && !host.is_empty()
                    && !host.starts_with('.')
                    && !host.ends_with('.')
                    && text.len() <= 254
                    && text.chars().all(plain)
            }
            None => false,
        };
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidInput::new(
                "email address",
                "looks like name@example.com",
            ))
        }
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(
            " Order sync ".parse::<Name>().unwrap().as_str(),
            "Order sync"
        );
        assert_eq!("ÄRGER".parse::<Name>().unwrap().key(), "ärger");
        for wrong in ["", "   ", "a\nb", &"x".repeat(81)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_need_a_name_and_a_host() {
        assert!(
            "Ana.Silva@northwind.example"
                .parse::<EmailAddress>()
                .is_ok()
        );
        for wrong in [
            "", "ana", "@host", "ana@", "a b@host", "a@b@c", "a@.x", "<a@b>",
        ] {
            assert!(wrong.parse::<EmailAddress>().is_err(), "{wrong:?}");
        }
    }
}
