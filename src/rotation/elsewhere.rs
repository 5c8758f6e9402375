//! Tokens issued elsewhere, as they arrive: which imported key made one, and what its claims say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::decide::Signature;
use super::keyring::{self, Head};
use super::master::MasterKeys;
use crate::model::{Digest, UnixMs, is_unseen};
use crate::store::keys::SigningKey;
use crate::store::{StoreError, Tx, keys};

/// The most characters of a claim that are kept.
const LONGEST_CLAIM: usize = 200;
/// The integration claim of a key for which none was named.
pub const USUAL_INTEGRATION_CLAIM: &str = "sub";

/// What the signature of a token says, and which key made it.
///
/// # Errors
/// [`StoreError::Corrupt`] when no master key opens an imported secret.
pub async fn signature(
    tx: &mut Tx,
    text: &str,
    masters: &MasterKeys,
) -> Result<(Signature, Option<SigningKey>), StoreError> {
    let Some(head) = keyring::head(text) else {
        return Ok((Signature::Bad, None));
    };
    let Some(kid) = &head.kid else {
        // It names no key, so none can be said not to have made it: the registry decides.
        for key in keys::imported(tx, true).await? {
            if check(text, &head, &key, masters)? == Signature::Elsewhere {
                return Ok((Signature::Elsewhere, Some(key)));
            }
        }
        return Ok((Signature::NoKey, None));
    };
    let named = keys::find(tx, kid).await?;
    let Some(key) = named.filter(|key| key.reading.names_kid) else {
        return Ok((Signature::NoKey, None));
    };
    Ok((check(text, &head, &key, masters)?, Some(key)))
}

/// Checks with the one algorithm stored with the key, whatever the header says (RFC 8725 §3.1).
fn check(
    text: &str,
    head: &Head,
    key: &SigningKey,
    masters: &MasterKeys,
) -> Result<Signature, StoreError> {
    if key.origin != "imported" {
        // Of a key of ours only what we could have written ourselves is looked at.
        return Ok(match keyring::kid(text) {
            Some(_) => keyring::check(text, Some(key)),
            None => Signature::Bad,
        });
    }
    if key.forgotten_at.is_some() {
        return Ok(Signature::NoKey);
    }
    if head.algorithm != key.algorithm {
        return Ok(Signature::Bad);
    }
    let Some((message, signature)) = text.rsplit_once('.') else {
        return Ok(Signature::Bad);
    };
    let (algorithm, decoding) = verifier(key, masters)?;
    // The library wants to hear of a signature of the wrong length as an error: it is a bad one.
    let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &decoding, algorithm);
    Ok(match good {
        Ok(true) => Signature::Elsewhere,
        Ok(false) | Err(_) => Signature::Bad,
    })
}

/// The order of the group of P-256, big-endian (FIPS 186-5, SP 800-186 §3.2.1.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The digest of the same token with its other signature. With ECDSA whoever has `(r, s)` has
/// `(r, n - s)` as well, without the key; the other algorithms have one signature, and `None`.
pub fn twin(text: &str, key: &SigningKey) -> Option<Digest> {
    if key.algorithm != "ES256" {
        return None;
    }
    let (message, signature) = text.rsplit_once('.')?;
    let mut signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let s: &mut [u8; 32] = signature.get_mut(32..)?.try_into().ok()?;
    let mut borrow = false;
    for (digit, order) in s.iter_mut().zip(P256_ORDER).rev() {
        let (left, below) = order.overflowing_sub(*digit);
        let (left, below_by_one) = left.overflowing_sub(u8::from(borrow));
        borrow = below || below_by_one;
        *digit = left;
    }
    let twin = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    Some(Digest::of(twin.as_bytes()))
}

/// What verifies the tokens of an imported key. A shared secret is opened for this one check, and
/// zeroed after it.
fn verifier(
    key: &SigningKey,
    masters: &MasterKeys,
) -> Result<(Algorithm, DecodingKey), StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the imported key {} cannot be opened", key.kid));
    let public = || key.public_key.as_deref().ok_or_else(corrupt);
    match key.algorithm.as_str() {
        "HS256" => {
            let sealed = key.sealed.as_deref().ok_or_else(corrupt)?;
            let master = masters.of(key).map_err(|_| corrupt())?;
            let secret = keyring::unseal(sealed, &key.kid, &master).ok_or_else(corrupt)?;
            Ok((Algorithm::HS256, DecodingKey::from_secret(&secret)))
        }
        "RS256" => Ok((Algorithm::RS256, DecodingKey::from_rsa_der(public()?))),
        "ES256" => Ok((Algorithm::ES256, DecodingKey::from_ec_der(public()?))),
        keyring::ALGORITHM => Ok((Algorithm::EdDSA, DecodingKey::from_ed_der(public()?))),
        _ => Err(corrupt()),
    }
}

/// What the claims of a token issued elsewhere say, cut to a bounded length. Never its `jti`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The account, by the claim that the key was imported with.
    pub account: Option<String>,
    /// The integration, likewise.
    pub integration: Option<String>,
    /// `iss`
    pub issuer: Option<String>,
    /// `sub`
    pub subject: Option<String>,
    /// `aud`, several with commas between.
    pub audience: Option<String>,
    /// `iat`
    pub issued_at: Option<UnixMs>,
    /// `nbf`
    pub starts_at: Option<UnixMs>,
    /// `exp`
    pub expires_at: Option<UnixMs>,
}

impl Claims {
    /// Reads the claims of a token that `key` made. `None` when they are no claims, say times that
    /// are none, or name another issuer than the key is held to: then it is no token of this key's.
    pub fn of(text: &str, key: &SigningKey) -> Option<Self> {
        let claims = object(text)?;
        let reading = &key.reading;
        let named = |name: Option<&str>| name.and_then(|name| claims.get(name)).and_then(words);
        let integration = reading.integration_claim.as_deref();
        let found = Self {
            account: named(reading.account_claim.as_deref()),
            integration: named(integration.or(Some(USUAL_INTEGRATION_CLAIM))),
            issuer: named(Some("iss")),
            subject: named(Some("sub")),
            audience: named(Some("aud")),
            issued_at: moment(&claims, "iat")?,
            starts_at: moment(&claims, "nbf")?,
            expires_at: moment(&claims, "exp")?,
        };
        match (&reading.issuer, claims.get("iss")) {
            (Some(wanted), Some(Value::String(issuer))) if wanted == issuer => Some(found),
            (Some(_), _) => None,
            (None, _) => Some(found),
        }
    }

    /// The expiry that a token's text carries, whoever made it.
    pub fn expiry(text: &str) -> Option<UnixMs> {
        moment(&object(text)?, "exp")?
    }

    /// When a token says that it was issued, whoever made it.
    pub fn issue(text: &str) -> Option<UnixMs> {
        moment(&object(text)?, "iat")?
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// A claim that names something: a text, a number, or a list of texts.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => return None,
    };
    // Whoever has the key writes what he likes: nothing unseen, and not without end.
    let text: String = text
        .chars()
        .filter(|c| !is_unseen(*c))
        .take(LONGEST_CLAIM)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A time in seconds, whole or not (RFC 7519 §2, `NumericDate`); the outer `None` when it is none.
#[expect(
    clippy::option_option,
    reason = "a claim that is absent is not one that is wrong"
)]
fn moment(claims: &Map<String, Value>, name: &str) -> Option<Option<UnixMs>> {
    match claims.get(name) {
        None => Some(None),
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().filter(|seconds| seconds.is_finite())?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "far beyond any calendar, the cast holds it at the end of time"
            )]
            let ms = (seconds * 1_000.0) as i64;
            Some(Some(UnixMs(ms)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Generation;
    use crate::store::keys::Reading;

    fn key(reading: Reading) -> SigningKey {
        SigningKey {
            kid: "old".to_owned(),
            generation: Generation(1),
            algorithm: "HS256".to_owned(),
            origin: "imported".to_owned(),
            public_key: None,
            sealed: None,
            sealed_by: None,
            published_at: UnixMs(0),
            activated_at: None,
            deactivated_at: None,
            destroyed_at: None,
            forgotten_at: None,
            reading,
        }
    }

    fn claims(json: &str, reading: Reading) -> Option<Claims> {
        let text = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(json));
        Claims::of(&text, &key(reading))
    }

    #[test]
    fn claims_are_read_by_the_names_the_key_was_imported_with() {
        let reading = Reading {
            account_claim: Some("tenant".to_owned()),
            ..Reading::default()
        };
        let json = r#"{"tenant":42,"sub":" Order\u0000 sync ","aud":["a","b"],"iat":1.5,"exp":2e9,"jti":"secret"}"#;
        let found = claims(json, reading).unwrap();
        assert_eq!(found.account.as_deref(), Some("42"));
        assert_eq!(found.integration.as_deref(), Some("Order sync"));
        assert_eq!(found.audience.as_deref(), Some("a, b"));
        assert_eq!(found.issued_at, Some(UnixMs(1_500)));
        assert_eq!(found.expires_at, Some(UnixMs(2_000_000_000_000)));
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn what_are_no_claims_are_no_claims_of_this_key() {
        for wrong in [
            "[]",
            "1",
            "{",
            r#"{"exp":"soon"}"#,
            r#"{"exp":null}"#,
            r#"{"nbf":true}"#,
        ] {
            assert_eq!(claims(wrong, Reading::default()), None, "{wrong}");
        }
        let far = claims(r#"{"exp":1e300}"#, Reading::default()).unwrap();
        assert_eq!(far.expires_at, Some(UnixMs(i64::MAX)));
        let long = format!(r#"{{"sub":"{}"}}"#, "é".repeat(900));
        let found = claims(&long, Reading::default()).unwrap().integration;
        assert_eq!(found.unwrap().chars().count(), LONGEST_CLAIM);
    }

    #[test]
    fn a_key_held_to_an_issuer_knows_no_other() {
        let reading = Reading {
            issuer: Some("https://old.example".to_owned()),
            ..Reading::default()
        };
        assert!(claims(r#"{"iss":"https://old.example"}"#, reading.clone()).is_some());
        for other in [
            r#"{"iss":"https://old.example/"}"#,
            "{}",
            r#"{"iss":["https://old.example"]}"#,
        ] {
            assert_eq!(claims(other, reading.clone()), None, "{other}");
        }
    }
}
