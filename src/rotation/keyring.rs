use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::decide::Signature;
use super::error::{Result, RotationError};
use super::master::MasterKeys;
use crate::model::{Digest, Generation, InvalidInput, PlainToken, Random, hex};
use crate::store::keys::SigningKey;

/// The algorithm of every key generated here (RFC 8037).
pub const ALGORITHM: &str = "EdDSA";
const NONCE_LENGTH: usize = 12;
/// What stands before the seed in a PKCS#8 v1 Ed25519 private key (RFC 8410).
const PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// 32 bytes that seal every private key at rest. Debug prints which one it is, never what it is.
/// They stand in one place of memory, whatever the number of handles, and are zeroed with the last.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; 32]>>);

impl MasterKey {
    /// Reads 32 bytes in standard base64 (RFC 4648 §4).
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_base64(text: &str) -> Result<Self, InvalidInput> {
        let wrong = InvalidInput::new(
            "master key",
            "is 32 bytes in standard base64: `openssl rand -base64 32`",
        );
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| wrong.clone())?);
        if bytes.len() != 32 {
            return Err(wrong);
        }
        Ok(Self::filled(|key| key.copy_from_slice(&bytes)))
    }

    /// Draws a new one.
    pub fn generate(random: &Random) -> Self {
        Self::filled(|key| random.fill(key))
    }

    /// Written where it stays: what is moved about leaves copies behind.
    fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut bytes = Arc::new(Zeroizing::new([0; 32]));
        if let Some(bytes) = Arc::get_mut(&mut bytes) {
            fill(bytes);
        }
        Self(bytes)
    }

    /// The key in standard base64, for the one file that holds it.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }

    /// A name for this key that does not give it away: 8 bytes of a digest.
    pub fn fingerprint(&self) -> String {
        let mut labelled = Zeroizing::new(b"rollcall master key fingerprint\0".to_vec());
        labelled.extend_from_slice(self.0.as_slice());
        hex(&Digest::of(&labelled).as_bytes()[..8])
    }

    /// Encrypts and authenticates `secret`; `context` must be the same at opening.
    pub(super) fn seal(&self, secret: &[u8], context: &str, random: &Random) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = random.bytes();
        let mut sealed = nonce.to_vec();
        // With room for the tag: a buffer that grows leaves its old place as it was.
        let mut body = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(secret);
        self.cipher()
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut body,
            )
            // AES-GCM fails only beyond 64 GiB.
            .expect("a key of 32 bytes can be sealed");
        sealed.append(&mut body);
        sealed
    }

    /// Opens what [`MasterKey::seal`] sealed under the same `context`; `None` when it is anything else.
    pub(super) fn open(&self, sealed: &[u8], context: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LENGTH)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .cipher()
            .open_in_place(nonce, Aad::from(context), &mut body)
            .ok()?
            .len();
        body.truncate(length);
        Some(body)
    }

    fn cipher(&self) -> LessSafeKey {
        // 32 bytes are what AES-256 takes.
        LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, self.0.as_slice()).expect("32 bytes make an AES-256 key"),
        )
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.fingerprint())
    }
}

/// A key pair that was just generated: what goes into the store.
pub struct Generated {
    /// Its name.
    pub kid: String,
    /// The half that verifies.
    pub public: Vec<u8>,
    /// The private half, sealed.
    pub sealed: Vec<u8>,
    /// Which master key sealed it.
    pub sealed_by: String,
}

/// Generates the key pair of a generation. Its private half leaves this function only sealed.
pub fn generate(generation: Generation, master: &MasterKey, random: &Random) -> Generated {
    let kid = format!(
        "g{generation}-{}",
        URL_SAFE_NO_PAD.encode(random.bytes::<6>())
    );
    // Drawn where it stays, as in `MasterKey::filled`.
    let mut seed = Zeroizing::new(vec![0; 32]);
    random.fill(&mut seed);
    // Any 32 bytes are a seed (RFC 8032 §5.1.5).
    let pair =
        Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).expect("32 bytes make an Ed25519 key");
    Generated {
        public: pair.public_key().as_ref().to_vec(),
        sealed: master.seal(seed.as_slice(), &context(&kid), random),
        sealed_by: master.fingerprint(),
        kid,
    }
}

/// Seals what belongs to a key.
pub(super) fn seal(secret: &[u8], kid: &str, master: &MasterKey, random: &Random) -> Vec<u8> {
    master.seal(secret, &context(kid), random)
}

/// Opens what belongs to a key; `None` when another master key sealed it, or it was changed.
pub(super) fn unseal(sealed: &[u8], kid: &str, master: &MasterKey) -> Option<Zeroizing<Vec<u8>>> {
    master.open(sealed, &context(kid))
}

/// What a sealed key is bound to.
fn context(kid: &str) -> String {
    format!("rollcall signing key {kid} active")
}

/// The claims of an access token (RFC 9068, RFC 7519).
#[derive(Serialize)]
pub struct Claims<'c> {
    /// Who issued it.
    pub iss: &'c str,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<&'c str>,
    /// The integration.
    pub sub: &'c str,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Expires at, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// 128 random bits, kept secret.
    pub jti: String,
}

/// Signs a token. The private key is opened for this one call and zeroed after it: here by
/// `Zeroizing`, in jsonwebtoken by `ZeroizeOnDrop` on its copy, in AWS-LC by `OPENSSL_free`, which
/// cleanses. A test looks for what is left in the memory of a process that has signed.
///
/// # Errors
/// [`RotationError::Sealed`] when no master key opens it, or it was destroyed.
pub fn sign(key: &SigningKey, claims: &Claims<'_>, masters: &MasterKeys) -> Result<PlainToken> {
    let closed = || RotationError::Sealed {
        kid: key.kid.clone(),
    };
    let sealed = key.sealed.as_deref().ok_or_else(closed)?;
    let seed = masters
        .of(key)?
        .open(sealed, &context(&key.kid))
        .ok_or_else(closed)?;
    let mut private = Zeroizing::new(Vec::with_capacity(PKCS8_HEAD.len() + seed.len()));
    private.extend_from_slice(&PKCS8_HEAD);
    private.extend_from_slice(&seed);
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid.clone());
    let token = jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&private))
        .map_err(|_| closed())?;
    Ok(PlainToken::new(token))
}

/// Whether a master key is held that opens a key's private half; `true` for one that is destroyed.
pub fn opens(key: &SigningKey, masters: &MasterKeys) -> bool {
    key.sealed.as_deref().is_none_or(|sealed| {
        masters
            .of(key)
            .is_ok_and(|master| master.open(sealed, &context(&key.kid)).is_some())
    })
}

/// Whether a token is too long or not of a form that could have been issued here: three parts of
/// canonical base64url, 4096 bytes at most. No JSON is read.
pub fn is_well_formed(token: &str) -> bool {
    if token.len() > 4096 {
        return false;
    }
    let mut parts = 0;
    for part in token.split('.') {
        parts += 1;
        let canonical = !part.is_empty()
            && match part.len() % 4 {
                1 => false,
                // The bits beyond the last byte must be zero, or two texts would mean one token.
                2 => part
                    .as_bytes()
                    .last()
                    .is_some_and(|last| matches!(last, b'A' | b'Q' | b'g' | b'w')),
                3 => part.as_bytes().last().is_some_and(|last| {
                    matches!(
                        last,
                        b'A' | b'E'
                            | b'I'
                            | b'M'
                            | b'Q'
                            | b'U'
                            | b'Y'
                            | b'c'
                            | b'g'
                            | b'k'
                            | b'o'
                            | b's'
                            | b'w'
                            | b'0'
                            | b'4'
                            | b'8'
                    )
                }),
                _ => true,
            }
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !canonical || parts > 3 {
            return false;
        }
    }
    parts == 3
}

/// The header of a token: the key it names. `None` when it is not one we could have written, or
/// when it asks for what is never honoured (`jku`, `jwk`, `x5u`, `crit`: RFC 8725 §3.10).
pub fn kid(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Ours {
        alg: String,
        kid: String,
        #[serde(default, rename = "typ")]
        _typ: Option<String>,
    }
    // A field twice, or one that is never honoured, even as null, is an error here.
    let ours: Ours = header(token)?;
    (ours.alg == ALGORITHM).then_some(ours.kid)
}

/// What the header of a token says of how to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The algorithm it names. It chooses nothing: the key has one of its own.
    pub algorithm: String,
    /// The key it names.
    pub kid: Option<String>,
}

/// Reads the header of a token that another platform may have written: it need not name its key, and
/// may say more than is understood here. `None` when it is not one, or when it asks for what is never
/// honoured, as in [`kid`].
pub fn head(token: &str) -> Option<Head> {
    #[derive(Deserialize)]
    struct Theirs {
        alg: String,
        kid: Option<String>,
        #[serde(default, deserialize_with = "is_there")]
        jku: Option<IgnoredAny>,
        #[serde(default, deserialize_with = "is_there")]
        jwk: Option<IgnoredAny>,
        #[serde(default, deserialize_with = "is_there")]
        x5u: Option<IgnoredAny>,
        #[serde(default, deserialize_with = "is_there")]
        crit: Option<IgnoredAny>,
    }
    let theirs: Theirs = header(token)?;
    let asks = [theirs.jku, theirs.jwk, theirs.x5u, theirs.crit];
    let asks = asks.iter().any(Option::is_some);
    let named = theirs.kid.as_deref().is_none_or(is_kid);
    (!asks && named).then_some(Head {
        algorithm: theirs.alg,
        kid: theirs.kid,
    })
}

fn header<T: DeserializeOwned>(token: &str) -> Option<T> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice(&header).ok()
}

/// Whatever a field says, even null: it is there.
fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<Option<IgnoredAny>, D::Error> {
    IgnoredAny::deserialize(value).map(Some)
}

/// Whether a text may name a key: 1 to 200 characters, none of them control characters, so that any
/// database takes it.
pub fn is_kid(text: &str) -> bool {
    (1..=200).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// What a token's signature says, checked with the one algorithm stored with the key.
pub fn check(token: &str, key: Option<&SigningKey>) -> Signature {
    let Some(public) = key.and_then(|key| key.public_key.as_deref()) else {
        return Signature::NoKey;
    };
    let Some((message, signature)) = token.rsplit_once('.') else {
        return Signature::Bad;
    };
    let key = DecodingKey::from_ed_der(public);
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::EdDSA) {
        Ok(true) => Signature::Good,
        Ok(false) | Err(_) => Signature::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixMs;

    fn stored(generated: &Generated) -> SigningKey {
        SigningKey {
            kid: generated.kid.clone(),
            generation: Generation::FIRST,
            algorithm: ALGORITHM.to_owned(),
            origin: "generated".to_owned(),
            public_key: Some(generated.public.clone()),
            sealed: Some(generated.sealed.clone()),
            sealed_by: Some(generated.sealed_by.clone()),
            published_at: UnixMs(0),
            activated_at: None,
            deactivated_at: None,
            destroyed_at: None,
            forgotten_at: None,
            reading: crate::store::keys::Reading::default(),
        }
    }

    fn claims() -> Claims<'static> {
        Claims {
            iss: "https://keys.example",
            aud: None,
            sub: "int_1",
            iat: 1,
            exp: None,
            jti: "secret".to_owned(),
        }
    }

    #[test]
    fn a_signed_token_checks_and_a_changed_one_does_not() {
        let random = Random::system();
        let master = MasterKey::generate(&random);
        let key = stored(&generate(Generation::FIRST, &master, &random));
        let token = sign(&key, &claims(), &master.into()).unwrap();
        assert!(is_well_formed(token.expose()));
        assert_eq!(kid(token.expose()).as_deref(), Some(key.kid.as_str()));
        let head = head(token.expose()).unwrap();
        assert_eq!(
            (head.algorithm.as_str(), head.kid.as_deref()),
            (ALGORITHM, Some(key.kid.as_str()))
        );
        assert_eq!(check(token.expose(), Some(&key)), Signature::Good);
        assert_eq!(check(token.expose(), None), Signature::NoKey);
        let other = MasterKey::generate(&random);
        let other = stored(&generate(Generation::FIRST, &other, &random));
        assert_eq!(check(token.expose(), Some(&other)), Signature::Bad);
    }

    #[test]
    fn another_master_key_opens_nothing() {
        let random = Random::system();
        let master = MasterKey::generate(&random);
        let key = stored(&generate(Generation::FIRST, &master, &random));
        let other = MasterKey::generate(&random);
        assert!(opens(&key, &master.clone().into()));
        assert!(!opens(&key, &other.clone().into()));
        assert!(matches!(
            sign(&key, &claims(), &other.into()),
            Err(RotationError::Sealed { .. })
        ));
        assert!(!format!("{master:?}").contains(master.to_base64().as_str()));
    }

    #[test]
    fn only_canonical_tokens_are_looked_at() {
        assert!(is_well_formed("aaaa.bbbb.cccc"));
        for wrong in [
            "",
            "a.b",
            "aaaa.bbbb",
            "aaaa.bbbb.cccc.dddd",
            "aaaa..cccc",
            "aaaa.bb=b.cccc",
            "aaaa.bbbb.ccccB",
            "aaaa.bbbb.cB",
        ] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
        assert!(!is_well_formed(&format!("{}.bbbb.cccc", "a".repeat(4096))));
    }

    fn with_header(json: &str) -> String {
        format!("{}.e30.e30", URL_SAFE_NO_PAD.encode(json))
    }

    #[test]
    fn a_header_that_names_its_own_key_is_refused() {
        for asks in [
            r#""jku":"https://evil.example""#,
            r#""x5u":"https://evil.example""#,
            r#""jwk":{"kty":"oct"}"#,
            r#""crit":["exp"]"#,
            r#""crit":null"#,
            r#""alg":"none""#,
            r#""kid":"g2""#,
        ] {
            let token = with_header(&format!(r#"{{"alg":"EdDSA","kid":"g1",{asks}}}"#));
            assert_eq!(kid(&token), None, "{asks}");
            assert_eq!(head(&token), None, "{asks}");
        }
        for wrong in [r#"{"kid":"g1"}"#, r#"{"alg":"EdDSA","kid":1}"#, "[]", "{"] {
            assert_eq!(kid(&with_header(wrong)), None, "{wrong}");
            assert_eq!(head(&with_header(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_header_that_we_could_not_have_written_names_no_key_of_ours() {
        assert!(kid(&with_header(r#"{"alg":"EdDSA","kid":"g1"}"#)).is_some());
        for not_ours in [
            r#"{"alg":"none","kid":"g1"}"#,
            r#"{"alg":"HS256","kid":"g1"}"#,
            r#"{"alg":"EdDSA"}"#,
            r#"{"alg":"EdDSA","kid":"g1","x5t":"AAAA"}"#,
        ] {
            assert_eq!(kid(&with_header(not_ours)), None, "{not_ours}");
            assert!(head(&with_header(not_ours)).is_some(), "{not_ours}");
        }
        let nameless = head(&with_header(r#"{"alg":"HS256","typ":"JWT","kid":null}"#));
        assert_eq!(nameless.unwrap().kid, None);
        for no_name in [
            r#"{"alg":"EdDSA","kid":""}"#,
            "{\"alg\":\"EdDSA\",\"kid\":\"a\\u0000b\"}",
        ] {
            assert_eq!(head(&with_header(no_name)), None, "{no_name}");
        }
    }
}
