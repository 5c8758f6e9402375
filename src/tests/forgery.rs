//! Forged tokens are refused, counted and shown; a `jti` is shown nowhere; one token has one form.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracing_subscriber::fmt::MakeWriter;

use super::both;
use super::http::Site;
use super::secrets::holds;
use super::world::World;
use crate::model::{PlainToken, UnixMs};
use crate::rotation::{Caller, RotationError, forge_for_tests};
use crate::store::Lock;
use crate::store::forgeries::{self, Seen};

fn from(source: &str) -> Caller {
    Caller {
        source: Some(source.to_owned()),
        agent: None,
    }
}

both! {
    /// A forged token raises an alarm: the key, how many, first and last, from where. It stays until
    /// someone closes it, and the next one raises it again.
    async fn forgeries_are_counted_until_the_alarm_is_closed(world: World) {
        let integration = world.integration("Alpha").await;
        let genuine = world.issue(&integration).await;
        let forged = forge_for_tests(&world.engine, &integration).await;
        for _ in 0..3 {
            world.engine.verify(forged.expose(), &from("203.0.113.7")).await;
        }
        world.engine.verify(forged.expose(), &from("198.51.100.1")).await;
        world.engine.verify(forged.expose(), &Caller::default()).await;
        world.accepted(&genuine.token).await;
        world.engine.flush().await.unwrap();
        let alarm = world.engine.forgeries().await.unwrap().remove(0);
        assert_eq!(alarm.kid, genuine.row.kid);
        assert_eq!(alarm.attempts, 5);
        assert_eq!(alarm.sources[0], ("203.0.113.7".to_owned(), 3));
        assert_eq!(alarm.sources.len(), 3);
        assert!(alarm.first_at <= alarm.last_at && alarm.first_at.0 > 0);
        let status = serde_json::to_value(world.engine.status().await.unwrap()).unwrap();
        assert_eq!(status["forgeries"], 5);
        world.engine.close_alarm(&world.operator, &alarm.kid).await.unwrap();
        assert!(world.engine.forgeries().await.unwrap().is_empty());
        let again = world.engine.close_alarm(&world.operator, &alarm.kid).await;
        assert!(matches!(again, Err(RotationError::NotFound(_))), "{again:?}");
        world.engine.verify(forged.expose(), &from("203.0.113.7")).await;
        world.engine.flush().await.unwrap();
        let alarm = world.engine.forgeries().await.unwrap().remove(0);
        assert_eq!((alarm.attempts, alarm.sources.len()), (1, 1), "counted from the close on");
        let audit = world.engine.audit(Some(&alarm.kid), 5).await.unwrap();
        assert!(audit.iter().any(|line| line.action == "forgery.close" && line.detail.contains(":5")));
    }
}

both! {
    /// Whatever the number of addresses an attacker sends from, the table stays small and counts all.
    async fn the_alarm_is_bounded(world: World) {
        for batch in 0..2 {
            world
                .engine
                .db()
                .write::<_, crate::store::StoreError, _>(Lock::Shared, move |tx| {
                    Box::pin(async move {
                        for n in 0..150 {
                            let seen = Seen { kid: "g1-x".to_owned(), source: format!("10.{batch}.0.{n}"), attempts: 2,
                                first_at: UnixMs(n + 1), last_at: UnixMs(n + 1) };
                            forgeries::add(tx, &seen).await?;
                        }
                        Ok(())
                    })
                })
                .await
                .unwrap();
        }
        let alarm = world.engine.forgeries().await.unwrap().remove(0);
        assert_eq!(alarm.attempts, 600);
        assert_eq!(alarm.sources.len(), 51);
        assert_eq!(alarm.sources[0], (forgeries::OTHERS.to_owned(), 500));
        assert_eq!((alarm.first_at, alarm.last_at), (UnixMs(1), UnixMs(150)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_cannot_overlook_an_alarm_and_closes_it() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let forged = forge_for_tests(&world.engine, &integration).await;
    let site = Site::of(world).await;
    site.user(None, "priya@platform.example").await;
    site.user(Some("Alpha"), "ana@alpha.example").await;
    let mut admin = site.signed_in("priya@platform.example").await;
    assert!(!admin.get("/admin").await.body.contains("forges"));
    assert_eq!(
        site.verify(forged.expose()).await.json()["code"],
        "token_unknown"
    );
    site.world.engine.flush().await.unwrap();
    for path in ["/admin", "/admin/keys"] {
        let page = admin.get(path).await;
        assert!(
            page.body.contains("Somebody forges tokens with key g1-"),
            "{path}"
        );
        assert!(
            page.body.contains("1 was refused") && page.body.contains("203.0.113.7 (1)"),
            "{path}"
        );
        assert!(
            page.body.contains("/admin/rotations/new"),
            "{path}: what to do"
        );
    }
    let kid = site.world.engine.forgeries().await.unwrap()[0].kid.clone();
    let close = format!("/admin/keys/{kid}/close-alarm");
    let mut member = site.signed_in("ana@alpha.example").await;
    assert_eq!(member.post(&close, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(admin.get("/admin").await.body.contains("forges"));
    assert_eq!(
        admin.post(&close, &[]).await.header("location"),
        "/admin/keys"
    );
    assert_eq!(admin.post(&close, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!admin.get("/admin").await.body.contains("forges"));
    // A compromised key that still signs is as loud.
    let engine = &site.world.engine;
    engine
        .mark_compromised(&site.world.operator, &kid, "a laptop was stolen")
        .await
        .unwrap();
    let page = admin.get("/admin").await;
    assert!(
        page.body.contains("is compromised, and still signs")
            && page.body.contains("a laptop was stolen")
    );
    site.world.start().await;
    assert!(!admin.get("/admin").await.body.contains("is compromised"));
    let page = admin.get("/admin/keys").await;
    assert!(page.body.contains("Start of rotation 2026-11") && page.body.contains("Compromised"));
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Kept {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn jti(token: &PlainToken) -> String {
    let claims = token.expose().split('.').nth(1).unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["jti"].as_str().unwrap().to_owned()
}

/// Neither the `jti` of an issued token nor that of a forged one is in any page, export, log line or
/// file (I7). One thread, so that every log line is caught.
#[tokio::test]
async fn a_jti_is_shown_nowhere() {
    let kept = Kept::default();
    let logs = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(kept.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(logs);
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let issued = world.issue(&integration).await;
    let forged = forge_for_tests(&world.engine, &integration).await;
    let secrets = [jti(&issued.token), jti(&forged)];
    assert!(secrets[0].len() >= 22, "128 bits");
    let site = Site::of(world).await;
    site.user(None, "priya@platform.example").await;
    site.user(Some("Alpha"), "ana@alpha.example").await;
    site.verify(issued.token.expose()).await;
    site.world.start().await;
    // A line of code that another test's thread passed for the first time while the subscriber above
    // was being set may be noted as one that nobody listens to.
    tracing::callsite::rebuild_interest_cache();
    let mut answers = vec![
        site.verify(issued.token.expose()).await,
        site.verify(forged.expose()).await,
    ];
    site.world.finalise().await;
    site.world.engine.flush().await.unwrap();
    let mut admin = site.signed_in("priya@platform.example").await;
    let mut member = site.signed_in("ana@alpha.example").await;
    let account = issued.integration.account_id.to_string();
    for path in [
        "/admin",
        "/admin/live",
        "/admin/keys",
        "/admin/rotations",
        "/admin/accounts",
        "/admin/accounts.csv",
        "/admin/audit",
    ] {
        answers.push(admin.get(path).await);
    }
    answers.push(admin.get(&format!("/admin/accounts/{account}")).await);
    for path in [
        "/",
        "/activity",
        "/status",
        "/status.json",
        "/help",
        "/.well-known/jwks.json",
    ] {
        answers.push(member.get(path).await);
    }
    answers.push(member.get(&format!("/integrations/{integration}")).await);
    assert!(
        answers
            .iter()
            .filter(|page| page.status == StatusCode::OK)
            .count()
            >= 15
    );
    let logs = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(logs.contains("forgery"), "the log was told");
    for secret in &secrets {
        for page in &answers {
            assert!(!page.body.contains(secret));
        }
        assert!(!logs.contains(secret));
        if secret.len() >= 22 {
            assert!(!holds(site.world.folder(), secret.as_bytes()));
        }
    }
    // Nor a token, nor a part of one that tells something.
    for token in [&issued.token, &forged] {
        let claims = token.expose().split('.').nth(1).unwrap();
        assert!(!logs.contains(claims));
        assert!(!holds(site.world.folder(), claims.as_bytes()));
    }
}

/// Other ways to write the bytes of a token, and what each is refused as.
fn other_forms(token: &str) -> Vec<(&'static str, String, &'static str)> {
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let again = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    let inside = json.trim_matches(['{', '}']);
    // 64 bytes of signature end in a character of which four bits are padding.
    let filler = (4096 - head.len() - signature.len() - 2) / 4 * 4;
    let last = signature.chars().last().unwrap();
    let sibling = char::from_u32(u32::from(last) + 1).unwrap();
    vec![
        ("padding", format!("{token}=="), "token_malformed"),
        (
            "padding inside",
            format!("{head}=.{claims}.{signature}"),
            "token_malformed",
        ),
        (
            "trailing bits",
            format!("{}{sibling}", &token[..token.len() - 1]),
            "token_malformed",
        ),
        (
            "standard alphabet",
            format!("{head}.{claims}.{}", "+".repeat(86)),
            "token_malformed",
        ),
        (
            "a space inside",
            format!("{head}. {claims}.{signature}"),
            "token_malformed",
        ),
        ("a tab before", format!("\t{token}"), "token_malformed"),
        (
            "a line end",
            format!("{head}.{claims}%0a.{signature}"),
            "token_malformed",
        ),
        ("a fourth part", format!("{token}.e30"), "token_malformed"),
        (
            "an empty part",
            format!("{head}..{signature}"),
            "token_malformed",
        ),
        ("quotes", format!("\"{token}\""), "token_malformed"),
        ("two tokens", format!("{token},{token}"), "token_malformed"),
        (
            "more than 4096 bytes",
            format!("{head}.{}.{signature}", "A".repeat(filler + 4)),
            "token_malformed",
        ),
        (
            "nearly 4096 bytes",
            format!("{head}.{}.{signature}", "A".repeat(filler)),
            "token_unknown",
        ),
        (
            "a header with spaces",
            format!("{}.{claims}.{signature}", again(&format!("{{ {inside} }}"))),
            "token_unknown",
        ),
        (
            "alg twice",
            format!(
                "{}.{claims}.{signature}",
                again(&format!("{{\"alg\":\"none\",{inside}}}"))
            ),
            "token_unknown",
        ),
        (
            "kid twice",
            format!(
                "{}.{claims}.{signature}",
                again(&format!("{{{inside},\"kid\":\"g9\"}}"))
            ),
            "token_unknown",
        ),
        (
            "typ twice",
            format!(
                "{}.{claims}.{signature}",
                again(&format!("{{{inside},\"typ\":\"jwt\"}}"))
            ),
            "token_unknown",
        ),
        (
            "crit null",
            format!(
                "{}.{claims}.{signature}",
                again(&format!("{{{inside},\"crit\":null}}"))
            ),
            "token_unknown",
        ),
        (
            "not json",
            format!("{}.{claims}.{signature}", again("[]")),
            "token_unknown",
        ),
    ]
}

/// One token has one form: every other way to write the same bytes is refused, by name, and is no
/// forgery either.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_issued_form_of_a_token_passes() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let issued = world.issue(&integration).await;
    let site = Site::of(world).await;
    let token = issued.token.expose();
    let code = async |value: String| {
        let request = Request::get("/verify")
            .header("authorization", value)
            .body(Body::empty())
            .unwrap();
        let page = site.send(request).await;
        let problem = (page.status != StatusCode::OK).then(|| page.json());
        problem.map(|problem| problem["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(code(format!("Bearer {token}")).await, None);
    for (what, value, expected) in other_forms(token) {
        let code = code(format!("Bearer {value}")).await;
        assert_eq!(code.as_deref(), Some(expected), "{what}");
    }
    site.world.engine.flush().await.unwrap();
    assert!(site.world.engine.forgeries().await.unwrap().is_empty());
}
