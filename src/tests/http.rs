use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use secrecy::SecretString;
use tower::ServiceExt as _;

use super::world::World;
use crate::auth::Whose;
use crate::model::{Digest, Person};
use crate::notify;
use crate::rotation::NewUser;
use crate::store::users;
use crate::web::{self, AppState, Mode};

/// The password of every user that tests create.
pub const PASSWORD: &str = "correct horse battery staple";

/// The site of a world, and users to visit it as.
pub struct Site {
    pub world: World,
    pub app: AppState,
    router: Router,
}

/// An answer, read whole.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The text of the first element that `start` begins, up to `end`.
    pub fn between(&self, start: &str, end: &str) -> &str {
        let from = self
            .body
            .find(start)
            .unwrap_or_else(|| panic!("no {start} in {}", self.body))
            + start.len();
        let length = self.body[from..].find(end).unwrap();
        &self.body[from..from + length]
    }

    /// The value of a hidden or filled-in field.
    pub fn field(&self, name: &str) -> String {
        let at = self
            .body
            .find(&format!("name=\"{name}\""))
            .unwrap_or_else(|| panic!("no field {name} in {}", self.body));
        let start = self.body[..at].rfind('<').unwrap();
        let tag = &self.body[start..start + self.body[start..].find('>').unwrap()];
        let value = tag
            .split("value=\"")
            .nth(1)
            .unwrap_or_else(|| panic!("no value in {tag}"));
        value.split('"').next().unwrap().replace("&amp;", "&")
    }

    pub fn h1(&self) -> String {
        let whole = self.between("<h1", "</h1>");
        let inside = whole.split_once('>').unwrap().1;
        let mut text = String::new();
        let mut in_tag = false;
        for c in inside.chars() {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c if !in_tag => text.push(c),
                _ => {}
            }
        }
        text
    }
}

impl Site {
    pub async fn of(world: World) -> Self {
        Self::with_mode(world, Mode::Enforce).await
    }

    pub async fn with_mode(world: World, mode: Mode) -> Self {
        world.engine.serve().await.unwrap();
        let mail = format!("file://{}", world.folder().join("mail").display());
        let app = AppState::new(world.engine.clone(), Vec::new(), mode, 3000, &mail);
        Self {
            router: web::router(&app),
            app,
            world,
        }
    }

    /// Creates a user: a member of an account, or an admin.
    pub async fn user(&self, account: Option<&str>, email: &str) {
        let hash = self
            .app
            .passwords
            .hash(
                &SecretString::from(PASSWORD),
                &Whose {
                    email,
                    has_second_factor: false,
                },
            )
            .await
            .unwrap();
        let new = NewUser {
            account: account.map(str::to_owned),
            name: None,
            email: email.parse().unwrap(),
            password_hash: Some(hash),
        };
        self.world
            .engine
            .create_user(&self.world.operator, new)
            .await
            .unwrap();
    }

    /// Changes a user's password, as they do it in another browser.
    pub async fn change_password(&self, email: &str) {
        let by = Digest::of(b"another browser");
        let mut tx = self.world.engine.db().read().await.unwrap();
        let user = users::by_email(&mut tx, email).await.unwrap().unwrap();
        drop(tx);
        let person = Person::vouch(user.id, user.account_id, user.email);
        let hash = "a hash of another password".to_owned();
        self.world
            .engine
            .change_password(&person, by, user.password_hash, hash)
            .await
            .unwrap();
    }

    /// Sends the letters that are due, into files of the folder `mail`.
    pub async fn deliver(&self) {
        notify::deliver_due(&self.app.engine, &self.app.mailer)
            .await
            .unwrap();
    }

    /// A browser without script that nobody has signed in with.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            at: None,
        }
    }

    /// A browser that is signed in.
    pub async fn signed_in(&self, email: &str) -> Visitor {
        let mut visitor = self.visitor();
        let page = visitor
            .post(
                "/login",
                &[
                    ("email", email),
                    ("password", PASSWORD),
                    ("next", "/status"),
                ],
            )
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        visitor
    }

    /// What a gateway asks.
    pub async fn verify(&self, token: &str) -> Page {
        let request = Request::get("/verify").header(AUTHORIZATION, format!("Bearer {token}"));
        answer(&self.router, request.body(Body::empty()).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> Page {
        answer(&self.router, request).await
    }
}

/// A browser without script.
pub struct Visitor {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    /// The page it stands on, which it names when it sends a form.
    at: Option<String>,
}

impl Visitor {
    pub async fn get(&mut self, path: &str) -> Page {
        self.at = Some(path.to_owned());
        self.send(Method::GET, path, Body::empty()).await
    }

    /// Gets a page, and what it redirects to.
    pub async fn follow(&mut self, path: &str) -> Page {
        let mut page = self.get(path).await;
        for _ in 0..5 {
            if !page.status.is_redirection() {
                return page;
            }
            let location = page.header(LOCATION.as_str()).to_owned();
            page = self.get(&location).await;
        }
        panic!("redirected round in a circle from {path}");
    }

    /// Posts a form as a browser without script posts it.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encode = |text: &str| -> String {
            text.bytes()
                .map(|byte| {
                    if byte.is_ascii_alphanumeric() {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect()
        };
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        self.send(Method::POST, path, Body::from(body.join("&")))
            .await
    }

    /// Posts a text as it is, as a script does.
    pub async fn ask(&mut self, path: &str, body: &str) -> Page {
        self.send(Method::POST, path, Body::from(body.to_owned()))
            .await
    }

    async fn send(&mut self, method: Method, path: &str, body: Body) -> Page {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let is_form = method == Method::POST;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:3000")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(at) = self.at.as_ref().filter(|_| is_form) {
            request = request.header(REFERER, format!("http://127.0.0.1:3000{at}"));
        }
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let page = answer(&self.router, request.body(body).unwrap()).await;
        for cookie in page.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }
}

async fn answer(router: &Router, mut request: Request<Body>) -> Page {
    let peer: SocketAddr = "203.0.113.7:50000".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 10_000_000).await.unwrap();
    Page {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
