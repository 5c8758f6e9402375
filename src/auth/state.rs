use std::sync::Arc;

use crate::notify::Mailer;
use crate::rotation::Engine;

use super::caller::TrustedProxies;
use super::passwords::Passwords;
use super::throttle::Throttle;

/// Whether refusals are enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A refused token is answered 401.
    #[default]
    Enforce,
    /// Everything is answered 200; what would have been refused is recorded and reported.
    Observe,
}

/// What every door works with.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The use cases.
    pub engine: Engine,
    /// The password hasher.
    pub passwords: Passwords,
    /// Which attempts are judged, and how long the next one waits.
    pub throttle: Throttle,
    /// Whose word is taken on where a request came from.
    pub proxies: Arc<TrustedProxies>,
    /// How mail leaves the house.
    pub mailer: Mailer,
    /// Whether refusals are enforced.
    pub mode: Mode,
    /// The name of the session cookie.
    pub cookie: Arc<str>,
}

impl AppState {
    /// Puts together what every door works with. `port` is the one it listens on, which keeps
    /// cookies of two installations on one host apart. `mail_url` is `ROLLCALL_MAIL_URL`.
    pub fn new(
        engine: Engine,
        proxies: Vec<ipnet::IpNet>,
        mode: Mode,
        port: u16,
        mail_url: &str,
    ) -> Self {
        let cookie = if is_https(&engine) {
            "__Host-rollcall".to_owned()
        } else {
            format!("rollcall_{port}")
        };
        Self {
            passwords: Passwords::new(engine.random().clone()),
            throttle: Throttle::default(),
            mailer: Mailer::new(mail_url, &engine.settings().public_url),
            proxies: Arc::new(TrustedProxies(proxies)),
            mode,
            cookie: cookie.into(),
            engine,
        }
    }

    /// Whether browsers reach the pages by https, and cookies are for https alone.
    pub fn is_https(&self) -> bool {
        is_https(&self.engine)
    }
}

fn is_https(engine: &Engine) -> bool {
    engine.settings().public_url.starts_with("https://")
}
