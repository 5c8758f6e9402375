//! What somebody with the real old private key makes of registered tokens, and what somebody
//! without one tries (RFC 8725).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// A request that must be refused.
pub struct Forgery {
    pub trick: &'static str,
    /// Its Authorization headers.
    pub headers: Vec<String>,
    pub query: String,
}

pub struct Forger {
    stolen: Ed25519KeyPair,
    own: Ed25519KeyPair,
    public: Vec<u8>,
    kid: String,
    new_kid: Option<String>,
    tokens: Vec<String>,
    rng: Rng,
}

type Make = fn(&mut Forger, &str) -> String;

/// Each makes one token of a registered one.
const KINDS: &[(&str, Make)] = &[
    ("copied jti, another integration", |f, t| {
        f.with_claim(t, "sub", json!("int_01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    }),
    ("copied jti, an expiry added", |f, t| {
        f.with_claim(t, "exp", json!(4_102_444_800_i64))
    }),
    ("copied jti, another audience", |f, t| {
        f.with_claim(t, "aud", json!("everybody"))
    }),
    ("backdated iat", |f, t| {
        let back = f.rng.i64(1..86_400_000);
        let iat = claims(t)["iat"].as_i64().unwrap() - back;
        f.with_claim(t, "iat", json!(iat))
    }),
    ("a jti of its own", |f, t| {
        let jti = URL_SAFE_NO_PAD.encode(f.bytes::<16>());
        f.with_claim(t, "jti", json!(jti))
    }),
    ("claims in another order", |f, t| {
        let claims = claims(t);
        let members: Vec<String> = claims
            .iter()
            .map(|(k, v)| format!("{k:?}:{v}"))
            .rev()
            .collect();
        f.sign(&head_text(t), &format!("{{{}}}", members.join(",")))
    }),
    ("a space in the claims", |f, t| {
        let (_, body) = parts_text(t);
        f.sign(&head_text(t), &body.replacen(',', ", ", 1))
    }),
    ("a member twice in the claims", |f, t| {
        let (_, body) = parts_text(t);
        f.sign(&head_text(t), &body.replacen('{', "{\"sub\":\"int_x\",", 1))
    }),
    ("typ JWT", |f, t| f.with_head(t, "typ", json!("JWT"))),
    ("typ in another case", |f, t| {
        f.with_head(t, "typ", json!("AT+JWT"))
    }),
    ("typ an application type", |f, t| {
        f.with_head(t, "typ", json!("application/at+jwt"))
    }),
    ("no typ", |f, t| f.without_head(t, "typ")),
    ("cty JWT", |f, t| f.with_head(t, "cty", json!("JWT"))),
    ("alg none", |f, t| f.unsigned(t, "none")),
    ("alg None", |f, t| f.unsigned(t, "None")),
    ("alg nOnE", |f, t| f.unsigned(t, "nOnE")),
    ("alg none, its signature kept", |f, t| {
        f.with_head(t, "alg", json!("none"))
    }),
    ("no alg", |f, t| f.without_head(t, "alg")),
    ("alg a list", |f, t| {
        f.with_head(t, "alg", json!(["EdDSA", "none"]))
    }),
    ("alg Ed25519", |f, t| {
        f.with_head(t, "alg", json!("Ed25519"))
    }),
    ("alg eddsa", |f, t| f.with_head(t, "alg", json!("eddsa"))),
    ("alg RS256", |f, t| f.with_head(t, "alg", json!("RS256"))),
    ("alg ES256", |f, t| f.with_head(t, "alg", json!("ES256"))),
    ("alg PS512", |f, t| f.with_head(t, "alg", json!("PS512"))),
    ("HS256 with the public key", |f, t| {
        let key = f.public.clone();
        f.hmac(t, &key)
    }),
    ("HS256 with the public key in base64url", |f, t| {
        let key = URL_SAFE_NO_PAD.encode(&f.public);
        f.hmac(t, key.as_bytes())
    }),
    ("HS256 with the public key in PEM", |f, t| {
        let der = [
            &[
                0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
            ],
            &*f.public,
        ];
        let der = STANDARD.encode(der.concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
        f.hmac(t, pem.as_bytes())
    }),
    ("HS256 with nothing", |f, t| f.hmac(t, b"")),
    ("the new kid, the old signature", |f, t| {
        let kid = f
            .new_kid
            .clone()
            .unwrap_or_else(|| "g2-AAAAAAAA".to_owned());
        f.with_head(t, "kid", json!(kid))
    }),
    ("an unknown kid", |f, t| {
        f.with_head(t, "kid", json!("g9-unknown_"))
    }),
    ("a kid that is a path", |f, t| {
        f.with_head(t, "kid", json!("../../../../dev/null"))
    }),
    ("a kid that is SQL", |f, t| {
        f.with_head(t, "kid", json!("x' or '1'='1"))
    }),
    ("a kid that is a number", |f, t| {
        f.with_head(t, "kid", json!(1))
    }),
    ("a kid with a NUL", |f, t| {
        let kid = format!("{}\0", f.kid);
        f.with_head(t, "kid", json!(kid))
    }),
    ("an empty kid", |f, t| f.with_head(t, "kid", json!(""))),
    ("no kid", |f, t| f.without_head(t, "kid")),
    ("jku", |f, t| {
        f.with_head(t, "jku", json!("https://evil.example/jwks.json"))
    }),
    ("x5u", |f, t| {
        f.with_head(t, "x5u", json!("https://evil.example/x.pem"))
    }),
    ("x5c", |f, t| f.with_head(t, "x5c", json!(["MIIB"]))),
    ("crit", |f, t| f.with_head(t, "crit", json!(["exp"]))),
    ("b64 false", |f, t| f.with_head(t, "b64", json!(false))),
    ("zip", |f, t| f.with_head(t, "zip", json!("DEF"))),
    ("jwk of its own, signed with it", |f, t| {
        let x = URL_SAFE_NO_PAD.encode(f.own.public_key().as_ref());
        let mut head = head(t);
        head.insert(
            "jwk".to_owned(),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        );
        f.own_signature(&Value::Object(head).to_string(), t)
    }),
    ("signed with a key of its own", |f, t| {
        f.own_signature(&head_text(t), t)
    }),
    ("alg twice", |f, t| f.twice(t, "\"alg\":\"none\"")),
    ("kid twice", |f, t| f.twice(t, "\"kid\":\"g9\"")),
    ("another token's signature", |f, t| {
        let other = f.any_token();
        let (message, mine) = t.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        // Its own would be the token itself.
        let signature = if signature == mine { "AAAA" } else { signature };
        format!("{message}.{signature}")
    }),
    ("a signature of zeros", |_, t| {
        let (message, _) = t.rsplit_once('.').unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64]))
    }),
    ("S of the signature plus the order", |_, t| malleable(t)),
    ("a signature cut short", |f, t| {
        t[..t.len() - f.rng.usize(1..80)].to_owned()
    }),
    ("no signature", |_, t| {
        format!("{}.", t.rsplit_once('.').unwrap().0)
    }),
    ("one bit changed", |f, t| f.flipped(t)),
    ("padding", |_, t| {
        let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
        t.split('.').map(padded).collect::<Vec<_>>().join(".") + "="
    }),
    ("bits beyond the last byte", |f, t| f.beyond(t)),
    ("the other alphabet", |_, t| {
        let other = t.replace('-', "+").replace('_', "/");
        if other == t { format!("{t}/") } else { other }
    }),
    ("a space inside", |f, t| f.inserted(t, ' ')),
    ("a tab inside", |f, t| f.inserted(t, '\t')),
    ("a part more", |f, t| f.inserted(t, '.')),
    ("five parts, as if encrypted", |_, t| {
        format!("{t}.AAAA.AAAA")
    }),
    ("JSON in place of the compact form", |_, t| {
        let mut parts = t.split('.');
        let mut next = || parts.next().unwrap();
        json!({ "protected": next(), "payload": next(), "signature": next() }).to_string()
    }),
    ("another case", |_, t| t.to_ascii_uppercase()),
    ("in quotes", |_, t| format!("\"{t}\"")),
    ("twice, with a comma", |_, t| format!("{t},{t}")),
    ("percent-encoded dots", |_, t| t.replace('.', "%2E")),
    ("a very long one", |f, t| {
        let long = "x".repeat(4_096);
        f.with_claim(t, "pad", json!(long))
    }),
];

/// How many tricks there are.
pub const TRICKS: usize = KINDS.len();

fn parts_text(token: &str) -> (String, String) {
    let mut parts = token.split('.');
    let mut next =
        || String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap();
    (next(), next())
}

fn head_text(token: &str) -> String {
    parts_text(token).0
}

fn head(token: &str) -> Map<String, Value> {
    serde_json::from_str(&parts_text(token).0).unwrap()
}

fn claims(token: &str) -> Map<String, Value> {
    serde_json::from_str(&parts_text(token).1).unwrap()
}

/// The same signature with another S: S + L, which a careless check takes for the same
/// (RFC 8032 §5.1.7 forbids it).
fn malleable(token: &str) -> String {
    /// The order of the base point, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

impl Forger {
    pub fn new(
        stolen: Ed25519KeyPair,
        public: Vec<u8>,
        kid: String,
        tokens: Vec<String>,
        rng: Rng,
    ) -> Self {
        let mut seed = [0; 32];
        rand::fill(&mut seed).unwrap();
        let own = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        Self {
            stolen,
            own,
            public,
            kid,
            new_kid: None,
            tokens,
            rng,
        }
    }

    /// The key that signs since the rotation began: its name is public.
    pub fn new_kid(&mut self, kid: String) {
        self.new_kid = Some(kid);
    }

    /// How many registered tokens come out when their own header and claims are signed again.
    pub fn signs_the_same_again(&self) -> usize {
        let same = |token: &&String| {
            let (head, body) = parts_text(token);
            self.sign(&head, &body) == **token
        };
        self.tokens.iter().filter(same).count()
    }

    pub fn forge(&mut self) -> Forgery {
        let (trick, make) = KINDS[self.rng.usize(..KINDS.len())];
        let token = self.any_token();
        let forged = make(self, &token);
        assert!(
            !self.tokens.contains(&forged),
            "\"{trick}\" made a registered token"
        );
        let schemes = [
            "Bearer ", "bearer ", "BEARER ", "Bearer  ", "Bearer\t", " Bearer ", "JWT ", "",
        ];
        let scheme = schemes[if self.rng.bool() {
            0
        } else {
            self.rng.usize(..schemes.len())
        }];
        let mut headers = vec![format!("{scheme}{forged}")];
        let mut query = String::new();
        match self.rng.u8(..20) {
            // The real token beside it must not help.
            0 => headers.push(format!("Bearer {token}")),
            1 => headers.insert(0, format!("Bearer {token}")),
            2 => {
                query = format!("?access_token={token}");
            }
            _ => {}
        }
        Forgery {
            trick,
            headers,
            query,
        }
    }

    fn any_token(&mut self) -> String {
        let number = self.rng.usize(..self.tokens.len());
        self.tokens[number].clone()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// Signs with the stolen key.
    fn sign(&self, head: &str, body: &str) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(head),
            URL_SAFE_NO_PAD.encode(body)
        );
        let signature = URL_SAFE_NO_PAD.encode(self.stolen.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn own_signature(&self, head: &str, token: &str) -> String {
        let body = token.split('.').nth(1).unwrap();
        let message = format!("{}.{body}", URL_SAFE_NO_PAD.encode(head));
        let signature = URL_SAFE_NO_PAD.encode(self.own.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn with_claim(&self, token: &str, name: &str, value: Value) -> String {
        let mut claims = claims(token);
        claims.insert(name.to_owned(), value);
        self.sign(&head_text(token), &Value::Object(claims).to_string())
    }

    fn with_head(&self, token: &str, name: &str, value: Value) -> String {
        let mut head = head(token);
        head.insert(name.to_owned(), value);
        self.sign(&Value::Object(head).to_string(), &parts_text(token).1)
    }

    fn without_head(&self, token: &str, name: &str) -> String {
        let mut head = head(token);
        head.remove(name);
        self.sign(&Value::Object(head).to_string(), &parts_text(token).1)
    }

    /// A header with one more member at its end, which one reader takes and another leaves.
    fn twice(&self, token: &str, member: &str) -> String {
        let (head, body) = parts_text(token);
        self.sign(&format!("{},{member}}}", &head[..head.len() - 1]), &body)
    }

    fn unsigned(&self, token: &str, alg: &str) -> String {
        let signed = self.with_head(token, "alg", json!(alg));
        format!("{}.", signed.rsplit_once('.').unwrap().0)
    }

    fn hmac(&self, token: &str, key: &[u8]) -> String {
        let signed = self.with_head(token, "alg", json!("HS256"));
        let (message, _) = signed.rsplit_once('.').unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn flipped(&mut self, token: &str) -> String {
        let mut parts: Vec<Vec<u8>> = token
            .split('.')
            .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
            .collect();
        let part = self.rng.usize(..parts.len());
        let at = self.rng.usize(..parts[part].len());
        parts[part][at] ^= 1 << self.rng.u8(..8);
        let parts: Vec<String> = parts
            .iter()
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .collect();
        parts.join(".")
    }

    /// The same bytes in another text, which a careless decoder takes for the same.
    fn beyond(&mut self, token: &str) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = token.as_bytes().to_vec();
        // 64 bytes leave four bits over.
        let last = text.len() - 1;
        let value = ALPHABET.iter().position(|c| *c == text[last]).unwrap();
        text[last] = ALPHABET[value | self.rng.usize(1..16)];
        String::from_utf8(text).unwrap()
    }

    fn inserted(&mut self, token: &str, what: char) -> String {
        let mut text = token.to_owned();
        text.insert(self.rng.usize(1..token.len()), what);
        text
    }
}
