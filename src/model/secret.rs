use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{InvalidInput, Random};

/// The SHA-256 of a secret. What the database holds of tokens, sessions and links.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes a secret.
    pub fn of(secret: &[u8]) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads 64 hexadecimal digits, in either case.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_hex(text: &str) -> Result<Self, InvalidInput> {
        let wrong = InvalidInput::new(
            "digest",
            "is the SHA-256 of the token in 64 hexadecimal digits",
        );
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong.clone())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong.clone())?;
        }
        Ok(Self(bytes))
    }

    /// Reads the 32 bytes of a row.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, InvalidInput> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| InvalidInput::new("digest", "has 32 bytes"))
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

impl fmt::Debug for Digest {
    /// Two bytes are enough to tell digests apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// An access token in the clear: shown once, then only its digest remains. Debug prints the type.
#[derive(Clone)]
pub struct PlainToken(Zeroizing<String>);

impl PlainToken {
    /// Takes charge of a token's text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the registry knows it by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Its last four characters, so that people can tell tokens apart.
    pub fn hint(&self) -> String {
        let skip = self.0.chars().count().saturating_sub(4);
        self.0.chars().skip(skip).collect()
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(…)")
    }
}

/// 256 random bits in a link that works once. Debug prints the type.
#[derive(Clone)]
pub struct OneTimeSecret(Zeroizing<String>);

impl OneTimeSecret {
    /// Draws a new one.
    pub fn generate(random: &Random) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        random.fill(bytes.as_mut());
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// Takes what a visitor brought.
    pub fn from_visitor(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one link that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the database knows it by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeSecret(…)")
    }
}

/// A code that signs in once in place of one from an app: 120 random bits, in letters and digits that
/// are not taken for each other, in four groups. So many that a plain digest of it may be kept (NIST
/// SP 800-63B-4 §3.1.2.2 asks for 112). Debug prints the type.
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// What it is written with: no i, l, o or u (Crockford's base 32).
    const LETTERS: &'static [u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    /// How many letters it has, and how many stand together.
    const LENGTH: usize = 24;
    const GROUP: usize = 6;

    /// Draws a new one.
    pub fn generate(random: &Random) -> Self {
        let mut bytes = Zeroizing::new([0_u8; Self::LENGTH]);
        random.fill(bytes.as_mut());
        let letters = bytes
            .iter()
            .map(|byte| char::from(Self::LETTERS[usize::from(byte & 31)]));
        Self(Zeroizing::new(letters.collect()))
    }

    /// Reads what a visitor typed: in either case, with spaces and dashes anywhere. `None` when it is
    /// no such code.
    pub fn from_visitor(text: &str) -> Option<Self> {
        let letters = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| match c.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                c => c,
            });
        let code = Zeroizing::new(letters.take(Self::LENGTH + 1).collect::<String>());
        let is_code =
            code.len() == Self::LENGTH && code.bytes().all(|byte| Self::LETTERS.contains(&byte));
        is_code.then_some(Self(code))
    }

    /// As it is shown once: in groups.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(Self::LENGTH + 3));
        for (at, letter) in self.0.char_indices() {
            if at > 0 && at % Self::GROUP == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }

    /// What the database knows it by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_from_64_digits_alone() {
        let digest = Digest::of(b"token");
        let text = hex(digest.as_bytes());
        assert_eq!(Digest::from_hex(&text), Ok(digest));
        assert_eq!(Digest::from_hex(&text.to_uppercase()), Ok(digest));
        for wrong in [
            "",
            &text[1..],
            &text.replace('a', "g"),
            &"é".repeat(32),
            &format!("{text}0"),
        ] {
            assert!(Digest::from_hex(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_recovery_code_is_read_as_people_type_it() {
        let code = RecoveryCode::generate(&Random::system());
        let shown = code.expose();
        assert_eq!(shown.len(), 27);
        for typed in [
            shown.to_string(),
            shown.to_uppercase(),
            shown.replace('-', " "),
            shown.replace('0', "O").replace('1', "l"),
        ] {
            let read = RecoveryCode::from_visitor(&typed).unwrap();
            assert_eq!(read.digest(), code.digest(), "{typed}");
        }
        for wrong in [
            "",
            "123456",
            &shown[1..],
            &format!("{}0", shown.as_str()),
            &"u".repeat(24),
        ] {
            assert!(RecoveryCode::from_visitor(wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let token = PlainToken::new("eyJhbGciOi.secret.signature".to_owned());
        assert_eq!(format!("{token:?}"), "PlainToken(…)");
        assert_eq!(token.hint(), "ture");
        let link = OneTimeSecret::generate(&Random::system());
        assert!(!format!("{link:?}").contains(link.expose()));
    }
}
