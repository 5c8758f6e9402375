//! Another platform, which has issued tokens of its own.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::model::PlainToken;
use crate::rotation::{KeyImport, Material, SecretForm};
use crate::tests::world::World;

/// The shared secret of every platform that signs with one.
pub const SECRET: &[u8] = b"thirty-two bytes, no more, no less";

/// Another platform and its key.
pub struct Platform {
    algorithm: Algorithm,
    key: EncodingKey,
    /// Its key as an operator would hand it over.
    pub given: String,
    /// What its tokens call it.
    pub kid: Option<&'static str>,
}

fn pem(spki: &[u8]) -> String {
    pem::encode(&pem::Pem::new("PUBLIC KEY", spki))
}

impl Platform {
    pub fn hs256(kid: Option<&'static str>) -> Self {
        Self {
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(SECRET),
            given: STANDARD.encode(SECRET),
            kid,
        }
    }

    pub fn rs256(kid: Option<&'static str>) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self {
            algorithm: Algorithm::RS256,
            // What PKCS#8 puts before an RSAPrivateKey of this size is not wanted.
            key: EncodingKey::from_rsa_der(&private.as_ref()[26..]),
            given: pem(public.as_ref()),
            kid,
        }
    }

    pub fn es256(kid: Option<&'static str>) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self {
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_der(private.as_ref()),
            given: pem(public.as_ref()),
            kid,
        }
    }

    pub fn eddsa(kid: Option<&'static str>) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Self {
            algorithm: Algorithm::EdDSA,
            key: EncodingKey::from_ed_der(private.as_ref()),
            given: json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x }).to_string(),
            kid,
        }
    }

    /// What it issued, as most platforms write it: `typ` JWT, and a `kid` or none.
    pub fn token(&self, claims: &Value) -> PlainToken {
        let mut header = Header::new(self.algorithm);
        header.kid = self.kid.map(str::to_owned);
        PlainToken::new(jsonwebtoken::encode(&header, claims, &self.key).unwrap())
    }

    /// A token of an account's integration that never expires.
    pub fn issued(&self, tenant: &str, client: &str) -> PlainToken {
        self.token(&json!({ "tenant": tenant, "sub": client, "iat": 1_700_000_000, "jti": "keep-this-secret" }))
    }

    /// How its key is taken in.
    pub fn import(&self) -> KeyImport {
        KeyImport {
            material: Material::read(self.given.as_bytes(), SecretForm::Base64).unwrap(),
            kid: self.kid.map(str::to_owned),
            account_claim: Some("tenant".to_owned()),
            integration_claim: None,
            issuer: None,
        }
    }

    /// Takes its key in.
    pub async fn import_into(&self, world: &World) {
        world
            .engine
            .import_key(&world.operator, self.import())
            .await
            .unwrap();
    }
}

/// A token put together by hand: header and claims as they are given, and a signature.
pub fn by_hand(header: &Value, claims: &Value, sign: impl FnOnce(&str) -> Vec<u8>) -> PlainToken {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(&message));
    PlainToken::new(format!("{message}.{signature}"))
}
