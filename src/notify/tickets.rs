use super::letters::{MOST_LISTED, Words, moment};
use crate::model::{Letter, TicketId, UnixMs};

/// Support's answer, for whoever asked. The text stands in it only where it is short; it is written
/// without the secrets that stood in it.
pub(super) fn answered(letter: &Letter, base: &str) -> Words {
    let Letter::TicketAnswered {
        ticket,
        subject,
        by,
        text,
        is_answer,
        is_closed,
    } = letter
    else {
        return Words {
            subject: String::new(),
            before: Vec::new(),
            link: ("Your tickets", format!("{base}/support")),
            after: Vec::new(),
        };
    };
    let did = match (is_answer, is_closed) {
        (true, false) => "answered",
        (true, true) => "answered and closed",
        (false, _) => "closed",
    };
    let mut before = vec![format!(
        "{by} of support has {did} your ticket “{subject}”."
    )];
    match text {
        Some(text) => before.push(quoted(text)),
        None if *is_answer => before.push("The answer is longer than a mail should be.".to_owned()),
        None => {}
    }
    let after = if *is_closed {
        "Not settled? Write a reply there: that opens it again."
    } else {
        "Reply there. A reply to this mail reaches nobody."
    };
    Words {
        subject: format!("Re: {subject}"),
        before,
        link: ("Read the ticket", format!("{base}/support/{ticket}")),
        after: vec![after.to_owned()],
    }
}

/// What customers ask, for support: one or several. Of one ticket the link leads there, of several to
/// the list.
pub(super) fn asked(letters: &[(UnixMs, Letter)], base: &str) -> Words {
    let mut lines = Vec::new();
    let mut places: Vec<(&TicketId, &String, &String)> = Vec::new();
    for (at, letter) in letters {
        if let Letter::TicketAsked {
            ticket,
            subject,
            account,
            by,
            is_new,
        } = letter
        {
            let what = if *is_new { "asks" } else { "replies" };
            lines.push(format!(
                "- {by} of {account} {what}, {}: “{subject}”",
                moment(*at)
            ));
            if !places.iter().any(|(known, ..)| *known == ticket) {
                places.push((ticket, subject, account));
            }
        }
    }
    let more = lines.len().saturating_sub(MOST_LISTED);
    lines.truncate(MOST_LISTED);
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    let (subject, link) = match &places[..] {
        [(ticket, subject, account)] => (
            format!("{account}: {subject}"),
            ("Open the ticket", format!("{base}/admin/tickets/{ticket}")),
        ),
        places => (
            format!("{} tickets wait for an answer", places.len()),
            ("Open the tickets", format!("{base}/admin/tickets")),
        ),
    };
    Words {
        subject,
        before: vec![lines.join("\n")],
        link,
        after: Vec::new(),
    }
}

/// A text as a mail quotes it.
fn quoted(text: &str) -> String {
    text.lines()
        .map(|line| format!("> {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://keys.example";

    fn id(text: &str) -> TicketId {
        TicketId::from_stored(text.to_owned())
    }

    #[test]
    fn an_answer_is_repeated_only_where_it_is_short() {
        let letter = |text: Option<&str>, is_closed| Letter::TicketAnswered {
            ticket: id("tkt_1"),
            subject: "401 since noon".to_owned(),
            by: "Priya".to_owned(),
            text: text.map(str::to_owned),
            is_answer: true,
            is_closed,
        };
        let words = answered(&letter(Some("Look again.\nIt works."), false), BASE);
        assert_eq!(words.subject, "Re: 401 since noon");
        assert_eq!(
            words.before,
            [
                "Priya of support has answered your ticket “401 since noon”.",
                "> Look again.\n> It works."
            ]
        );
        assert_eq!(words.link.1, "https://keys.example/support/tkt_1");
        let long = answered(&letter(None, true), BASE);
        assert!(long.before[0].contains("answered and closed"));
        assert!(long.before[1].contains("longer than"));
    }

    #[test]
    fn several_questions_are_one_letter() {
        let asks = |ticket: &str, is_new| {
            let letter = Letter::TicketAsked {
                ticket: id(ticket),
                subject: "401 since noon".to_owned(),
                account: "Northwind".to_owned(),
                by: "Ana".to_owned(),
                is_new,
            };
            (UnixMs(1_790_000_000_000), letter)
        };
        let one = asked(&[asks("tkt_1", true), asks("tkt_1", false)], BASE);
        assert_eq!(one.subject, "Northwind: 401 since noon");
        assert_eq!(one.link.1, "https://keys.example/admin/tickets/tkt_1");
        assert!(
            one.before[0]
                .contains("- Ana of Northwind replies, 2026-09-21 14:13 UTC: “401 since noon”"),
            "{}",
            one.before[0]
        );
        let two = asked(&[asks("tkt_1", true), asks("tkt_2", true)], BASE);
        assert_eq!(two.subject, "2 tickets wait for an answer");
        assert_eq!(two.link.1, "https://keys.example/admin/tickets");
    }
}
