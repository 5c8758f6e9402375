/// A text for a query or a label of a URL: all but letters, digits, `-._~` and the slash is encoded
/// (RFC 3986 §2.1).
pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_url_is_encoded() {
        assert_eq!(
            percent_encoded("/fix?ref=a b&ü"),
            "/fix%3Fref%3Da%20b%26%C3%BC"
        );
    }
}
