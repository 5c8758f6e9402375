//! Keys and tokens of another platform.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::place::{Place, Said};
use super::serving::Running;

const SECRET: &str = "thirty-two bytes, no more, no less";

/// A token that the other platform issued; its header names no key.
fn issued(tenant: &str, client: &str) -> String {
    let claims =
        json!({ "tenant": tenant, "sub": client, "iat": 1_700_000_000, "jti": "keep-this-secret" });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

fn inspect(place: &Place, token: &str) -> Value {
    place
        .run_reading(token, &["token", "inspect", "--json"])
        .json()
}

/// An installation with one integration, that has taken in the other platform's secret.
fn with_key() -> Place {
    let place = Place::new();
    place.with_integration();
    let import = [
        "key",
        "import",
        "--no-kid",
        "--account-claim",
        "tenant",
        "--text",
        "--json",
    ];
    let key = place.run_reading(SECRET, &import).json();
    assert_eq!(
        (&key["algorithm"], &key["origin"], &key["state"]),
        (&json!("HS256"), &json!("imported"), &json!("deactivated"))
    );
    place
}

fn write(place: &Place, name: &str, text: &str) {
    std::fs::write(place.path().join(name), text).unwrap();
}

#[test]
fn a_key_is_taken_from_a_file_or_stdin_and_never_shown() {
    let place = Place::new();
    let said = place.run_reading(
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        &["key", "import"],
    );
    assert_eq!(said.code, 2, "neither --kid nor --no-kid: {}", said.err);
    assert!(said.err.contains("--no-kid"), "{}", said.err);
    write(
        &place,
        "key.json",
        r#"{"kty":"oct","kid":"2024","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}"#,
    );
    let said = place.run(&["key", "import", "key.json"]);
    let err = said.err.clone();
    let out = said.fine();
    assert!(out.contains("2024") && out.contains("HS256"), "{out}");
    assert!(err.contains("--account-claim"), "{err}");
    assert!(!out.contains("MDEy") && !err.contains("MDEy"));
    let again = place.run(&["key", "import", "key.json"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already taken"), "{}", again.err);
    for (input, words) in [
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-pubout",
        ),
        ("c2hvcnQ=", "16 bytes"),
    ] {
        let said = place.run_reading(input, &["key", "import", "--no-kid"]);
        assert_eq!(said.code, 2);
        assert!(
            said.err.contains(words) && !said.err.contains("AAAA"),
            "{}",
            said.err
        );
    }
    assert_eq!(
        place
            .run(&["key", "import", "--no-kid", "nowhere.pem"])
            .code,
        1
    );
    let listed = place.run(&["key", "list"]).fine();
    assert!(
        listed.contains("2024") && listed.contains("deactivated"),
        "{listed}"
    );
}

#[test]
fn a_ledger_tells_every_rows_fate_and_is_all_or_nothing() {
    let place = with_key();
    let (known, other) = (issued("Northwind", "a"), issued("Northwind", "b"));
    write(
        &place,
        "bad.csv",
        &format!(
            "integration,token,account\nOrder sync,{known},Northwind\nOrder sync,{other},Nobody\n"
        ),
    );
    let dry = place.run(&["token", "import", "bad.csv", "--dry-run"]);
    assert_eq!(dry.code, 1, "one row is refused");
    assert!(
        dry.out.contains("line 2  registered\n")
            && dry
                .out
                .contains("line 3  refused: there is no account Nobody"),
        "{}",
        dry.out
    );
    assert!(!dry.out.contains(&known[..30]) && !dry.err.contains(&known[..30]));
    let strict = place.run(&["token", "import", "bad.csv", "--json"]);
    assert_eq!(strict.code, 1);
    let report: Value = serde_json::from_str(&strict.out).unwrap();
    assert_eq!(
        (
            &report["written"],
            &report["refused"],
            &report["fates"][0]["line"]
        ),
        (&json!(false), &json!(1), &json!(3))
    );
    assert_eq!(inspect(&place, &known)["verdict"], "held");
    let partial = place
        .run(&["token", "import", "bad.csv", "--partial", "--json"])
        .json();
    assert_eq!(
        (&partial["written"], &partial["registered"]),
        (&json!(true), &json!(1))
    );
    let read = inspect(&place, &known);
    assert_eq!(read["verdict"], "accepted");
    let shown = place
        .run(&[
            "token",
            "show",
            read["token_id"].as_str().unwrap(),
            "--json",
        ])
        .json();
    assert_eq!(
        (&shown["state"], &shown["issued_at"]),
        (&json!("active"), &json!("2023-11-14T22:13:20Z"))
    );

    write(&place, "strange.csv", "digest;account;integration\n");
    let strange = place.run(&["token", "import", "strange.csv"]);
    assert_eq!(strange.code, 2);
    assert!(strange.err.contains("commas"), "{}", strange.err);
    assert_eq!(place.run(&["token", "import", "nowhere.csv"]).code, 1);
    place.run(&["rotation", "start", "--name", "r"]).fine();
    place
        .run(&["rotation", "finalise", "--confirm", "r"])
        .fine();
    let late: Said = place.run(&["token", "import", "bad.csv"]);
    assert_eq!(late.code, 3, "{}", late.err);
    assert_eq!(
        place
            .run_reading(SECRET, &["key", "import", "--no-kid", "--text"])
            .code,
        3
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a story, told in one piece")]
fn held_tokens_are_listed_approved_and_refused() {
    let place = with_key();
    let tokens = [
        issued("Northwind", "Order sync"),
        issued("Who?", "x"),
        issued("Northwind", "Stolen"),
    ];
    assert_eq!(
        place.run(&["token", "held", "list", "--json"]).json(),
        json!([])
    );
    let serve = place.command(&["serve", "--address", "127.0.0.1:0"]);
    let serve = Running::start(serve, "/setup?link=");
    for token in &tokens {
        let answer = serve.get("/verify", Some(token));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // What was seen is on the list when it has ended.
    assert_eq!(serve.stop().0, Some(0));
    let held = place.run(&["token", "held", "list", "--json"]).json();
    let held = held.as_array().unwrap();
    assert_eq!(held.len(), 3);
    assert!(
        !held
            .iter()
            .any(|one| one.to_string().contains("keep-this-secret"))
    );
    let id = |token: &str| {
        inspect(&place, token)["token_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        held.iter()
            .any(|one| one["id"] == id(&tokens[1]) && one["claims"]["account"] == "Who?")
    );
    let shown = place
        .run(&["token", "show", &id(&tokens[0]), "--json"])
        .json();
    assert_eq!(
        (&shown["state"], &shown["uses"]),
        (&json!("held"), &json!(1))
    );

    place.run(&["rotation", "start", "--name", "r"]).fine();
    let status = place.run(&["rotation", "status", "--json"]).json();
    assert_eq!(status["tokens"]["held"], 3);
    let breaking = place.run(&["rotation", "rehearse", "--json"]).json();
    let named: usize = breaking
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|account| account["integrations"].as_array().unwrap())
        .map(|one| one["token_ids"].as_array().unwrap().len())
        .sum();
    assert_eq!(named, 3, "{breaking}");
    let text = place.run(&["rotation", "rehearse"]).fine();
    assert!(
        text.contains("3 held tokens") && text.contains("Who? (no such account)"),
        "{text}"
    );
    let sheet = place.run(&["rotation", "affected", "--csv"]).fine();
    assert_eq!(
        sheet.lines().filter(|line| line.ends_with(",yes")).count(),
        3,
        "{sheet}"
    );

    place
        .run(&["token", "held", "approve", &id(&tokens[0])])
        .fine();
    assert_eq!(
        place
            .run(&["token", "held", "approve", &id(&tokens[0])])
            .code,
        4
    );
    assert_eq!(
        place
            .run(&["token", "held", "approve", &id(&tokens[1])])
            .code,
        3,
        "no such account"
    );
    assert_eq!(place.run(&["token", "held", "approve"]).code, 2);
    place
        .run(&["token", "held", "refuse", &id(&tokens[2])])
        .fine();
    let rule = [
        "token",
        "held",
        "approve",
        "--first-seen-before",
        "2100-01-01",
    ];
    assert_eq!(place.run(&rule).code, 2, "the rule looks back");
    let rule = [
        "token",
        "held",
        "approve",
        "--first-seen-before",
        "2020-01-01T00:00:00Z",
        "--json",
    ];
    assert_eq!(place.run(&rule).json()["approved"], 0);
    place
        .run(&["rotation", "finalise", "--confirm", "r"])
        .fine();
    for (token, verdict, code) in [
        (&tokens[0], "accepted", Value::Null),
        (&tokens[1], "refused", json!("token_not_captured")),
        (&tokens[2], "refused", json!("token_revoked")),
    ] {
        let read = inspect(&place, token);
        assert_eq!((&read["verdict"], &read["code"]), (&json!(verdict), &code));
    }
    assert_eq!(
        place
            .run(&["token", "held", "list", "--refused", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
