//! What a password must be (NIST SP 800-63B-4 §3.1.1.2): long, and none of those that are tried first. No
//! rule asks for digits or signs, and none makes it expire.

use zxcvbn::Score;

use super::PasswordError;

/// The least characters where a password is all that is asked for.
pub const LEAST_ALONE: usize = 15;
/// The least characters where a second factor is asked for as well.
pub const LEAST_WITH_SECOND_FACTOR: usize = 8;
/// The most bytes: hashing has a price.
pub const MOST: usize = 256;
/// A password that a program finds within so many guesses is refused: any of a list of thirty thousand
/// common ones, also with capitals, repeated, or with a little added; keys in a row; what is known of
/// the person.
const TRIED_FIRST: u64 = 100_000;

/// Whose password it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'w> {
    /// The address they sign in with.
    pub email: &'w str,
    /// Whether they are asked for a second factor too.
    pub has_second_factor: bool,
}

impl Whose<'_> {
    /// The least characters their password takes.
    pub const fn least(&self) -> usize {
        if self.has_second_factor {
            LEAST_WITH_SECOND_FACTOR
        } else {
            LEAST_ALONE
        }
    }
}

/// Whether somebody may have this password.
///
/// # Errors
/// [`PasswordError::Short`], [`PasswordError::Long`], [`PasswordError::Common`].
pub fn check(password: &str, whose: &Whose<'_>) -> Result<(), PasswordError> {
    let least = whose.least();
    if password.chars().count() < least {
        return Err(PasswordError::Short { least });
    }
    if password.len() > MOST {
        return Err(PasswordError::Long);
    }
    if guessed(password, whose.email).guesses() < TRIED_FIRST {
        return Err(PasswordError::Common);
    }
    Ok(())
}

/// Whether a longer one would be wise. Advice, and no rule.
pub fn is_weak(password: &str, whose: &Whose<'_>) -> bool {
    guessed(password, whose.email).score() <= Score::Two
}

/// How a program would guess it that knows the lists, and the person.
fn guessed(password: &str, email: &str) -> zxcvbn::Entropy {
    let mut known = vec!["rollcall", email];
    known.extend(email.split('@'));
    zxcvbn::zxcvbn(password, &known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(password: &str) -> Result<(), PasswordError> {
        let whose = Whose {
            email: "Ana.Silva@northwind.example",
            has_second_factor: false,
        };
        check(password, &whose)
    }

    #[test]
    fn a_second_factor_makes_a_shorter_one_enough() {
        let with = Whose {
            email: "ana@northwind.example",
            has_second_factor: true,
        };
        assert_eq!(check("gl0wing!", &with), Ok(()));
        assert_eq!(
            check("gl0win!", &with),
            Err(PasswordError::Short { least: 8 })
        );
        assert_eq!(
            alone("glowing embers"),
            Err(PasswordError::Short { least: 15 })
        );
        assert_eq!(alone("glowing embers!"), Ok(()));
        // Characters count, not bytes; and nothing is asked for but length.
        assert_eq!(alone("ключи поют тихо"), Ok(()));
        assert_eq!(
            alone(&format!("a {}", "long one ".repeat(40))),
            Err(PasswordError::Long)
        );
        assert_eq!(check("password1", &with), Err(PasswordError::Common));
        assert_eq!(check("Iloveyou", &with), Err(PasswordError::Common));
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for common in [
            "aaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
            "passwordpassword",
            "Ana.Silva@Northwind.Example",
            "ana.silvaana.silva",
            "qwertyqwertyqwerty",
            "123456789012345",
            "rollcallrollcall",
            "iloveyouforever",
        ] {
            assert_eq!(alone(common), Err(PasswordError::Common), "{common}");
        }
        let whose = Whose {
            email: "ana@northwind.example",
            has_second_factor: false,
        };
        for fine in [
            "correct horse battery staple",
            "rollcall-demo-login",
            "nobody guesses this one",
        ] {
            assert_eq!(alone(fine), Ok(()), "{fine}");
            assert!(!is_weak(fine, &whose), "{fine}");
        }
        let weak = "mypassword12345";
        assert_eq!(alone(weak), Ok(()));
        assert!(is_weak(weak, &whose));
    }
}
