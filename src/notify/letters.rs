use super::Mail;
use super::tickets::{answered, asked};
use crate::model::{EmailAddress, FactorChange, Letter, UnixMs};
use crate::rotation::outbox::Parcel;

/// The most happenings that one letter lists.
pub(super) const MOST_LISTED: usize = 20;

/// What is said, before it is addressed.
pub(super) struct Words {
    pub subject: String,
    pub before: Vec<String>,
    pub link: (&'static str, String),
    pub after: Vec<String>,
}

/// Writes the mail that a parcel becomes. `base` is where the dashboard is reached.
pub fn compose(parcel: &Parcel, base: &str) -> Mail {
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    let to = &parcel.to;
    // A parcel is never empty, and all of it is of one kind.
    let (at, last) = match parcel.letters.last() {
        Some((at, letter)) => (*at, letter),
        None => (UnixMs(0), &Letter::PasswordChanged),
    };
    let words = match last {
        Letter::SetPassword => {
            let link = parcel.link.as_ref().map_or("", |link| link.expose());
            Words {
                subject: "Set your password".to_owned(),
                before: vec![format!(
                    "Somebody asked to set the password of {to} at {host}. If that was you, open this link. \
                     It works once, for 24 hours, and an older one no longer does."
                )],
                link: (
                    "Set your password",
                    format!("{base}/set-password?link={link}"),
                ),
                after: vec![
                    "If it was not you, there is nothing to do: your password stays as it is."
                        .to_owned(),
                ],
            }
        }
        Letter::PasswordChanged => Words {
            subject: "Your password was changed".to_owned(),
            before: vec![
                format!(
                    "The password of {to} at {host} was changed on {}, and every other session was signed out.",
                    moment(at)
                ),
                "If that was you, there is nothing to do. If it was not, set a new one at once."
                    .to_owned(),
            ],
            link: ("Set a new password", format!("{base}/forgot")),
            after: Vec::new(),
        },
        Letter::SecondFactorChanged { change } => Words {
            subject: factor_subject(*change).to_owned(),
            before: vec![
                format!("{} It concerns {to} at {host}, on {}.", factor_words(*change), moment(at)),
                "If you expected this, there is nothing to do. If not, set a new password at once, and ask whoever runs \
                 the platform for help."
                    .to_owned(),
            ],
            link: ("Look at your settings", format!("{base}/settings")),
            after: Vec::new(),
        },
        Letter::RecoveryCodeUsed { left } => Words {
            subject: "A recovery code was used".to_owned(),
            before: vec![
                format!(
                    "Somebody signed in at {host} as {to} with one of your recovery codes, on {}. {left} are left.",
                    moment(at)
                ),
                "If that was you, there is nothing to do, unless few are left: then draw new ones. If it was not, set a \
                 new password and draw new codes at once."
                    .to_owned(),
            ],
            link: (
                "Look at your second factor",
                format!("{base}/settings/second-factor"),
            ),
            after: Vec::new(),
        },
        Letter::SignedIn { .. } => signed_in(&parcel.letters, to, host, base),
        Letter::TokenIssued { .. } => tokens_issued(&parcel.letters, base),
        Letter::TicketAnswered { .. } => answered(last, base),
        Letter::TicketAsked { .. } => asked(&parcel.letters, base),
    };
    let thread = match last {
        Letter::TicketAnswered { ticket, .. } => Some(ticket.to_string()),
        _ => None,
    };
    Mail {
        id: parcel.id.clone(),
        thread,
        to: to.clone(),
        subject: words.subject,
        before: words.before,
        link: words.link,
        after: words.after,
        why: if parcel.kind.may_be_declined() {
            format!(
                "You get this because you sign in at {host} as {to}, where your settings say which letters you get."
            )
        } else {
            format!(
                "You get this because you sign in at {host} as {to}. Letters about the safety of your account are always sent."
            )
        },
    }
}

const fn factor_subject(change: FactorChange) -> &'static str {
    match change {
        FactorChange::On => "Your second factor is on",
        FactorChange::Off | FactorChange::Reset => "Your second factor is off",
        FactorChange::NewCodes => "You have new recovery codes",
    }
}

const fn factor_words(change: FactorChange) -> &'static str {
    match change {
        FactorChange::On => "From now on a code from your app is asked for at each sign-in.",
        FactorChange::Off => {
            "The second factor was turned off: your password alone signs you in. The recovery codes no longer work."
        }
        FactorChange::Reset => {
            "Whoever runs the platform took your second factor off: your password alone signs you in. You can turn it on \
             again in your settings."
        }
        FactorChange::NewCodes => "New recovery codes were drawn: the old ones no longer work.",
    }
}

/// Sign-ins by browsers or from addresses that were not seen before.
fn signed_in(letters: &[(UnixMs, Letter)], to: &EmailAddress, host: &str, base: &str) -> Words {
    let lines = letters.iter().filter_map(|(at, letter)| match letter {
        Letter::SignedIn { device, source } => {
            let source = source.as_deref().unwrap_or("an unknown address");
            Some(format!("- {device}, from {source}, on {}", moment(*at)))
        }
        _ => None,
    });
    let lines = listed(lines.collect());
    Words {
        subject: "A new sign-in".to_owned(),
        before: vec![
            format!(
                "Somebody signed in at {host} as {to}, in a way that was not seen in the last weeks:"
            ),
            lines.join("\n"),
            "If that was you, there is nothing to do. If it was not, sign it out and set a new password."
                .to_owned(),
        ],
        link: (
            "Look where you are signed in",
            format!("{base}/activity"),
        ),
        after: Vec::new(),
    }
}

/// Lines of a list, bounded.
fn listed(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LISTED);
    lines.truncate(MOST_LISTED);
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines
}

/// New tokens, one or several: of one integration the link leads there, of several to the list.
fn tokens_issued(letters: &[(UnixMs, Letter)], base: &str) -> Words {
    let mut lines = Vec::new();
    let mut places = Vec::new();
    for (at, letter) in letters {
        if let Letter::TokenIssued {
            integration,
            name,
            by,
        } = letter
        {
            lines.push(format!("- {name}, on {}, by {by}", moment(*at)));
            if !places.contains(&(integration, name)) {
                places.push((integration, name));
            }
        }
    }
    let count = lines.len();
    let lines = listed(lines);
    let of = match &places[..] {
        [(_, name)] => format!("for {name}"),
        places => format!("for {} integrations", places.len()),
    };
    let what = match count {
        1 => "A new token".to_owned(),
        _ => format!("{count} new tokens"),
    };
    Words {
        subject: format!("{what} {of}"),
        before: vec![
            format!(
                "{what} {of} {} generated:",
                if count == 1 { "was" } else { "were" }
            ),
            lines.join("\n"),
            "If you expected this, there is nothing to do. A token that nobody of yours asked for is best \
             revoked at once."
                .to_owned(),
        ],
        link: match &places[..] {
            [(id, _)] => ("Look at the integration", format!("{base}/integrations/{id}")),
            _ => ("Look at your integrations", format!("{base}/")),
        },
        after: Vec::new(),
    }
}

/// A moment as a letter says it: "2026-11-28 03:12 UTC".
pub(super) fn moment(at: UnixMs) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IntegrationId, OneTimeSecret, Random};

    const BASE: &str = "https://keys.example";

    fn token_of(integration: &str) -> (UnixMs, Letter) {
        let letter = Letter::TokenIssued {
            integration: IntegrationId::from_stored(format!("int_{integration}")),
            name: format!("Sync {integration}"),
            by: "member ana@northwind.example".to_owned(),
        };
        (UnixMs(1_790_000_000_000), letter)
    }

    fn mail(letters: Vec<(UnixMs, Letter)>, link: Option<&OneTimeSecret>) -> Mail {
        let to = "ana@northwind.example".parse().unwrap();
        compose(&Parcel::for_tests(to, letters, link.cloned()), BASE)
    }

    #[test]
    fn the_letter_for_a_password_carries_one_link_and_debug_none() {
        let link = OneTimeSecret::generate(&Random::system());
        let mail = mail(vec![(UnixMs(0), Letter::SetPassword)], Some(&link));
        for body in [mail.text(), mail.html()] {
            assert_eq!(body.matches("link=").count(), 1, "{body}");
            assert_eq!(body.matches("://").count(), 1, "{body}");
            assert!(body.contains(link.expose()));
        }
        assert!(!format!("{mail:?}").contains(link.expose()));
    }

    #[test]
    fn several_new_tokens_are_one_letter() {
        let one = mail(vec![token_of("a")], None);
        assert_eq!(one.subject, "A new token for Sync a");
        assert_eq!(one.link.1, "https://keys.example/integrations/int_a");
        assert!(
            one.text()
                .contains("- Sync a, on 2026-09-21 14:13 UTC, by member ana@northwind.example\n"),
            "{}",
            one.text()
        );
        let same = mail(vec![token_of("a"), token_of("a")], None);
        assert_eq!(same.subject, "2 new tokens for Sync a");
        let two = mail(vec![token_of("a"), token_of("b")], None);
        assert_eq!(two.subject, "2 new tokens for 2 integrations");
        assert_eq!(two.link.1, "https://keys.example/");
        let many = mail((0..25).map(|_| token_of("a")).collect(), None);
        assert!(many.text().contains("- and 5 more"), "{}", many.text());
    }
}
