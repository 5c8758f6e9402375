use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use super::StoreError;
use super::lock::{self, Lock};

/// How long an idle connection may take to show that it lives before another is taken.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// How a database is reached.
#[derive(Clone, Default)]
pub struct Access {
    /// `sqlite://FILE` or `postgres://…`.
    pub url: String,
    /// Whether a pooler in transaction mode stands in between: then nothing may outlive a
    /// transaction on a connection, not even a prepared statement.
    pub pooled: bool,
    /// The way past the pooler, for migrations.
    pub direct_url: Option<String>,
}

impl From<&str> for Access {
    /// A database that is reached directly.
    fn from(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..Self::default()
        }
    }
}

/// The ways into a SQLite file.
pub(super) struct SqliteWays {
    /// For what reads.
    pub readers: SqlitePool,
    /// For a node's polls.
    pub polls: SqlitePool,
    /// The one that writes.
    pub writer: SqlitePool,
    /// The file.
    pub file: PathBuf,
}

/// Opens a SQLite file.
pub(super) async fn sqlite(path: &str) -> Result<SqliteWays, StoreError> {
    let file = PathBuf::from(path);
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::Unreachable(error.into()))?;
    }
    let options = sqlite_options(&file);
    let writer = SqlitePoolOptions::new()
        .before_acquire(is_free)
        .max_connections(1)
        // Who waits how long is decided where a transaction begins: see `lock`.
        .acquire_timeout(Duration::from_mins(1));
    // Whoever opens or closes the file last locks all of it for a moment.
    let writer = lock::patiently(&file, Lock::Shared, || async {
        Ok(writer.clone().connect_with(options.clone()).await?)
    })
    .await?;
    let options = options
        .busy_timeout(Duration::from_secs(5))
        .pragma("query_only", "on");
    let reading = |most| {
        SqlitePoolOptions::new()
            .before_acquire(is_free)
            .max_connections(most)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options.clone())
    };
    Ok(SqliteWays {
        readers: reading(8).await?,
        polls: reading(2).await?,
        writer,
        file,
    })
}

/// Whether a connection can begin a transaction; one that cannot is replaced. After some errors (a
/// full disk, a failed sync) SQLite rolls back by itself; the driver's own rollback then fails, and
/// it goes on believing that a transaction runs.
fn is_free(
    connection: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> BoxFuture<'_, Result<bool, sqlx::Error>> {
    let free = !connection.is_in_transaction();
    Box::pin(async move { Ok(free) })
}

fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is deleted is overwritten with zeros: a destroyed key leaves no free page.
        .pragma("secure_delete", "on")
        // Short: SQLite waits longer and longer between its looks, up to 100 ms, and misses the
        // gaps that a busy process leaves. Whoever begins looks again at once: see `lock`.
        .busy_timeout(Duration::from_millis(8))
}

/// Opens a pool of connections to PostgreSQL.
pub(super) async fn postgres(url: &str, pooled: bool, most: u32) -> Result<PgPool, StoreError> {
    let mut options = PgConnectOptions::from_str(url)
        .map_err(|_| {
            StoreError::Schema("a PostgreSQL URL looks like postgres://user@host/name".to_owned())
        })?
        // Whoever looks for the holder of a lock reads this.
        .application_name(&format!("rollcall, process {}", std::process::id()));
    if pooled {
        // A pooler refuses start-up parameters that it does not track.
        options = options
            .statement_cache_capacity(0)
            .extra_float_digits(None::<i8>);
    }
    let pool = PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(5))
        // A connection whose other end is silent is left within a moment, not when the system
        // notices, hours later.
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                let alive = tokio::time::timeout(SIGN_OF_LIFE, connection.ping()).await;
                Ok(matches!(alive, Ok(Ok(()))))
            })
        })
        .connect_with(options.clone())
        .await;
    match pool {
        Ok(pool) => Ok(pool),
        // The pool went on trying; what was wrong is what one try says.
        Err(sqlx::Error::PoolTimedOut) => {
            let one = PgConnection::connect_with(&options);
            match tokio::time::timeout(SIGN_OF_LIFE, one).await {
                Ok(Err(cause)) => Err(cause.into()),
                _ => Err(sqlx::Error::PoolTimedOut.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a command that ends beside a server that starts: the last to close a file has it alone.
    #[tokio::test]
    async fn a_file_that_another_has_alone_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rollcall.db");
        let path = file.to_str().unwrap();
        let ways = sqlite(path).await.unwrap();
        for pool in [ways.readers, ways.polls, ways.writer] {
            pool.close().await;
        }

        let alone = sqlite_options(&file).pragma("locking_mode", "exclusive");
        let mut other = SqliteConnection::connect_with(&alone).await.unwrap();
        sqlx::raw_sql("create table t (x); insert into t values (1)")
            .execute(&mut other)
            .await
            .unwrap();
        let opened = tokio::spawn({
            let path = path.to_owned();
            async move { sqlite(&path).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!opened.is_finished(), "it waits");
        other.close().await.unwrap();
        opened.await.unwrap().unwrap();
    }
}
