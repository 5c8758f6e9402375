//! What an installation is told from outside: defaults < `rollcall.toml` < environment < flags.
//!
//! Every setting has one name: `ROLLCALL_LEASE` in the environment is `lease` in the file. A
//! secret may also stand in a file of its own: `ROLLCALL_MASTER_KEY_FILE`, `master_key_file`.

/// Where values come from, and which one counts.
mod layers;
/// The key that seals every private key.
mod master_key;
/// What each value takes.
mod values;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

pub use crate::auth::Mode;
use crate::model::Span;
use crate::store::Access;
use layers::Layers;
pub use master_key::{MasterKeySource, read_key};

/// Every setting of an installation. Debug shows no secret.
#[derive(Clone)]
pub struct Config {
    /// `ROLLCALL_DATABASE_URL` (or `_FILE`): `sqlite://FILE`, created when missing, or
    /// `postgres://…`. Default `sqlite://data/rollcall.db`.
    pub database_url: String,
    /// `ROLLCALL_DATABASE_POOLER`: `none`, or `transaction` when a pooler in transaction mode stands
    /// before PostgreSQL. Default `none`.
    pub pooled: bool,
    /// `ROLLCALL_DATABASE_DIRECT_URL` (or `_FILE`): the way past the pooler, for migrations.
    pub direct_url: Option<String>,
    /// `ROLLCALL_ADDR`: the address and port to listen on. Default `127.0.0.1:3000`.
    pub address: SocketAddr,
    /// `ROLLCALL_PUBLIC_URL`: where people and gateways reach it, without a slash at the end.
    /// Default `http://ADDRESS`; https everywhere but on the machine itself.
    pub public_url: String,
    /// `ROLLCALL_METRICS_ADDR`: where metrics are served; off when unset.
    pub metrics_address: Option<SocketAddr>,
    /// `ROLLCALL_MASTER_KEY` (or `_FILE`): 32 bytes in standard base64. On SQLite it is generated
    /// beside the database when missing; on PostgreSQL it is required. `ROLLCALL_MASTER_KEY_PREVIOUS`
    /// (or `_FILE`) is held beside it, while `rollcall key reseal` moves everything between the two.
    pub master_key: MasterKeySource,
    /// `ROLLCALL_VERSION_MARK`: the file that says how far the database had come, so that an older
    /// one is noticed. Default: beside a SQLite database (`rollcall.mark`), else `data/rollcall.mark`.
    pub version_mark: PathBuf,
    /// `ROLLCALL_LEASE`: how long a node may answer without hearing from the database. Default 2 s.
    pub lease: Span,
    /// `ROLLCALL_MODE`: `enforce`, or `observe`, which refuses nothing. Default `enforce`.
    pub mode: Mode,
    /// `ROLLCALL_MAIL_URL` (or `_FILE`): `file://FOLDER`, `smtp://…` or `smtps://…`. Default
    /// `file://data/mail`.
    pub mail_url: String,
    /// `ROLLCALL_AUDIENCE`: the audience (`aud`) of access tokens; none when unset.
    pub audience: Option<String>,
    /// `ROLLCALL_TRUSTED_PROXIES`: networks whose `X-Forwarded-For` is believed. None by default.
    pub trusted_proxies: Vec<IpNet>,
    /// `ROLLCALL_LOG`: what is logged, as in `info` or `rollcall=debug,warn`. Default `info`.
    pub log: String,
    /// `ROLLCALL_LOG_FORMAT`: `pretty` or `json`. Default `pretty` on a terminal, else `json`.
    pub log_format: LogFormat,
    /// Whether `public_url` follows from `address`.
    public_url_follows: bool,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// What the command line says; the strongest voice.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The settings file; it must exist. `rollcall.toml`, if there is one, when `None`.
    pub file: Option<PathBuf>,
    /// Read no settings file at all.
    pub alone: bool,
    /// As `ROLLCALL_DATABASE_URL`.
    pub database_url: Option<String>,
    /// As `ROLLCALL_ADDR`.
    pub address: Option<String>,
    /// As `ROLLCALL_PUBLIC_URL`.
    pub public_url: Option<String>,
}

/// Why the settings cannot be used. Each message names the setting and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be.
    #[error("{name}: {given}; it takes {takes}")]
    Value {
        /// The setting, always with its name in the environment.
        name: String,
        /// What was given; for a secret only that it is not valid.
        given: String,
        /// What it takes.
        takes: String,
    },
    /// A setting that must be there.
    #[error("{name} is not set, and {why}")]
    Missing {
        /// Its name in the environment.
        name: &'static str,
        /// Why it is needed, and what it takes.
        why: String,
    },
    /// A file that cannot be read.
    #[error("{name}: {path} {problem}")]
    File {
        /// The setting that names the file.
        name: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Config {
    /// Reads the settings of this process.
    ///
    /// # Errors
    /// [`ConfigError`]: a value that cannot be, an unknown key in the file, a file that cannot be
    /// read.
    pub fn load(flags: &Flags, on_terminal: bool) -> Result<Self, ConfigError> {
        Self::from_sources(flags, |name| std::env::var_os(name), on_terminal)
    }

    /// As [`Config::load`], with an environment that is handed in.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_sources(
        flags: &Flags,
        env: impl Fn(&str) -> Option<OsString>,
        on_terminal: bool,
    ) -> Result<Self, ConfigError> {
        let layers = Layers::read(flags, env)?;
        let database_url = layers.parse_or("database_url", values::database_url, || {
            "sqlite://data/rollcall.db".to_owned()
        })?;
        let address = layers.parse_or("addr", values::address, || {
            SocketAddr::from(([127, 0, 0, 1], 3000))
        })?;
        let given_url = layers.parse("public_url", values::public_url)?;
        let public_url_follows = given_url.is_none();
        let public_url = match given_url {
            Some(url) => url,
            None if address.ip().is_loopback() => format!("http://{address}"),
            None => {
                return Err(ConfigError::Missing {
                    name: "ROLLCALL_PUBLIC_URL",
                    why: format!(
                        "{address} is reached from other machines: it takes {}",
                        values::PUBLIC_URL_TAKES
                    ),
                });
            }
        };
        Ok(Self {
            master_key: MasterKeySource::choose(&layers, &database_url)?,
            version_mark: layers
                .parse("version_mark", values::version_mark)?
                .unwrap_or_else(|| match database_url.strip_prefix("sqlite://") {
                    Some(path) => PathBuf::from(path).with_extension("mark"),
                    None => PathBuf::from("data/rollcall.mark"),
                }),
            metrics_address: layers.parse("metrics_addr", values::address)?,
            lease: layers.parse_or("lease", values::lease, || Span(2_000))?,
            mode: layers.parse_or("mode", values::mode, Mode::default)?,
            mail_url: layers.parse_or("mail_url", values::mail_url, || {
                "file://data/mail".to_owned()
            })?,
            audience: layers.parse("audience", values::audience)?,
            trusted_proxies: layers.parse_or("trusted_proxies", values::networks, Vec::new)?,
            log: layers.parse_or("log", values::log_filter, || "info".to_owned())?,
            log_format: layers.parse_or("log_format", values::log_format, || {
                if on_terminal {
                    LogFormat::Pretty
                } else {
                    LogFormat::Json
                }
            })?,
            pooled: layers.parse_or("database_pooler", values::pooler, || false)?,
            direct_url: layers.parse("database_direct_url", values::direct_url)?,
            database_url,
            address,
            public_url,
            public_url_follows,
        })
    }

    /// The file of a SQLite database.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        self.database_url
            .strip_prefix("sqlite://")
            .map(PathBuf::from)
    }

    /// How the database is reached.
    pub fn database(&self) -> Access {
        Access {
            url: self.database_url.clone(),
            pooled: self.pooled,
            direct_url: self.direct_url.clone(),
        }
    }

    /// Takes the address that the system really gave, where port 0 was asked for.
    pub fn listens_on(&mut self, address: SocketAddr) {
        self.address = address;
        if self.public_url_follows {
            self.public_url = format!("http://{address}");
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("database_url", &without_password(&self.database_url))
            .field("pooled", &self.pooled)
            .field(
                "direct_url",
                &self.direct_url.as_deref().map(without_password),
            )
            .field("address", &self.address)
            .field("public_url", &self.public_url)
            .field("metrics_address", &self.metrics_address)
            .field("master_key", &self.master_key)
            .field("version_mark", &self.version_mark)
            .field("lease", &self.lease)
            .field("mode", &self.mode)
            .field("mail_url", &without_password(&self.mail_url))
            .field("audience", &self.audience)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("log", &self.log)
            .field("log_format", &self.log_format)
            .finish_non_exhaustive()
    }
}

/// A URL without the user and password in it, and without parameters, which may hold them too.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "…".to_owned();
    };
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => format!("{scheme}://{rest}"),
    }
}

/// Whether a variable of the environment is one that is read, here or by the scripts around.
pub fn is_known_variable(name: &str) -> bool {
    let bare = name.strip_suffix("_FILE").unwrap_or(name);
    let is_secret = layers::SECRETS
        .iter()
        .any(|secret| layers::env_name(secret) == bare);
    ["ROLLCALL_CONFIG", "ROLLCALL_CACHE"].contains(&name)
        || (is_secret && name != bare)
        || layers::NAMES
            .iter()
            .any(|known| layers::env_name(known) == name)
}

#[cfg(test)]
mod tests;
