//! The keys themselves: which are taken, what they verify, and what tricks they stand.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::held;
use super::platform::{Platform, SECRET, by_hand};
use crate::model::{PlainToken, Reason};
use crate::rotation::{KeyImport, Material, RotationError, Rule, SecretForm};
use crate::tests::both;
use crate::tests::world::World;

fn hs256(secret: &[u8]) -> impl FnOnce(&str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

both! {
    /// Every algorithm, with a name in the header and without; the public ones are published, the
    /// secret never.
    async fn what_each_kind_of_key_signed_is_held(world: World) {
        let named = [
            Platform::hs256(Some("hs")), Platform::rs256(Some("rs")), Platform::es256(Some("es")),
            Platform::eddsa(Some("ed")),
        ];
        let nameless = [
            Platform::hs256(None), Platform::rs256(None), Platform::es256(None), Platform::eddsa(None),
        ];
        for platform in named.iter().chain(&nameless) {
            let token = platform.issued("Alpha", "x");
            let unknown = world.reason(&token).await;
            assert_eq!(unknown, Reason::Unknown, "before its key is there: {:?}", platform.kid);
            platform.import_into(&world).await;
            world.accepted(&token).await;
        }
        let keys = serde_json::to_value(world.engine.jwks().await.unwrap()).unwrap();
        let keys = keys.as_array().unwrap();
        let mut published: Vec<String> = keys
            .iter()
            .map(|key| format!("{} {} {}", key["kty"], key["alg"], key["kid"].as_str().map_or("-", |kid| &kid[..2])))
            .collect();
        published.sort();
        assert_eq!(published, [
            "\"EC\" \"ES256\" -", "\"EC\" \"ES256\" es", "\"OKP\" \"EdDSA\" -", "\"OKP\" \"EdDSA\" ed",
            "\"OKP\" \"EdDSA\" g1", "\"RSA\" \"RS256\" -", "\"RSA\" \"RS256\" rs",
        ]);
        // What is published verifies.
        let token = named[1].issued("Alpha", "x");
        let jwk = keys.iter().find(|key| key["kid"] == "rs").unwrap();
        let key = jsonwebtoken::DecodingKey::from_rsa_components(jwk["n"].as_str().unwrap(), jwk["e"].as_str().unwrap());
        let (message, signature) = token.expose().rsplit_once('.').unwrap();
        let algorithm = jsonwebtoken::Algorithm::RS256;
        assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.unwrap(), algorithm).unwrap());
        let text = serde_json::to_string(&keys).unwrap();
        assert!(!text.contains("oct") && !text.contains("\"k\"") && !text.contains("\"d\""));
    }
}

both! {
    /// The tricks of RFC 8725 §2: the one algorithm stored with a key is the only one that is tried.
    async fn no_trick_with_the_algorithm_passes(world: World) {
        let rsa = Platform::rs256(Some("rs"));
        let secret = Platform::hs256(Some("hs"));
        let nameless = Platform::rs256(None);
        for platform in [&rsa, &secret, &nameless] {
            platform.import_into(&world).await;
        }
        let integration = world.integration("Alpha").await;
        let ours = world.issue(&integration).await;
        let own = world.engine.keys().await.unwrap().into_iter().find(|key| key.origin == "generated").unwrap();
        let claims = json!({ "tenant": "Alpha", "sub": "x" });
        let hs = |kid: &str| json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
        let sign = |header: &Value, secret: &[u8]| by_hand(header, &claims, hs256(secret));
        let der = pem::parse(&rsa.given).unwrap().into_contents();
        let genuine = secret.token(&claims);
        let (head, rest) = genuine.expose().split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let mut forged = vec![
            // A public key taken for a shared secret, in each form that it goes about in.
            sign(&hs("rs"), rsa.given.as_bytes()),
            sign(&hs("rs"), rsa.given.trim().as_bytes()),
            sign(&hs("rs"), &der),
            sign(&json!({ "alg": "HS256", "typ": "JWT" }), nameless.given.as_bytes()),
            sign(&hs(&own.kid), own.public_key.as_deref().unwrap()),
            // Another's secret, no secret.
            sign(&hs("hs"), b""),
            sign(&hs("rs"), SECRET),
            sign(&hs(&own.kid), SECRET),
            sign(&json!({ "alg": "HS256" }), b""),
            // A name that is no key's.
            sign(&hs("hs "), SECRET),
            sign(&hs("../hs"), SECRET),
            // Headers that bring their own key, or ask for what is not understood.
            sign(&json!({ "alg": "HS256", "kid": "hs", "crit": ["exp"], "exp": 1 }), SECRET),
            sign(&json!({ "alg": "HS256", "kid": "hs", "jwk": { "kty": "oct", "k": "AAAA" } }), SECRET),
            sign(&json!({ "alg": "HS256", "kid": "hs", "jku": "https://evil.example" }), SECRET),
            sign(&json!({ "alg": "HS256", "kid": "hs", "x5u": "https://evil.example" }), SECRET),
            // Other claims under a genuine signature.
            PlainToken::new(format!("{head}.e30.{signature}")),
            // Cut short.
            PlainToken::new(format!("{head}.{}", rest.split_at(rest.len() - 4).0)),
        ];
        for alg in ["none", "None", "NONE", "", "HS384", "HS512", "RS512", "PS256", "ES256", "EdDSA", "hs256"] {
            for kid in [Some("rs"), Some("hs"), Some(own.kid.as_str()), None] {
                let mut header = json!({ "alg": alg, "typ": "JWT" });
                if let Some(kid) = kid {
                    header["kid"] = json!(kid);
                }
                forged.push(sign(&header, SECRET));
            }
        }
        for token in &forged {
            let reason = world.reason(token).await;
            let fine = matches!(reason, Reason::Unknown | Reason::Malformed);
            assert!(fine, "{reason:?} for {}", token.expose());
        }
        world.accepted(&genuine).await;
        world.accepted(&ours.token).await;
        assert_eq!(held(&world).await.len(), 1, "only the genuine one is held");
    }
}

both! {
    /// An imported key never signs, whatever it is; the next rotation makes its tokens old.
    async fn an_imported_key_only_verifies(world: World) {
        let integration = world.integration("Alpha").await;
        let old = Platform::hs256(Some("zz-last-by-name"));
        old.import_into(&world).await;
        Platform::eddsa(Some("ed")).import_into(&world).await;
        let issued = world.issue(&integration).await;
        assert_eq!((issued.row.born.0, issued.row.kid.starts_with("g1-")), (1, true));
        let again = world.engine.import_key(&world.operator, old.import()).await;
        assert!(matches!(again, Err(RotationError::Taken(_))), "{again:?}");
        world.start().await;
        let fresh = world.issue(&integration).await;
        assert_eq!((fresh.row.born.0, fresh.row.kid.starts_with("g2-")), (2, true));
        let keys = world.engine.keys().await.unwrap();
        let imported = keys.iter().find(|key| key.kid == "zz-last-by-name").unwrap();
        assert_eq!((imported.generation.0, imported.activated_at), (1, None));
        assert!(imported.sealed.is_some(), "the start destroys what signs; a shared secret stays until close");

        // Brought in while recording it is old as well; after the cutover it is too late.
        let second = Platform::hs256(Some("second"));
        second.import_into(&world).await;
        let token = second.issued("Alpha", "Late");
        world.accepted(&token).await;
        world.finalise().await;
        assert_eq!(world.reason(&token).await, Reason::NotCaptured);
        let late = world.engine.import_key(&world.operator, Platform::es256(Some("third")).import()).await;
        assert!(matches!(late, Err(RotationError::Refused(Rule::CutOver { .. }))), "{late:?}");
        world.close().await;
        assert_eq!(world.reason(&token).await, Reason::Unknown);
        assert_eq!(world.engine.jwks().await.unwrap().len(), 1);
        // And after the close it begins anew: old for the rotation that comes.
        Platform::hs256(Some("fourth")).import_into(&world).await;
        world.accepted(&Platform::hs256(Some("fourth")).issued("Alpha", "x")).await;
        let keys = world.engine.keys().await.unwrap();
        let generation = keys.iter().find(|key| key.kid == "fourth").unwrap().generation;
        assert_eq!(generation.0, 2);
    }
}

both! {
    /// A key that is held to an issuer verifies nothing of another.
    async fn a_key_may_be_held_to_an_issuer(world: World) {
        let old = Platform::hs256(None);
        let import = KeyImport { issuer: Some("https://old.example".to_owned()), ..old.import() };
        world.engine.import_key(&world.operator, import).await.unwrap();
        world.accepted(&old.token(&json!({ "iss": "https://old.example", "sub": "x" }))).await;
        for claims in [json!({ "iss": "https://other.example", "sub": "x" }), json!({ "sub": "x" })] {
            assert_eq!(world.reason(&old.token(&claims)).await, Reason::Unknown);
        }
    }
}

both! {
    async fn imported_keys_are_bounded_and_their_names_sane(world: World) {
        let import = async |import: KeyImport| world.engine.import_key(&world.operator, import).await;
        let old = Platform::hs256(None);
        for wrong in [
            KeyImport { kid: Some(String::new()), ..old.import() },
            KeyImport { kid: Some("a\0b".to_owned()), ..old.import() },
            KeyImport { kid: Some("x".repeat(201)), ..old.import() },
            KeyImport { account_claim: Some("jti".to_owned()), ..old.import() },
            KeyImport { integration_claim: Some(String::new()), ..old.import() },
        ] {
            assert!(matches!(import(wrong).await, Err(RotationError::Invalid(_))));
        }
        for _ in 0..16 {
            import(old.import()).await.unwrap();
        }
        let one_more = import(old.import()).await;
        assert!(matches!(one_more, Err(RotationError::Refused(Rule::TooManyKeys(16)))), "{one_more:?}");
    }
}

/// The shared secret is in no file in the clear; sealed, it is in none from the close on.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_secret_is_sealed_and_gone_at_the_close() {
    use crate::tests::secrets::holds;
    let world = World::sqlite().await;
    let old = Platform::hs256(None);
    old.import_into(&world).await;
    let token = old.issued("Alpha", "x");
    world.accepted(&token).await;
    world.engine.flush().await.unwrap();
    let keys = world.engine.keys().await.unwrap();
    let key = keys
        .into_iter()
        .find(|key| key.origin == "imported")
        .unwrap();
    let sealed = key.sealed.unwrap();
    assert!(
        holds(world.folder(), &sealed),
        "the search finds it while it is there"
    );
    assert!(!holds(world.folder(), SECRET));
    world.start().await;
    world.finalise().await;
    world.close().await;
    for part in sealed.chunks_exact(16) {
        assert!(!holds(world.folder(), part));
    }
    // Neither the token nor its `jti` ever was in one.
    assert!(!holds(world.folder(), token.expose().as_bytes()));
    assert!(!holds(world.folder(), b"keep-this-secret"));
    let gone = world.engine.keys().await.unwrap();
    let gone = gone
        .into_iter()
        .find(|key| key.origin == "imported")
        .unwrap();
    assert!(gone.destroyed_at.is_some() && gone.forgotten_at.is_some() && gone.sealed.is_none());
}

#[test]
fn keys_are_read_as_others_write_them() {
    let read = |text: &str| Material::read(text.as_bytes(), SecretForm::Base64);
    let rsa = Platform::rs256(None);
    let spki = pem::parse(&rsa.given).unwrap().into_contents();
    let inner = aws_lc_rs::rsa::PublicKey::from_der(&spki).unwrap();
    let pkcs1 = pem::encode(&pem::Pem::new("RSA PUBLIC KEY", inner.as_ref()));
    let (one, other) = (read(&rsa.given).unwrap(), read(&pkcs1).unwrap());
    assert_eq!((one.algorithm(), one.bytes()), ("RS256", other.bytes()));
    assert_eq!(
        read(&Platform::es256(None).given).unwrap().algorithm(),
        "ES256"
    );
    assert_eq!(
        read(&Platform::eddsa(None).given).unwrap().algorithm(),
        "EdDSA"
    );
    let standard = read("//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=").unwrap();
    let url = read("__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA\n").unwrap();
    assert_eq!(standard.bytes(), url.bytes());
    let oct = read(r#"{"kty":"oct","alg":"HS256","kid":"s","k":"__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA"}"#).unwrap();
    assert_eq!((oct.bytes(), oct.kid()), (standard.bytes(), Some("s")));
    let text = Material::read(b"a passphrase of our own\n", SecretForm::Text).unwrap();
    assert_eq!(text.bytes(), b"a passphrase of our own");
    assert_eq!(format!("{text:?}"), "Material(HS256)");
}

#[test]
fn what_is_no_key_is_refused_with_advice_and_not_repeated() {
    for (given, words) in [
        ("", "16 bytes"),
        ("c2hvcnQ=", "16 bytes"),
        ("not base64 at all!", "plain text, say so"),
        ("{}", "`kty`"),
        (r#"{"keys":[]}"#, "not a set"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, "32 bytes"),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"AAAA"}"#,
            "public half alone",
        ),
        (
            r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#,
            "P-256",
        ),
        (
            r#"{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}"#,
            "RSA, P-256",
        ),
        (r#"{"kty":"RSA","n":"AAAA","e":"AQAB"}"#, "RSA"),
        (
            r#"{"kty":"oct","alg":"HS512","k":"__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA"}"#,
            "`alg`",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "RSA, P-256",
        ),
        ("-----BEGIN PUBLIC KEY-----\nAAAA", "whole"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "openssl x509",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-pubout",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
            "-pubout",
        ),
    ] {
        let error = Material::read(given.as_bytes(), SecretForm::Base64)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{given}: {error}");
        assert!(!error.contains("AAAA"), "{error}");
    }
    assert!(Material::read(&[0xff, 0xfe], SecretForm::Base64).is_err());
}

/// The same token with its other signature: (r, n - s) for (r, s). Whoever has one has the other.
fn other_signature(token: &PlainToken) -> PlainToken {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let (message, signature) = token.expose().rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut other = signature.clone();
    let mut borrow = 0_i32;
    for at in (0..32).rev() {
        let digit = i32::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap();
        let left = digit - i32::from(signature[32 + at]) - borrow;
        borrow = i32::from(left < 0);
        other[32 + at] = u8::try_from(left.rem_euclid(256)).unwrap();
    }
    PlainToken::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(other)))
}

both! {
    /// ECDSA has two signatures for each. They are one token: what ends it ends both, and both are one use.
    async fn a_token_with_its_other_signature_is_the_same_token(world: World) {
        let platform = Platform::es256(Some("es"));
        platform.import_into(&world).await;
        world.integration("Alpha").await;
        let listed = platform.issued("Alpha", "Order sync");
        let twin = other_signature(&listed);
        let csv = format!("token,account,integration\n{},Alpha,Order sync\n", listed.expose());
        crate::tests::elsewhere::ledger::import(&world, &csv).await;
        let first = world.accepted(&listed).await.token;
        assert_eq!(world.accepted(&twin).await.token, first, "it verifies, and is known");
        assert!(held(&world).await.is_empty());
        world.engine.revoke_token(&world.operator, &first).await.unwrap();
        for token in [&listed, &twin] {
            assert_eq!(world.reason(token).await, Reason::Revoked);
        }
        // What an admin refused is refused with either.
        let stranger = platform.issued("Alpha", "Reports");
        world.accepted(&stranger).await;
        let id = held(&world).await[0].id.clone();
        world.engine.refuse_held(&world.operator, &id).await.unwrap();
        let refused = world.reason(&stranger).await;
        assert_eq!(world.reason(&other_signature(&stranger)).await, refused);
    }
}
