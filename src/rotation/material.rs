//! Keys of other platforms, as they are written: PEM, JSON Web Key, or a shared secret.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::model::InvalidInput;

/// What stands before the 32 bytes of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410 §4).
const ED25519_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// What stands before the uncompressed point of a P-256 key in its `SubjectPublicKeyInfo` (RFC 5480 §2).
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The least bytes of a shared secret: what is shorter can be guessed from one token.
const SHORTEST_SECRET: usize = 16;
/// What HS256 asks for (RFC 7518 §3.2).
pub const SOUND_SECRET: usize = 32;
/// More than any secret: HMAC hashes what is longer than 64 bytes.
const LONGEST_SECRET: usize = 1_024;

/// A key that verifies what another platform has issued. Debug prints its algorithm alone.
pub struct Material {
    algorithm: &'static str,
    bytes: Zeroizing<Vec<u8>>,
    /// The name that it was written with.
    kid: Option<String>,
}

/// How a shared secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretForm {
    /// Base64, either alphabet, padded or not.
    Base64,
    /// Its bytes are those of the text.
    Text,
}

impl Material {
    /// Reads a public key in PEM, a JSON Web Key, or, where it is neither, a shared secret for HS256.
    ///
    /// # Errors
    /// In words that say what is taken; never with a part of what was given.
    pub fn read(given: &[u8], form: SecretForm) -> Result<Self, InvalidInput> {
        let text = std::str::from_utf8(given)
            .map_err(|_| key("is text: PEM, a JSON Web Key, or a secret in base64"))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.contains("-----BEGIN ") {
            of_pem(text)
        } else if text.starts_with('{') {
            of_jwk(text)
        } else {
            of_secret(text, form)
        }
    }

    /// The one algorithm it is used with.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The name that it was written with, in a JSON Web Key.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it is a secret that the other platform shares.
    pub fn is_secret(&self) -> bool {
        self.algorithm == "HS256"
    }

    /// Its bytes as they are stored: a secret, an Ed25519 key, an uncompressed point, or an
    /// `RSAPublicKey` (RFC 8017 A.1.1).
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({})", self.algorithm)
    }
}

const fn key(takes: &'static str) -> InvalidInput {
    InvalidInput::new("key", takes)
}

fn material(algorithm: &'static str, bytes: Vec<u8>) -> Material {
    Material {
        algorithm,
        bytes: Zeroizing::new(bytes),
        kid: None,
    }
}

fn of_pem(text: &str) -> Result<Material, InvalidInput> {
    let parsed = pem::parse(text).map_err(|_| key("in PEM is whole, from BEGIN to END"))?;
    match parsed.tag() {
        "PUBLIC KEY" => of_spki(parsed.contents()),
        "RSA PUBLIC KEY" => of_rsa(parsed.contents()),
        "CERTIFICATE" => Err(key(
            "is no certificate: take its key out with `openssl x509 -pubkey -noout -in FILE`",
        )),
        tag if tag.ends_with("PRIVATE KEY") => Err(key(
            "is the public half alone, and the private half stays where it is: `openssl pkey -pubout -in FILE`",
        )),
        _ => Err(key("in PEM begins with -----BEGIN PUBLIC KEY-----")),
    }
}

fn of_spki(der: &[u8]) -> Result<Material, InvalidInput> {
    if let Some(raw) = der.strip_prefix(&ED25519_HEAD) {
        of_ed25519(raw)
    } else if let Some(point) = der.strip_prefix(&P256_HEAD) {
        of_point(point)
    } else {
        of_rsa(der)
    }
}

fn of_rsa(der: &[u8]) -> Result<Material, InvalidInput> {
    let parsed = rsa::PublicKey::from_der(der)
        .map_err(|_| key("is RSA, P-256 or Ed25519, for RS256, ES256 or EdDSA"))?;
    if !(256..=1_024).contains(&parsed.modulus_len()) {
        return Err(key("for RS256 has 2048 to 8192 bits"));
    }
    Ok(material("RS256", parsed.as_ref().to_vec()))
}

fn of_point(point: &[u8]) -> Result<Material, InvalidInput> {
    let on_curve = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok();
    if point.len() != 65 || !on_curve {
        return Err(key("for ES256 is an uncompressed point on P-256"));
    }
    Ok(material("ES256", point.to_vec()))
}

fn of_ed25519(raw: &[u8]) -> Result<Material, InvalidInput> {
    if raw.len() != 32 || ParsedPublicKey::new(&ED25519, raw).is_err() {
        return Err(key("for EdDSA is an Ed25519 key of 32 bytes"));
    }
    Ok(material(super::keyring::ALGORITHM, raw.to_vec()))
}

/// A JSON Web Key (RFC 7517), as far as it is read.
#[derive(Deserialize)]
struct Raw {
    kty: String,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<SecretString>,
    d: Option<serde::de::IgnoredAny>,
}

fn of_jwk(text: &str) -> Result<Material, InvalidInput> {
    let raw: Raw = serde_json::from_str(text).map_err(|_| {
        key("as JSON is one JSON Web Key with a `kty`, not a set: take one out of `keys`")
    })?;
    if raw.d.is_some() {
        return Err(key(
            "is the public half alone: take `d` and what belongs to it out of the JSON Web Key",
        ));
    }
    let part = |part: &Option<String>| {
        let text = part
            .as_deref()
            .ok_or(key("as JSON has every part of its `kty`"))?;
        lenient(false)
            .decode(text)
            .map_err(|_| key("as JSON has its parts in base64url"))
    };
    let mut found = match (raw.kty.as_str(), raw.crv.as_deref()) {
        ("RSA", _) => of_rsa_parts(&part(&raw.n)?, &part(&raw.e)?)?,
        ("EC", Some("P-256")) => {
            of_point(&[[4].as_slice(), &part(&raw.x)?, &part(&raw.y)?].concat())?
        }
        ("OKP", Some("Ed25519")) => of_ed25519(&part(&raw.x)?)?,
        ("oct", _) => of_secret(
            raw.k.as_ref().map_or("", |k| k.expose_secret()),
            SecretForm::Base64,
        )?,
        _ => return Err(key("is RSA, P-256, Ed25519 or a shared secret")),
    };
    if raw.alg.is_some_and(|named| named != found.algorithm) {
        return Err(key(
            "is for RS256, ES256, EdDSA or HS256, and its `alg` says the one that fits its `kty`",
        ));
    }
    found.kid = raw.kid;
    Ok(found)
}

fn of_rsa_parts(n: &[u8], e: &[u8]) -> Result<Material, InvalidInput> {
    let wrong = key("as JSON has the modulus and exponent of an RSA key of 2048 to 8192 bits");
    let trimmed = |bytes: &[u8]| -> Vec<u8> {
        bytes
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect()
    };
    let parts = RsaPublicKeyComponents {
        n: trimmed(n),
        e: trimmed(e),
    };
    let der: PublicKeyX509Der<'_> = parts.as_der().map_err(|_| wrong)?;
    of_rsa(der.as_ref())
}

fn of_secret(text: &str, form: SecretForm) -> Result<Material, InvalidInput> {
    let bytes = match form {
        SecretForm::Text => text.as_bytes().to_vec(),
        SecretForm::Base64 => {
            let url = text.contains(['-', '_']);
            lenient(!url).decode(text).map_err(|_| {
                key("is PEM, a JSON Web Key, or a secret in base64; for a secret that is plain text, say so")
            })?
        }
    };
    let found = material("HS256", bytes);
    if found.bytes.len() < SHORTEST_SECRET {
        return Err(key(
            "that is a shared secret has at least 16 bytes: a shorter one can be guessed from a single token. Import a ledger of the tokens instead",
        ));
    }
    if found.bytes.len() > LONGEST_SECRET {
        return Err(key("that is a shared secret has at most 1024 bytes"));
    }
    Ok(found)
}

/// Base64 in one of its alphabets, with padding or without: others write it as they like.
fn lenient(standard: bool) -> GeneralPurpose {
    let alphabet = if standard {
        &base64::alphabet::STANDARD
    } else {
        &base64::alphabet::URL_SAFE
    };
    let any = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    general_purpose::GeneralPurpose::new(alphabet, any)
}
