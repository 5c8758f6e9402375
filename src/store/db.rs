use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::BoxFuture;
use sqlx::{PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::connect::{self, Access};
use super::lock::{self, Lock};
use super::unnamed::PgArm;
use super::{StoreError, state};
use crate::model::UnixMs;

/// What is read together is of one state. A reader that is paused inside keeps old rows from being
/// cleared away, and is cut off.
const READ: &str = "begin isolation level repeatable read read only; \
     set local idle_in_transaction_session_timeout = '10s'";

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
        /// Two connections apart, by which a node asks what has changed: see PostgreSQL's.
        polls: SqlitePool,
        /// One connection: the one writer.
        writer: SqlitePool,
        file: Arc<PathBuf>,
    },
    Postgres {
        pool: PgPool,
        /// Two connections apart, by which a node asks what has changed: while requests wait for a
        /// lock, and hold every connection, its lease must not run out.
        polls: PgPool,
        /// Whether a pooler in transaction mode stands in between.
        pooled: bool,
        /// The way past it, for migrations.
        direct: Option<Arc<str>>,
    },
}

/// A transaction on either engine. Dropped without a commit, it is rolled back.
pub struct Tx {
    inner: Inner,
    offset: i64,
    state: Option<state::State>,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres {
        tx: Transaction<'static, Postgres>,
        pooled: bool,
    },
}

/// The connection inside a transaction, for `on!`.
pub enum Arm<'t> {
    /// SQLite's.
    Sqlite(&'t mut SqliteConnection),
    /// PostgreSQL's.
    Postgres(PgArm<'t>),
}

impl Db {
    /// Connects to the database that `access` names. The schema is not touched: see
    /// [`Db::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Schema`] for a URL of neither engine; [`StoreError::Unreachable`] else.
    pub async fn connect(access: impl Into<Access>) -> Result<Self, StoreError> {
        let access: Access = access.into();
        let url = access.url.as_str();
        let engine = if let Some(path) = url.strip_prefix("sqlite://") {
            let ways = connect::sqlite(path).await?;
            Engine::Sqlite {
                readers: ways.readers,
                polls: ways.polls,
                writer: ways.writer,
                file: Arc::new(ways.file),
            }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Engine::Postgres {
                pool: connect::postgres(url, access.pooled, 16).await?,
                polls: connect::postgres(url, access.pooled, 2).await?,
                pooled: access.pooled,
                direct: access.direct_url.as_deref().map(Arc::from),
            }
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
        self.begin_reading(false).await
    }

    /// As [`Db::read`], for a node that asks what has changed: it does not queue behind requests.
    pub async fn poll(&self) -> Result<Tx, StoreError> {
        self.begin_reading(true).await
    }

    async fn begin_reading(&self, is_poll: bool) -> Result<Tx, StoreError> {
        let inner = match &self.engine {
            Engine::Sqlite { readers, polls, .. } => {
                let pool = if is_poll { polls } else { readers };
                Inner::Sqlite(pool.begin_with("begin deferred").await?)
            }
            Engine::Postgres {
                pool,
                polls,
                pooled,
                ..
            } => {
                let pool = if is_poll { polls.clone() } else { pool.clone() };
                // In a task of its own: a caller that goes away while it begins would leave it
                // open on a connection that the next one gets.
                let begun = tokio::spawn(async move { pool.begin_with(READ).await });
                Inner::Postgres {
                    tx: begun.await.map_err(|_| StoreError::Cut)??,
                    pooled: *pooled,
                }
            }
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
            Engine::Sqlite { writer, file, .. } => {
                Inner::Sqlite(lock::sqlite(writer, file, lock).await?)
            }
            Engine::Postgres { pool, pooled, .. } => Inner::Postgres {
                tx: lock::postgres(pool, *pooled, lock).await?,
                pooled: *pooled,
            },
        };
        Ok(self.tx(inner))
    }

    /// A transaction that writes and depends on no phase: only for the first row of all.
    pub(super) async fn begin_unlocked(&self) -> Result<Tx, StoreError> {
        let inner = match &self.engine {
            Engine::Sqlite { writer, file, .. } => {
                Inner::Sqlite(lock::sqlite(writer, file, Lock::Shared).await?)
            }
            Engine::Postgres { pool, pooled, .. } => Inner::Postgres {
                tx: pool.begin().await?,
                pooled: *pooled,
            },
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
                readers,
                polls,
                writer,
                ..
            } => {
                readers.close().await;
                polls.close().await;
                writer.close().await;
            }
            Engine::Postgres { pool, polls, .. } => {
                pool.close().await;
                polls.close().await;
            }
        }
    }

    /// Whether a pooler in transaction mode stands in between.
    pub(super) const fn is_pooled(&self) -> bool {
        matches!(self.engine, Engine::Postgres { pooled: true, .. })
    }

    /// The way to PostgreSQL for the migrations, whose lock belongs to a session: past the pooler.
    /// `None` on SQLite.
    pub(super) async fn direct_pool(&self) -> Result<Option<PgPool>, StoreError> {
        match &self.engine {
            Engine::Sqlite { .. } => Ok(None),
            Engine::Postgres {
                direct: Some(url), ..
            } => Ok(Some(connect::postgres(url, false, 1).await?)),
            Engine::Postgres { pool, pooled, .. } if !pooled => Ok(Some(pool.clone())),
            Engine::Postgres { .. } => Err(StoreError::Schema(
                "the schema is not up to date, and migrations cannot go through a pooler: set \
                 ROLLCALL_DATABASE_DIRECT_URL to the database itself"
                    .to_owned(),
            )),
        }
    }

    /// The pool behind PostgreSQL, for scrubbing. `None` on SQLite.
    pub(super) const fn postgres_pool(&self) -> Option<&PgPool> {
        match &self.engine {
            Engine::Sqlite { .. } => None,
            Engine::Postgres { pool, .. } => Some(pool),
        }
    }

    /// The one writer of SQLite, for migrations and scrubbing.
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
            Inner::Postgres { tx, pooled } => Arm::Postgres(PgArm {
                connection: &mut *tx,
                pooled: *pooled,
            }),
        }
    }

    /// The database's time. On PostgreSQL the clock, not the transaction's start.
    pub async fn now(&mut self) -> Result<UnixMs, StoreError> {
        let query = match self.inner {
            Inner::Sqlite(_) => "select cast(unixepoch('subsec') * 1000 as integer)",
            Inner::Postgres { .. } => {
                "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"
            }
        };
        let ms: i64 = on!(self, c => sqlx::query_scalar(query).fetch_one(c).await)?;
        Ok(UnixMs(ms).plus(self.offset))
    }

    /// Whether this is the primary, where writes go. SQLite has no other.
    pub async fn is_primary(&mut self) -> Result<bool, StoreError> {
        match self.arm() {
            Arm::Sqlite(_) => Ok(true),
            Arm::Postgres(c) => Ok(sqlx::query_scalar("select not pg_is_in_recovery()")
                .fetch_one(c)
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
            Inner::Postgres { tx, .. } => tx.commit().await?,
        }
        Ok(())
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({})", self.engine())
    }
}
