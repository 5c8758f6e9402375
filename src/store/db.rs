use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::{StoreError, state};
use crate::model::UnixMs;

/// The key of the advisory lock that phase steps take alone and everything else shares.
const ROTATION_LOCK: i64 = 0x0052_6f6c_6c63_616c;

/// The database: SQLite inside, or PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    engine: Engine,
    /// Tests move the database's clock by this, in this one place. Milliseconds.
    offset: Arc<AtomicI64>,
}

#[derive(Clone)]
enum Engine {
    Sqlite {
        readers: SqlitePool,
        /// One connection: the one writer.
        writer: SqlitePool,
        file: Arc<PathBuf>,
    },
    Postgres {
        pool: PgPool,
    },
}

/// How a transaction that writes holds the rotation lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// For what depends on the phase: any number at once, none during a phase step.
    Shared,
    /// For phase steps: alone.
    Exclusive,
}

/// A transaction on either engine. Dropped without a commit, it is rolled back.
pub struct Tx {
    inner: Inner,
    offset: i64,
    state: Option<state::State>,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// The connection inside a transaction, for `on!`.
pub enum Arm<'t> {
    /// SQLite's.
    Sqlite(&'t mut SqliteConnection),
    /// PostgreSQL's.
    Postgres(&'t mut PgConnection),
}

impl Db {
    /// Connects to `url` (`sqlite://path`, created when missing, or `postgres://…`). The schema is
    /// not touched: see [`Db::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Schema`] for a URL that is neither; [`StoreError::Unreachable`] else.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let engine = if let Some(path) = url.strip_prefix("sqlite://") {
            sqlite(path).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres(url).await?
        } else {
            return Err(StoreError::Schema(
                "a database URL begins with sqlite:// or postgres://".to_owned(),
            ));
        };
        Ok(Self {
            engine,
            offset: Arc::default(),
        })
    }

    /// Which engine this is, for people.
    pub const fn engine(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite { .. } => "SQLite",
            Engine::Postgres { .. } => "PostgreSQL",
        }
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<&std::path::Path> {
        match &self.engine {
            Engine::Sqlite { file, .. } => Some(file),
            Engine::Postgres { .. } => None,
        }
    }

    /// The engine's own version, as it tells it.
    pub async fn version(&self) -> Result<String, StoreError> {
        let query = match self.engine {
            Engine::Sqlite { .. } => "select sqlite_version()",
            Engine::Postgres { .. } => "select version()",
        };
        let mut tx = self.read().await?;
        Ok(on!(tx, c => sqlx::query_scalar(query).fetch_one(c).await)?)
    }

    /// Moves the database's clock, for tests.
    pub fn shift_clock(&self, ms: i64) {
        self.offset.fetch_add(ms, Ordering::SeqCst);
    }

    /// A transaction that only reads, of one state of the database.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let inner = match &self.engine {
            Engine::Sqlite { readers, .. } => {
                Inner::Sqlite(readers.begin_with("begin deferred").await?)
            }
            Engine::Postgres { pool } => Inner::Postgres(
                pool.begin_with("begin isolation level repeatable read read only")
                    .await?,
            ),
        };
        Ok(self.tx(inner))
    }

    /// Runs `body` in a transaction that writes, holding `lock`, in a task of its own: a caller
    /// that goes away never leaves it half done. Commits when `body` returns `Ok`.
    ///
    /// `body` sees the state as it is under the lock: [`Tx::state`].
    pub async fn write<T, E, F>(&self, lock: Lock, body: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let db = self.clone();
        let task = tokio::spawn(async move {
            let mut tx = db.begin(lock).await?;
            state::load(&mut tx).await?;
            let value = body(&mut tx).await?;
            tx.commit().await?;
            Ok(value)
        });
        task.await.unwrap_or_else(|_| Err(E::from(StoreError::Cut)))
    }

    async fn begin(&self, lock: Lock) -> Result<Tx, StoreError> {
        let inner = match &self.engine {
            Engine::Sqlite { writer, .. } => {
                // A phase step outlasts a queue of writers; others give up sooner.
                let patience = match lock {
                    Lock::Shared => "pragma busy_timeout = 5000",
                    Lock::Exclusive => "pragma busy_timeout = 30000",
                };
                let mut connection = writer.acquire().await?;
                sqlx::query(patience).execute(&mut *connection).await?;
                drop(connection);
                Inner::Sqlite(writer.begin_with("begin immediate").await?)
            }
            Engine::Postgres { pool } => {
                let mut tx = pool.begin().await?;
                // One round trip. A paused node cannot hold the lock for ever.
                let settings = match lock {
                    Lock::Shared => {
                        "set local synchronous_commit = on; \
                         set local idle_in_transaction_session_timeout = '2s'; \
                         set local lock_timeout = '5s'; "
                    }
                    Lock::Exclusive => {
                        "set local synchronous_commit = on; \
                         set local idle_in_transaction_session_timeout = '2s'; \
                         set local lock_timeout = '10s'; "
                    }
                };
                sqlx::raw_sql(settings).execute(&mut *tx).await?;
                let take = match lock {
                    Lock::Shared => "select pg_advisory_xact_lock_shared($1)",
                    Lock::Exclusive => "select pg_advisory_xact_lock($1)",
                };
                sqlx::query(take)
                    .bind(ROTATION_LOCK)
                    .execute(&mut *tx)
                    .await?;
                Inner::Postgres(tx)
            }
        };
        Ok(self.tx(inner))
    }

    /// A transaction that writes and depends on no phase: only for the first row of all.
    pub(super) async fn begin_unlocked(&self) -> Result<Tx, StoreError> {
        let inner = match &self.engine {
            Engine::Sqlite { writer, .. } => {
                Inner::Sqlite(writer.begin_with("begin immediate").await?)
            }
            Engine::Postgres { pool } => Inner::Postgres(pool.begin().await?),
        };
        Ok(self.tx(inner))
    }

    fn tx(&self, inner: Inner) -> Tx {
        Tx {
            inner,
            offset: self.offset.load(Ordering::SeqCst),
            state: None,
        }
    }

    /// Waits until every connection is closed.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite {
                readers, writer, ..
            } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres { pool } => pool.close().await,
        }
    }

    /// Makes what was overwritten unreadable in the files too: on SQLite the freed pages are
    /// already zeroed (`secure_delete`), and here the write-ahead log is emptied. On PostgreSQL
    /// the row versions are vacuumed; archives of its log keep the sealed bytes.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] when readers kept the log from being emptied.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => {
                for _ in 0..200 {
                    let (busy, _, _): (i64, i64, i64) =
                        sqlx::query_as("pragma wal_checkpoint(truncate)")
                            .fetch_one(writer)
                            .await?;
                    if busy == 0 {
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                Err(StoreError::Locked {
                    holder: "a reader of the write-ahead log".to_owned(),
                })
            }
            Engine::Postgres { pool } => {
                sqlx::query("vacuum signing_keys").execute(pool).await?;
                Ok(())
            }
        }
    }

    /// The pool behind PostgreSQL, for the migrations.
    pub(super) const fn postgres_pool(&self) -> Option<&PgPool> {
        match &self.engine {
            Engine::Sqlite { .. } => None,
            Engine::Postgres { pool } => Some(pool),
        }
    }

    /// The one writer of SQLite, for the migrations.
    pub(super) const fn sqlite_writer(&self) -> Option<&SqlitePool> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => Some(writer),
            Engine::Postgres { .. } => None,
        }
    }
}

impl Tx {
    /// The connection inside, for `on!`.
    pub(super) fn arm(&mut self) -> Arm<'_> {
        match &mut self.inner {
            Inner::Sqlite(tx) => Arm::Sqlite(&mut *tx),
            Inner::Postgres(tx) => Arm::Postgres(&mut *tx),
        }
    }

    /// The database's time. On PostgreSQL the clock, not the transaction's start.
    pub async fn now(&mut self) -> Result<UnixMs, StoreError> {
        let query = match self.inner {
            Inner::Sqlite(_) => "select cast(unixepoch('subsec') * 1000 as integer)",
            Inner::Postgres(_) => {
                "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"
            }
        };
        let ms: i64 = on!(self, c => sqlx::query_scalar(query).fetch_one(c).await)?;
        Ok(UnixMs(ms).plus(self.offset))
    }

    /// Whether this is the primary, where writes go. SQLite has no other.
    pub async fn is_primary(&mut self) -> Result<bool, StoreError> {
        match &mut self.inner {
            Inner::Sqlite(_) => Ok(true),
            Inner::Postgres(tx) => Ok(sqlx::query_scalar("select not pg_is_in_recovery()")
                .fetch_one(&mut **tx)
                .await?),
        }
    }

    /// The state as it was read: under the lock, in a transaction that writes.
    ///
    /// # Panics
    /// In a transaction that only reads and has not read it: a defect of the caller.
    pub fn state(&self) -> &state::State {
        self.state
            .as_ref()
            .expect("a transaction begun by `Db::write` has read the state")
    }

    pub(super) fn remember_state(&mut self, state: state::State) {
        self.state = Some(state);
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({})", self.engine())
    }
}

async fn sqlite(path: &str) -> Result<Engine, StoreError> {
    let file = PathBuf::from(path);
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::Unreachable(error.into()))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is deleted is overwritten with zeros: a destroyed key leaves no free page.
        .pragma("secure_delete", "on")
        .busy_timeout(Duration::from_secs(5));
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.clone())
        .await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options.pragma("query_only", "on"))
        .await?;
    Ok(Engine::Sqlite {
        readers,
        writer,
        file: Arc::new(file),
    })
}

async fn postgres(url: &str) -> Result<Engine, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| {
            StoreError::Schema("a PostgreSQL URL looks like postgres://user@host/name".to_owned())
        })?
        .application_name("rollcall");
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await?;
    Ok(Engine::Postgres { pool })
}
