use proptest::prelude::*;

use super::*;
use crate::model::hex;

const DIGEST: &str = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";

fn lines(text: &[u8]) -> Result<Vec<Line>, LedgerError> {
    let mut ledger = Ledger::open(text)?;
    let mut lines = Vec::new();
    while let Some(line) = ledger.next_line()? {
        lines.push(line);
    }
    Ok(lines)
}

fn only(text: &str) -> Result<Row, String> {
    let mut lines = lines(text.as_bytes()).unwrap();
    assert_eq!(lines.len(), 1);
    lines.remove(0).1
}

#[test]
fn columns_come_in_any_order_with_either_form_of_time() {
    let text = format!(
        "\u{feff}Last used, INTEGRATION,account,issued_at,expires,digest\r\n\
         1790000000,\"Orders, nightly\" ,Northwind,2026-01-01T00:00:00Z,,{DIGEST}\r\n"
    );
    let row = only(&text).unwrap();
    assert_eq!(row.digest, Digest::of(b"token"));
    assert_eq!(row.integration, "Orders, nightly");
    assert_eq!(row.last_used_at, Some(UnixMs(1_790_000_000_000)));
    assert_eq!(row.issued_at.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!((row.expires_at, row.contact), (None, None));
}

#[test]
fn a_token_is_hashed_and_what_it_says_of_its_end_holds() {
    use base64::Engine as _;
    let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let token = format!(
        "{}.{}.c2lnbmF0dXJl",
        part(r#"{"alg":"HS256"}"#),
        part(r#"{"iat":1700000000,"exp":1790000000}"#)
    );
    let ledger =
        |expires: &str| format!("token,account,integration,expires\n{token},A,B,{expires}\n");
    let row = only(&ledger("2030-01-01")).unwrap();
    assert_eq!(row.digest, Digest::of(token.as_bytes()));
    assert_eq!(row.hint, token[token.len() - 4..]);
    assert_eq!(row.issued_at, Some(UnixMs(1_700_000_000_000)));
    assert_eq!(row.expires_at, Some(UnixMs(1_790_000_000_000)));
    assert_eq!(
        only(&ledger("")).unwrap().expires_at,
        Some(UnixMs(1_790_000_000_000))
    );
    assert!(!format!("{row:?}").contains(&token[..20]));
    let both = format!(
        "token,digest,account,integration\n{token},{},A,B\n",
        hex(row.digest.as_bytes())
    );
    assert!(only(&both).is_ok());
    let differ = format!("token,digest,account,integration\n{token},{DIGEST},A,B\n");
    assert!(only(&differ).unwrap_err().contains("not its token's"));
}

#[test]
fn what_is_wrong_with_a_row_is_said_without_repeating_it() {
    let secret = "s3cr3t-that-is-no-token";
    for (row, words) in [
        (format!("{secret},A,B,,"), "64 hexadecimal digits"),
        (",A,B,,".to_owned(), "neither digest nor token"),
        (format!("{DIGEST},,B,,"), "no account"),
        (format!("{DIGEST},A,,,"), "no integration"),
        (format!("{DIGEST},A,B,{secret},"), "`issued`: a valid time"),
        (
            format!("{DIGEST},A,B,2026-01-01,2025-01-01"),
            "before it was issued",
        ),
        (format!("{DIGEST},A,B"), "3 fields"),
        (format!("{DIGEST},A,B,,,"), "6 fields"),
    ] {
        let reason = only(&format!(
            "digest,account,integration,issued,expires\n{row}\n"
        ))
        .unwrap_err();
        assert!(reason.contains(words), "{row}: {reason}");
        assert!(!reason.contains(secret), "{reason}");
    }
    let latin = b"digest,account,integration\n"
        .iter()
        .chain(DIGEST.as_bytes())
        .chain(b",\xe9,B\n");
    let latin: Vec<u8> = latin.copied().collect();
    assert!(
        lines(&latin).unwrap()[0]
            .1
            .as_ref()
            .unwrap_err()
            .contains("UTF-8")
    );
    let token = format!("token,account,integration\n{secret},A,B\n");
    let reason = only(&token).unwrap_err();
    assert!(
        reason.contains("three parts") && !reason.contains(secret),
        "{reason}"
    );
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let text =
        format!("digest,account,integration\n{DIGEST},\"A\nB\",C\n\n{DIGEST},A\n{DIGEST},A,B");
    for end in ["", "\n", "\n\n"] {
        for text in [
            format!("{text}{end}"),
            format!("{text}{end}").replace('\n', "\r\n"),
        ] {
            let lines = lines(text.as_bytes()).unwrap();
            let at: Vec<(u64, bool)> = lines
                .iter()
                .map(|(line, row)| (*line, row.is_ok()))
                .collect();
            assert_eq!(at, [(2, true), (5, false), (6, true)], "{text:?}");
        }
    }
}

#[test]
fn a_first_line_that_names_no_columns_is_refused_whole() {
    for (text, words) in [
        ("", "empty"),
        ("digest;account;integration\n", "commas"),
        ("account,integration\n", "`digest` or `token`"),
        ("digest,integration\n", "`account`"),
        ("digest,account\n", "`integration`"),
        (
            "digest,account,integration,account\n",
            "twice, in its field 4",
        ),
        ("digest,account,integration,last_use\n", "field 4"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.c2ln,A,B\n", "field 1"),
    ] {
        let error = lines(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{text:?}: {error}");
        assert!(!error.contains("eyJ"), "{error}");
    }
}

#[test]
fn a_quotation_that_never_ends_is_not_read_to_the_end() {
    let text = format!(
        "digest,account,integration\n{DIGEST},\"A{}",
        "x".repeat(10_000_000)
    );
    let error = lines(text.as_bytes()).unwrap_err();
    assert!(matches!(error, LedgerError::Endless { line: 2 }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the bytes, they are read to their end or refused.
    #[test]
    fn any_bytes_are_a_ledger_or_none(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = lines(&bytes);
    }

    /// The same with a header before them, so that rows are reached, and with what tokens, quotes and
    /// times are made of.
    #[test]
    fn any_rows_under_a_header_are_rows_or_refused(
        rows in prop::collection::vec("[a-zA-Z0-9_.,\"\\n\\r;=+@é\u{0}\u{feff}-]{0,90}", 0..8),
    ) {
        let text = format!("last_used,token,digest,account,integration,expires,issued,contact\n{}", rows.join("\n"));
        for (line, _) in lines(text.as_bytes()).unwrap() {
            prop_assert!(line >= 2);
        }
    }
}
