use std::fmt;

use crate::model::{EmailAddress, OneTimeSecret};

/// A mail in plain text. Debug prints no text: a letter may carry a link that works once.
#[derive(Clone)]
pub struct Letter {
    /// To whom.
    pub to: EmailAddress,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl Letter {
    /// The link that sets a password. `base` is where the dashboard is reached.
    pub fn set_password(to: EmailAddress, base: &str, link: &OneTimeSecret) -> Self {
        let text = format!(
            "Somebody asked to set the password of {to}\nat {base}.\n\n\
             If that was you, open this link. It works once, for 24 hours:\n\n\
             {base}/set-password?link={}\n\n\
             If it was not you, there is nothing to do: your password stays as it is.\n",
            link.expose()
        );
        Self {
            to,
            subject: "Set your password".to_owned(),
            text,
        }
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Random;

    #[test]
    fn a_letter_carries_one_link_and_debug_none() {
        let link = OneTimeSecret::generate(&Random::system());
        let to = "ana@northwind.example".parse().unwrap();
        let letter = Letter::set_password(to, "https://keys.example", &link);
        assert_eq!(letter.text.matches("link=").count(), 1);
        assert!(letter.text.contains(link.expose()));
        assert!(!format!("{letter:?}").contains(link.expose()));
    }
}
