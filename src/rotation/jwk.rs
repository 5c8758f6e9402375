use aws_lc_rs::rsa;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::keyring::ALGORITHM;
use crate::store::keys::SigningKey;

/// A public key as RFC 7517 and RFC 8037 write it.
#[derive(Clone, Debug, Serialize)]
pub struct Jwk {
    alg: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    /// Absent where the tokens of the key name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(flatten)]
    material: JwkMaterial,
}

/// What is different from one type of key to the next, in base64url.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kty")]
pub enum JwkMaterial {
    /// Ed25519.
    #[serde(rename = "OKP")]
    Edwards {
        /// The curve.
        crv: &'static str,
        /// The public key.
        x: String,
    },
    /// P-256.
    #[serde(rename = "EC")]
    Curve {
        /// The curve.
        crv: &'static str,
        /// The point.
        x: String,
        /// The point.
        y: String,
    },
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

/// The public half for the JWKS; `None` once it is forgotten, and for a shared secret always.
pub fn jwk(key: &SigningKey) -> Option<Jwk> {
    let public = key.public_key.as_deref()?;
    let (alg, material) = if key.algorithm == ALGORITHM {
        let x = URL_SAFE_NO_PAD.encode(public);
        (ALGORITHM, JwkMaterial::Edwards { crv: "Ed25519", x })
    } else {
        imported(&key.algorithm, public)?
    };
    Some(Jwk {
        alg,
        purpose: "sig",
        kid: key.reading.names_kid.then(|| key.kid.clone()),
        material,
    })
}

/// The public half of an imported key of another algorithm than our own.
fn imported(algorithm: &str, public: &[u8]) -> Option<(&'static str, JwkMaterial)> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match algorithm {
        "ES256" => {
            // The point as it is stored: 4, then x and y (SEC 1 §2.3.3).
            let (x, y) = public.strip_prefix(&[4])?.split_at_checked(32)?;
            let crv = "P-256";
            Some((
                "ES256",
                JwkMaterial::Curve {
                    crv,
                    x: text(x),
                    y: text(y),
                },
            ))
        }
        "RS256" => {
            let key = rsa::PublicKey::from_der(public).ok()?;
            let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(&key);
            Some((
                "RS256",
                JwkMaterial::Rsa {
                    n: text(&n),
                    e: text(&e),
                },
            ))
        }
        _ => None,
    }
}
