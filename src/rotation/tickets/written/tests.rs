use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

/// A token of our form: an Ed25519 signature has 86 characters.
fn token(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signature: Vec<u8> = (0_u8..64)
        .map(|at| {
            at.wrapping_mul(37)
                .wrapping_add(claims.len().to_le_bytes()[0])
        })
        .collect();
    format!(
        "{}.{}.{}",
        part(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"g2-b"}"#),
        part(claims),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

fn usual() -> String {
    token(r#"{"iss":"https://keys.example","sub":"int_01k","iat":1795320960,"jti":"q83vASNFZ4k"}"#)
}

/// The text is free of every part of the token that is worth hiding.
fn hidden(raw: &str, token: &str) -> Written {
    let written = Written::of(raw);
    for part in token.split('.') {
        for piece in part.as_bytes().chunks(12).filter(|piece| piece.len() == 12) {
            let piece = std::str::from_utf8(piece).unwrap();
            assert!(
                !written.as_str().contains(piece),
                "{piece} in {}",
                written.as_str()
            );
        }
    }
    written
}

/// It is hidden, and the token was recognised.
fn assert_found(raw: &str, token: &str) {
    let written = hidden(raw, token);
    assert_eq!(
        written.tokens(),
        [Digest::of(token.as_bytes())],
        "{}",
        written.as_str()
    );
}

#[test]
fn a_token_is_found_wherever_it_stands() {
    let token = usual();
    let hint = PlainToken::new(token.clone()).hint();
    let written = Written::of(&format!(
        "It sends\r\nAuthorization: Bearer {token} and gets a 401.\r\n"
    ));
    assert_eq!(
        written.as_str(),
        format!("It sends\nAuthorization: Bearer [token …{hint} removed] and gets a 401.")
    );
    for raw in [
        token.clone(),
        format!("token={token}&x=1"),
        format!("curl -H 'Authorization: Bearer {token}' https://api.example"),
        format!("{{\"access_token\":\"{token}\",\"expires\":12}}"),
        format!("_{token}"),
        format!("first line\n\n> {token}\n> quoted"),
    ] {
        assert_found(&raw, &token);
    }
}

#[test]
fn a_token_is_found_in_pieces() {
    let token = usual();
    let cut = |width: usize, gap: &str| {
        let pieces: Vec<&str> = token
            .as_bytes()
            .chunks(width)
            .map(|piece| std::str::from_utf8(piece).unwrap())
            .collect();
        pieces.join(gap)
    };
    for width in [1, 2, 3, 7, 16, 40, 76] {
        for gap in [
            " ",
            "\n",
            "\r\n> ",
            " \\\n  ",
            "\"\n + \"",
            "=\r\n",
            "\u{200b}",
        ] {
            let raw = format!("Bearer {} and nothing works", cut(width, gap));
            assert_found(&raw, &token);
            assert!(
                Written::of(&raw).as_str().ends_with(" and nothing works"),
                "{width} {gap:?}"
            );
        }
    }
    let parts: Vec<&str> = token.split('.').collect();
    assert_found(&parts.join(" . "), &token);
    assert_found(&parts.join(".\n"), &token);
}

/// A letter that a cut leaves alone looks like a word, and what follows it may be too short for a run.
#[test]
fn a_piece_that_looks_like_a_word_does_not_end_a_signature() {
    let token = usual();
    let signature = token.rfind('.').unwrap() + 1;
    for first in signature + 1..token.len() - 1 {
        for second in first + 1..token.len().min(first + 8) {
            for third in second + 1..token.len().min(second + 4) {
                let raw = [
                    &token[..first],
                    &token[first..second],
                    &token[second..third],
                    &token[third..],
                ]
                .join("\n");
                let written = hidden(&format!("{raw} and nothing works"), &token);
                assert!(
                    written.as_str().ends_with(" and nothing works"),
                    "{raw}: {}",
                    written.as_str()
                );
            }
        }
    }
}

#[test]
fn several_tokens_are_told_apart() {
    let (one, two) = (usual(), token(r#"{"sub":"int_02"}"#));
    let written = Written::of(&format!("old: {one}\nnew: {two}"));
    let digests = [Digest::of(one.as_bytes()), Digest::of(two.as_bytes())];
    assert_eq!(written.tokens(), digests);
    assert_eq!(written.removed(), 2);
}

#[test]
fn what_is_left_of_a_token_is_hidden_too() {
    let token = usual();
    let parts: Vec<&str> = token.split('.').collect();
    for piece in [
        token[..60].to_owned(),
        token[..150].to_owned(),
        token[10..].to_owned(),
        parts[1].to_owned(),
        parts[2].to_owned(),
        format!("{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{token}.{token}"),
    ] {
        let written = Written::of(&format!("it is {piece} I think"));
        assert!(written.removed() >= 1, "{piece}");
        for part in piece.split('.').filter(|part| part.len() > 16) {
            assert!(
                !written.as_str().contains(&part[..16]),
                "{}",
                written.as_str()
            );
        }
        assert!(
            written.as_str().ends_with(" I think"),
            "{}",
            written.as_str()
        );
    }
}

#[test]
fn other_secrets_are_hidden() {
    for (raw, left) in [
        (
            "authorization: bearer opaque-4711-token-x",
            "authorization: bearer [secret removed]",
        ),
        (
            "Bearer: s3cr3t/with+other=signs-in-it",
            "Bearer: [secret removed]",
        ),
        (
            "https://keys.example/set-password?link=pX0aTqY3n1v8RkZ2bC4dE6fG7hJ9kL1mN3pQ5rS7tU8",
            "https://keys.example/set-password?link=[secret removed]",
        ),
        (
            "Cookie: __Host-rollcall=AbCdEfGhIjKlMnOpQrStUv; a=b",
            "Cookie: __Host-rollcall=[secret removed]; a=b",
        ),
        (
            "rollcall_3000=AbCdEfGhIjKlMnOpQrStUv",
            "rollcall_3000=[secret removed]",
        ),
    ] {
        assert_eq!(Written::of(raw).as_str(), left);
    }
}

#[test]
fn what_people_write_stays() {
    for text in [
        "Every request is answered 401, e.g. at 03:12. Why? Eye. Then. Ok",
        "The bearer authentication-of-our-client fails; Bearer tokens are fine.",
        "int_01kb3f6y8p2m4n5q7r9s0t1v2w tok_01kb3f6y8p2m4n5q7r9s0t1v2w request 0123456789abcdef",
        "digest e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "my-very-long-integration-name-that-nobody-should-have-chosen-but-we-did",
        "https://api.example/v1/Messages/Send?id=42&to=+49-30-1234",
        "Ärger – “quoted”\n\n\tindented\n- list",
    ] {
        let written = Written::of(text);
        assert_eq!(written.as_str(), text);
        assert_eq!((written.removed(), written.tokens().len()), (0, 0));
    }
}

#[test]
fn a_text_without_end_is_cut_and_control_characters_go() {
    let written = Written::of(&format!("a\0b\u{7}c {}", "word ".repeat(100_000)));
    assert!(written.as_str().starts_with("abc word"));
    assert!(written.as_str().chars().count() <= MOST_READ);
    assert_eq!(
        Written::of(" one\n\n two ").on_one_line().as_str(),
        "one two"
    );
}

proptest! {
    /// Whatever stands around it, and wherever it is cut, no token comes through.
    #[test]
    fn no_token_comes_through(before in "([ -~\n]{0,40}[ \n:='\"])?", after in "([ \n.,;][ -~\n]{0,40})?", cuts in prop::collection::vec(1_usize..300, 0..6)) {
        let token = usual();
        let mut raw = token.clone();
        for cut in cuts {
            let cut = cut.min(raw.len());
            raw.insert(cut, '\n');
        }
        let written = Written::of(&format!("{before}{raw}{after}"));
        let kept = written.as_str().replace('\n', "");
        for piece in token.as_bytes().chunks(24).filter(|piece| piece.len() == 24) {
            let piece = std::str::from_utf8(piece).unwrap();
            prop_assert!(!kept.contains(piece), "{piece} in {kept}");
        }
    }

    /// What was written once is written the same when it comes again from a form.
    #[test]
    fn to_read_it_again_changes_nothing(raw in "[ -~\n…]{0,200}") {
        let once = Written::of(&raw);
        let twice = Written::of(once.as_str());
        prop_assert_eq!(once.as_str(), twice.as_str());
    }
}
