//! Codes that change with the time (RFC 6238: HMAC-SHA-1, six digits, half a minute), because that is
//! what every authenticator app makes.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::keyring::MasterKey;
use crate::model::{Random, UnixMs, UserId};

/// How long a code is shown, in seconds.
const STEP_S: i64 = 30;
/// The bytes of a secret: as many as SHA-1 gives (RFC 4226 §4).
const SECRET_BYTES: usize = 20;
/// How many steps a code may be early or late: clocks differ, and typing takes time.
const TOLERANCE: i64 = 1;
/// How far a clock may be off for a code to be told from a wrong one, in steps: ten minutes.
const RECOGNISED: i64 = 20;

/// The secret that a server and an app share.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Of which step of time a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Of one that counts now.
    Now {
        /// The step.
        step: i64,
    },
    /// Of another: the clock of the device is off by so many steps, ahead where it is positive.
    Elsewhen {
        /// The step.
        step: i64,
        /// How far off.
        off: i64,
    },
    /// Of none near by.
    Never,
}

impl Secret {
    /// Draws a new one.
    pub fn generate(random: &Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Seals it, bound to its user.
    pub fn seal(&self, user: &UserId, master: &MasterKey, random: &Random) -> Vec<u8> {
        master.seal(&self.0, &context(user), random)
    }

    /// Opens what was sealed; `None` when another master key sealed it, or it is another user's.
    pub fn open(sealed: &[u8], user: &UserId, master: &MasterKey) -> Option<Self> {
        master.open(sealed, &context(user)).map(Self)
    }

    /// As people type it: base32 without padding (RFC 4648 §6).
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// The code of a step (RFC 4226 §5.3).
    pub fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[tag.len() - 1] & 0xf);
        let bytes = [tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]];
        u32::from_be_bytes(bytes) % 1_000_000
    }

    /// Of which step a code is, the nearest first.
    pub fn find(&self, code: u32, now: UnixMs) -> Found {
        let here = step_of(now);
        let mut offsets: Vec<i64> = (-RECOGNISED..=RECOGNISED).collect();
        offsets.sort_by_key(|off| off.abs());
        let off = offsets
            .into_iter()
            .find(|off| self.code(here + off) == code);
        match off {
            Some(off) if off.abs() <= TOLERANCE => Found::Now { step: here + off },
            Some(off) => Found::Elsewhen {
                step: here + off,
                off,
            },
            None => Found::Never,
        }
    }
}

#[cfg(test)]
impl Secret {
    /// What an app makes of what was typed into it.
    pub fn from_base32_for_tests(text: &str) -> Self {
        Self(Zeroizing::new(
            BASE32_NOPAD.decode(text.as_bytes()).unwrap(),
        ))
    }
}

fn context(user: &UserId) -> String {
    format!("rollcall second factor of {user}")
}

/// The step of time that a moment is in.
pub const fn step_of(at: UnixMs) -> i64 {
    at.seconds().div_euclid(STEP_S)
}

/// The first step whose use must be remembered at a moment: what is older is of no step that counts.
pub const fn oldest_remembered(at: UnixMs) -> i64 {
    step_of(at) - RECOGNISED - 1
}

/// How many minutes so many steps are, rounded up.
pub const fn minutes(steps: i64) -> i64 {
    (steps.abs() * STEP_S + 59) / 60
}

/// Reads a code as people type it: six digits, with spaces or without.
pub fn read(text: &str) -> Option<u32> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, of which six digits are the last six.
        let secret = Secret(Zeroizing::new(b"12345678901234567890".to_vec()));
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(secret.code(step_of(UnixMs(seconds * 1_000))), code);
        }
        assert_eq!(secret.base32().as_str(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_counts_for_one_step_around_and_is_recognised_ten_minutes_around() {
        let secret = Secret::generate(&Random::system());
        let now = UnixMs(1_790_000_000_000);
        let here = step_of(now);
        for off in [-1, 0, 1] {
            let step = here + off;
            assert_eq!(secret.find(secret.code(step), now), Found::Now { step });
        }
        for off in [-20, -2, 2, 20] {
            let step = here + off;
            assert_eq!(
                secret.find(secret.code(step), now),
                Found::Elsewhen { step, off }
            );
        }
        assert_eq!(secret.find(secret.code(here + 21), now), Found::Never);
        assert_eq!((minutes(2), minutes(-3), minutes(20)), (1, 2, 10));
    }

    #[test]
    fn a_sealed_secret_opens_for_its_user_and_its_master_key() {
        let random = Random::system();
        let (master, other) = (MasterKey::generate(&random), MasterKey::generate(&random));
        let user = |id: &str| UserId::from_stored(format!("usr_{id}"));
        let secret = Secret::generate(&random);
        let sealed = secret.seal(&user("a"), &master, &random);
        let opened = Secret::open(&sealed, &user("a"), &master).unwrap();
        assert_eq!(opened.base32(), secret.base32());
        assert!(Secret::open(&sealed, &user("b"), &master).is_none());
        assert!(Secret::open(&sealed, &user("a"), &other).is_none());
    }

    #[test]
    fn a_code_is_six_digits() {
        assert_eq!(read(" 012 345"), Some(12_345));
        for wrong in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "-12345"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
