//! The ways in which something is written through the doors of a server that runs, and what each
//! answer claims.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rollcall::auth::{Passwords, Whose};
use rollcall::model::{Digest, Random};
use rollcall::rotation::NewUser;
use secrecy::SecretString;

use crate::books::{Books, Told, ask};
use crate::http::{Answer, Browser, Http};
use crate::place::{Pass, Place};
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;

/// Longer than any request may take.
const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "correct horse battery staple";
const MEMBER: &str = "ana@customer.example";
const ADMIN: &str = "priya@platform.example";
const ACCOUNT: &str = "Customers";

/// A way to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Capture,
    FirstUse,
    Issue,
    Revoke,
    Session,
    Finalise,
}

/// Those that can be gone again and again.
pub const REPEATABLE: [Path; 5] = [
    Path::Capture,
    Path::FirstUse,
    Path::Issue,
    Path::Revoke,
    Path::Session,
];

/// What an answer claims to be written.
#[derive(Clone, Debug)]
pub enum Claim {
    Used(String, Told),
    Issued(Digest),
    Revoked(String),
    Session(Digest),
    Finalised,
}

/// What one try came to.
#[derive(Debug)]
pub enum Outcome {
    Done(Claim),
    /// 503 with `Retry-After`.
    Unavailable,
    /// Anything else.
    Wrong(String),
}

/// What the paths use up.
struct Stock {
    /// Of the old generation, not captured.
    old: Vec<Pass>,
    /// Signed by the new key, not used.
    new: Vec<Pass>,
    revocable: Vec<Pass>,
    integrations: Vec<String>,
    turn: usize,
}

/// A place with customers, a rotation that records, and people signed in.
pub struct Doors {
    address: SocketAddr,
    pub rotation: String,
    name: String,
    stock: Mutex<Stock>,
    member: Mutex<Browser>,
    admin: Mutex<Browser>,
}

impl Doors {
    /// Fills a place. The rotation starts before the server does.
    pub fn prepare(place: &mut Place, many: usize) -> Prepared {
        let revocable = place.issue(ACCOUNT, many);
        let old = place.issue("Old customers", many);
        place.within(async |engine, by| {
            let passwords = Passwords::new(Random::system());
            for (account, email) in [(Some(ACCOUNT), MEMBER), (None, ADMIN)] {
                let whose = Whose {
                    email,
                    has_second_factor: false,
                };
                let password = SecretString::from(PASSWORD);
                let hash = passwords.hash(&password, &whose).await.unwrap();
                let user = NewUser {
                    account: account.map(str::to_owned),
                    name: None,
                    email: email.parse().unwrap(),
                    password_hash: Some(hash),
                };
                engine.create_user(by, user).await.unwrap();
            }
        });
        let rotation = place.start_rotation();
        let new = place.issue("New customers", many);
        // Of their own, so that many may be issued to each.
        let integrations = place.integrations(ACCOUNT, 40);
        Prepared {
            rotation,
            stock: Stock {
                old,
                new,
                revocable,
                integrations,
                turn: 0,
            },
        }
    }

    /// Signs the people in, on a server that answers.
    pub fn open(place: &Place, prepared: Prepared) -> Self {
        let sign_in = |email| {
            let mut browser = Browser::new(place.address, PATIENCE);
            let answer = sign_in(&mut browser, email).unwrap();
            assert_eq!(answer.status, 303, "{}", answer.body);
            Mutex::new(browser)
        };
        Self {
            address: place.address,
            name: place.rotation_name(),
            rotation: prepared.rotation,
            stock: Mutex::new(prepared.stock),
            member: sign_in(MEMBER),
            admin: sign_in(ADMIN),
        }
    }

    /// Goes one way once.
    pub fn go(&self, path: Path) -> Outcome {
        let tried = match path {
            Path::Capture => self.use_one(|stock| &mut stock.old, "recorded already"),
            Path::FirstUse => self.use_one(|stock| &mut stock.new, "new-key"),
            Path::Issue => self.issue(),
            Path::Revoke => self.revoke(),
            Path::Session => self.session(),
            Path::Finalise => self.finalise(),
        };
        tried.unwrap_or_else(|error| Outcome::Wrong(format!("{path:?}: {error}")))
    }

    /// A token that is used up by an answer that says so, and tried again after any other.
    fn use_one(
        &self,
        which: impl Fn(&mut Stock) -> &mut Vec<Pass>,
        receipts: &str,
    ) -> io::Result<Outcome> {
        let pass = which(&mut self.stock.lock().unwrap()).pop();
        let pass = pass.ok_or_else(|| io::Error::other("the tokens of the harness ran out"))?;
        let answer = Http::new(self.address, PATIENCE).verify(&pass.text);
        let receipt = match &answer {
            Ok(answer) if answer.is_success() => answer.header("rollcall-capture").to_owned(),
            _ => String::new(),
        };
        if let Some(told) =
            Told::by(&receipt).filter(|_| receipts.split(' ').any(|one| one == receipt))
        {
            return Ok(Outcome::Done(Claim::Used(pass.id, told)));
        }
        which(&mut self.stock.lock().unwrap()).push(pass);
        Ok(other(&answer?))
    }

    fn issue(&self) -> io::Result<Outcome> {
        let (integration, form) = {
            let mut stock = self.stock.lock().unwrap();
            stock.turn += 1;
            let integration = &stock.integrations[stock.turn % stock.integrations.len()];
            (integration.clone(), format!("form-{}", stock.turn))
        };
        let fields = [("form", form.as_str()), ("old", "keep")];
        let answer = self
            .member()
            .post(&format!("/integrations/{integration}/tokens"), &fields)?;
        let token = answer.between("<output id=\"token\"", "</output>");
        let token = token.and_then(|text| text.split_once('>'));
        Ok(match token {
            Some((_, text)) if answer.status == 200 => {
                Outcome::Done(Claim::Issued(Digest::of(plain(text).as_bytes())))
            }
            _ => other(&answer),
        })
    }

    fn revoke(&self) -> io::Result<Outcome> {
        let pass = self.stock.lock().unwrap().revocable.pop();
        let pass = pass.ok_or_else(|| io::Error::other("the tokens of the harness ran out"))?;
        let path = format!(
            "/integrations/{}/tokens/{}/revoke",
            pass.integration, pass.id
        );
        let answer = self.member().post(&path, &[]);
        let done = answer.as_ref().is_ok_and(|answer| {
            answer.status == 303 && answer.header("location").starts_with("/integrations/")
        });
        if done {
            return Ok(Outcome::Done(Claim::Revoked(pass.id)));
        }
        self.stock.lock().unwrap().revocable.push(pass);
        Ok(other(&answer?))
    }

    fn session(&self) -> io::Result<Outcome> {
        let mut browser = Browser::new(self.address, PATIENCE);
        let answer = sign_in(&mut browser, MEMBER)?;
        let cookie = browser
            .cookies
            .iter()
            .find(|(name, _)| name.starts_with("rollcall"));
        Ok(match cookie {
            Some((_, value)) if answer.status == 303 => {
                let id = URL_SAFE_NO_PAD.decode(value).map_err(io::Error::other)?;
                Outcome::Done(Claim::Session(Digest::of(&id)))
            }
            _ => other(&answer),
        })
    }

    fn finalise(&self) -> io::Result<Outcome> {
        let path = format!("/admin/rotations/{}/finalise", self.rotation);
        let fields = [
            ("stops", "yes"),
            ("sessions", "yes"),
            ("promise", "yes"),
            ("confirm", self.name.as_str()),
        ];
        let answer = self.admin.lock().unwrap().post(&path, &fields)?;
        let done = answer.status == 303 && answer.header("location").contains(&self.rotation);
        Ok(if done {
            Outcome::Done(Claim::Finalised)
        } else {
            other(&answer)
        })
    }

    /// The member's browser, as it stands: one try does not wait for another.
    fn member(&self) -> Browser {
        let member = self.member.lock().unwrap();
        let mut browser = Browser::new(self.address, PATIENCE);
        browser.cookies = member.cookies.clone();
        browser
    }
}

/// What [`Doors::prepare`] left.
pub struct Prepared {
    rotation: String,
    stock: Stock,
}

fn sign_in(browser: &mut Browser, email: &str) -> io::Result<Answer> {
    let fields = [
        ("email", email),
        ("password", PASSWORD),
        ("next", "/status"),
    ];
    browser.post("/login", &fields)
}

fn other(answer: &Answer) -> Outcome {
    match answer.status {
        503 if !answer.header("retry-after").is_empty() => Outcome::Unavailable,
        status => {
            let title = answer
                .between("<title>", "</title>")
                .unwrap_or(&answer.body);
            let retry = answer.header("retry-after");
            let location = answer.header("location");
            Outcome::Wrong(format!("{status} {retry}{location} {title}"))
        }
    }
}

/// The text in a piece of a page.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// How many claims the database does not bear out.
pub async fn unfounded(url: &str, rotation: &str, claims: &[Claim]) -> usize {
    let books = Books::read(url, rotation).await;
    let mut unfounded = 0;
    for claim in claims {
        let found: Vec<(i64,)> = match claim {
            Claim::Used(token, told) => {
                unfounded += usize::from(!books.bear_out(token, *told));
                continue;
            }
            Claim::Issued(digest) => ask!(
                url,
                sqlx::query_as("select count(*) from tokens where digest = $1")
                    .bind(digest.as_bytes().to_vec())
            ),
            Claim::Revoked(token) => ask!(
                url,
                sqlx::query_as(
                    "select count(*) from tokens where id = $1 and revoked_at is not null"
                )
                .bind(token)
            ),
            Claim::Session(digest) => ask!(
                url,
                sqlx::query_as("select count(*) from sessions where digest = $1")
                    .bind(digest.as_bytes().to_vec())
            ),
            Claim::Finalised => ask!(
                url,
                sqlx::query_as(
                    "select count(*) from rotations where id = $1 and phase = 'finalised'"
                )
                .bind(rotation)
            ),
        };
        unfounded += usize::from(found[0].0 != 1);
    }
    unfounded
}
