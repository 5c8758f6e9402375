use std::io::IsTerminal as _;

use super::Settings;
use super::failure::{Failure, Result};
use crate::auth;
use crate::config::{Config, without_password};
use crate::model::{Clock, Operator, Random};
use crate::rotation::{self, Engine};
use crate::store::{Db, StoreError};

/// The oldest SQLite that may be used: before it, two processes on one database could corrupt the
/// write-ahead log.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// The oldest PostgreSQL that is still maintained.
const OLDEST_POSTGRES: u32 = 14;

/// An opened installation and who works with it.
pub struct Installation {
    /// Its settings.
    pub config: Config,
    /// The use cases.
    pub engine: Engine,
    /// Whoever runs this command.
    pub by: Operator,
}

impl Installation {
    /// Opens the installation that the settings name. A database that does not exist yet is
    /// created; one of an older release is left alone.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let config = load(settings)?;
        let new = config
            .sqlite_file()
            .is_some_and(|file| std::fs::metadata(file).map_or(true, |data| data.len() == 0));
        let file = config.sqlite_file();
        let opened = Self::open_as(config, new, 0, settings.accept_older_database).await?;
        if let Some(file) = file.filter(|_| new) {
            // A wrong folder or a typo is an empty database otherwise, and nobody knows why.
            eprintln!("a new database was made: {}", file.display());
        }
        Ok(opened)
    }

    /// Opens an installation and brings its database up to date first. A database that is older than
    /// its version mark is refused, unless `accept_older`.
    pub async fn open_migrated(config: Config, accept_older: bool) -> Result<Self> {
        Self::open_as(config, true, 0, accept_older).await
    }

    /// As [`Installation::open_migrated`], with the database's clock moved by so many milliseconds
    /// from the first row on: for the demo, which has a past.
    pub async fn open_moved(config: Config, by_ms: i64) -> Result<Self> {
        Self::open_as(config, true, by_ms, false).await
    }

    async fn open_as(
        config: Config,
        migrate: bool,
        moved_ms: i64,
        accept_older: bool,
    ) -> Result<Self> {
        let random = Random::system();
        let by = auth::operator(operator_name());
        // Before the database: only a new one gets a new key.
        let masters = config.master_key.resolve(&random)?;
        let db = connect(&config).await?;
        db.shift_clock(moved_ms);
        if migrate {
            db.migrate(config.lease.ms(), &random)
                .await
                .map_err(|error| unusable(&config, &error))?;
        } else if db.pending_migrations().await? > 0 {
            return Err(Failure::failed(
                "the database is not of this release: run `rollcall migrate`",
            ));
        }
        let mark = &config.version_mark;
        if accept_older && rotation::mark::accept(&db, mark, &by, &random).await? {
            tracing::warn!("an older database was accepted, as asked");
        }
        rotation::mark::check(&db, mark).await?;
        let named = rotation::Settings {
            public_url: config.public_url.clone(),
            audience: config.audience.clone(),
        };
        let engine = Engine::open(db, masters, named, Clock::system(), random).await?;
        // A command leaves no mark where no node has: away from the data it would mean nothing.
        if config.sqlite_file().is_some() || mark.exists() {
            engine.keep_mark(mark.clone()).await?;
        }
        Ok(Self { config, engine, by })
    }

    /// Takes part in answering requests: from now on there is a version mark.
    pub async fn serve(&self) -> Result<()> {
        self.engine
            .keep_mark(self.config.version_mark.clone())
            .await?;
        Ok(self.engine.serve().await?)
    }

    /// A link that works once, as it is sent to people. `path` is the page's.
    pub fn link(&self, path: &str, secret: &crate::model::OneTimeSecret) -> String {
        format!("{}{path}?link={}", self.config.public_url, secret.expose())
    }
}

/// Opens the installation, does `work` with it, and leaves nothing in memory unwritten.
pub async fn within<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Installation) -> Result<T>,
) -> Result<T> {
    let installation = Installation::open(settings).await?;
    let result = work(&installation).await;
    let flushed = installation.engine.flush().await;
    installation.engine.db().close().await;
    let value = result?;
    flushed?;
    Ok(value)
}

/// `rollcall migrate`.
pub async fn migrate(settings: &Settings) -> Result<()> {
    let installation =
        Installation::open_migrated(load(settings)?, settings.accept_older_database).await?;
    let version = installation.engine.db().version().await?;
    installation.engine.flush().await?;
    installation.engine.db().close().await;
    let url = without_password(&installation.config.database_url);
    settings
        .output()
        .say(&format!("{url} is up to date ({version})"));
    Ok(())
}

/// Reads the settings.
pub fn load(settings: &Settings) -> Result<Config> {
    Ok(Config::load(
        &settings.flags(),
        std::io::stderr().is_terminal(),
    )?)
}

/// Connects to the database, if its engine is one that can be trusted.
pub async fn connect(config: &Config) -> Result<Db> {
    let named = |error| unusable(config, &error);
    let db = Db::connect(config.database()).await.map_err(named)?;
    let version = db.version().await.map_err(named)?;
    if !is_sound(&db, &version) {
        return Err(Failure::failed(format!(
            "{} {version} is too old: SQLite 3.51.3 (before it, the log may be corrupted) or \
             PostgreSQL 14 or newer is needed",
            db.engine()
        )));
    }
    Ok(db)
}

/// A database that cannot be worked with, by the setting that names it.
fn unusable(config: &Config, error: &StoreError) -> Failure {
    let url = without_password(&config.database_url);
    Failure::from(error).about(&format!("ROLLCALL_DATABASE_URL ({url})"))
}

/// Whether the engine is one that can be trusted.
pub fn is_sound(db: &Db, version: &str) -> bool {
    match db.file() {
        Some(_) => is_sound_sqlite(version),
        None => version
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.split(['.', 'b', 'r']).next()?.parse::<u32>().ok())
            .is_some_and(|major| major >= OLDEST_POSTGRES),
    }
}

fn is_sound_sqlite(version: &str) -> bool {
    let parts: Vec<u32> = version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect();
    parts.as_slice() >= OLDEST_SQLITE.as_slice()
}

/// The name of the user who runs this process, as the system knows it.
fn operator_name() -> String {
    let id = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&id.to_string().as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .unwrap_or_else(|| format!("uid {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_may_corrupt_its_log_is_too_old() {
        for fine in ["3.51.3", "3.52.0", "4.0.0"] {
            assert!(is_sound_sqlite(fine), "{fine}");
        }
        for old in ["3.51.2", "3.46.1", "3.5.9", "", "x"] {
            assert!(!is_sound_sqlite(old), "{old}");
        }
    }

    #[tokio::test]
    async fn the_sqlite_inside_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/x.db", folder.path().display());
        let version = Db::connect(url.as_str())
            .await
            .unwrap()
            .version()
            .await
            .unwrap();
        assert!(is_sound_sqlite(&version), "{version}");
    }
}
