//! What somebody pastes where a token is asked for, read without sending it anywhere.

/// The most bytes of a token that is issued here.
const MOST: usize = 4096;

/// A token, and what stood around it.
#[derive(Debug, PartialEq, Eq)]
pub struct Pasted {
    /// The token alone.
    pub token: String,
    /// What was taken away, in words.
    pub around: Vec<&'static str>,
}

/// Finds the token in what was pasted: without the header's name, `Bearer`, the name of a variable,
/// quotes, spaces and line breaks. It may still be damaged.
///
/// # Errors
/// In words, when it can be no token whatever is taken away.
pub fn read(text: &str) -> Result<Pasted, &'static str> {
    let mut around = Vec::new();
    let mut rest = peel(text);
    loop {
        let (less, what) = if let Some(less) = after_word(rest, "authorization:") {
            (less, "the name of the header")
        } else if let Some(less) =
            after_word(rest, "bearer").filter(|less| less.starts_with(is_blank))
        {
            (less, "the word Bearer")
        } else if let Some((_, less)) = rest.split_once('=').filter(|(_, less)| !less.is_empty()) {
            (less, "the name of a variable")
        } else {
            let less = rest.trim_matches(['"', '\'', '`', '“', '”', '‘', '’', ',', ';']);
            (less, "quotes or punctuation")
        };
        if less == rest {
            break;
        }
        if !around.contains(&what) {
            around.push(what);
        }
        rest = peel(less);
    }
    let token: String = rest.chars().filter(|c| !is_blank(*c)).collect();
    if token.len() != rest.len() {
        around.push("line breaks or spaces in the middle");
    }
    match problem(&token) {
        Some(problem) => Err(problem),
        None => Ok(Pasted { token, around }),
    }
}

/// White space, and the marks without width that copying out of documents brings along.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}')
}

fn peel(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// What follows a word at the beginning, in any case.
fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let start = text.get(..word.len())?;
    start
        .eq_ignore_ascii_case(word)
        .then(|| &text[word.len()..])
}

/// Why a text can be no token.
fn problem(token: &str) -> Option<&'static str> {
    if token.is_empty() {
        return Some("Nothing was pasted. Paste the whole token.");
    }
    if token.starts_with("tok_") || token.starts_with("int_") {
        return Some(
            "This is a public id, not a token. The token is the long text that was shown once, when it was generated.",
        );
    }
    if token.len() > MOST {
        return Some("This is no access token: it is longer than any that is issued here.");
    }
    let fine = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    if !token.bytes().all(fine) {
        return Some("This is no access token: it holds characters that none has.");
    }
    let parts = token.split('.');
    if parts.clone().count() != 3 {
        return Some(
            "This is no access token: one has three parts with two dots between them. Was it copied whole?",
        );
    }
    if !parts.into_iter().all(is_whole) {
        return Some(
            "This token is damaged: a character is missing, or there is one too many. Copy it again, whole.",
        );
    }
    None
}

/// Whether a part is whole base64url (RFC 4648 §5): no text of its length is impossible, and the bits
/// beyond its last byte are zero.
fn is_whole(part: &str) -> bool {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let Some(last) = part.bytes().last() else {
        return false;
    };
    match part.len() % 4 {
        0 => true,
        2 => value(last).is_multiple_of(16),
        3 => value(last).is_multiple_of(4),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJyIn0.c2lnbmF0dXJl";

    #[test]
    fn what_stands_around_a_token_is_taken_away_and_named() {
        let around = |text: &str| {
            let pasted = read(text).unwrap_or_else(|problem| panic!("{text:?}: {problem}"));
            assert_eq!(pasted.token, TOKEN, "{text:?}");
            pasted.around
        };
        assert!(around(TOKEN).is_empty());
        assert!(around(&format!("  {TOKEN}\n")).is_empty());
        assert_eq!(around(&format!("Bearer {TOKEN}")), ["the word Bearer"]);
        assert_eq!(
            around(&format!("BEARER \u{a0}{TOKEN}")),
            ["the word Bearer"]
        );
        assert_eq!(around(&format!("'{TOKEN}'")), ["quotes or punctuation"]);
        assert_eq!(around(&format!("“{TOKEN}”,")), ["quotes or punctuation"]);
        assert_eq!(
            around(&format!("Authorization: Bearer {TOKEN}")),
            ["the name of the header", "the word Bearer"]
        );
        assert_eq!(
            around(&format!("export ROLLCALL_TOKEN='{TOKEN}'")),
            ["the name of a variable", "quotes or punctuation"]
        );
        let broken = TOKEN.replace('.', ".\r\n  \u{200b}");
        assert_eq!(around(&broken), ["line breaks or spaces in the middle"]);
        assert_eq!(
            around(&format!("\"Bearer\n{broken}\"")),
            [
                "quotes or punctuation",
                "the word Bearer",
                "line breaks or spaces in the middle"
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_told_so() {
        for (text, words) in [
            ("", "Nothing was pasted"),
            (" \n", "Nothing was pasted"),
            ("Bearer ", "no access token"),
            ("tok_01K0ABCDEF", "public id"),
            ("correct horse battery staple", "three parts"),
            ("a.b", "three parts"),
            ("aaaa.bbbb.cccc.dddd", "three parts"),
            ("aaaa.bb!b.cccc", "characters"),
            ("schlüssel.ist.da", "characters"),
            ("aaaa..cccc", "damaged"),
            ("aaaa.bbbb.cB", "damaged"),
            ("aaaa.bbbb.ccccc", "damaged"),
            (&format!("{}.bbbb.cccc", "a".repeat(4096)), "longer"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(words), "{text:?}: {problem}");
        }
    }

    #[test]
    fn the_page_and_the_service_agree_on_what_is_whole() {
        let texts = (0..64u8).flat_map(|last| {
            let last = char::from(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                    [usize::from(last)],
            );
            (0..4).map(move |length| format!("aaaa.bbbb.{}{last}", "c".repeat(length)))
        });
        for text in texts {
            assert_eq!(
                read(&text).is_ok(),
                crate::rotation::is_well_formed(&text),
                "{text}"
            );
        }
    }
}
