use std::time::Duration;

use sqlx::Row as _;

use super::{Db, StoreError};

/// How often it is tried before it is left for later.
const ATTEMPTS: usize = 40;
/// How long to wait between.
const PAUSE: Duration = Duration::from_millis(25);

impl Db {
    /// Makes what was destroyed in `signing_keys` unreadable in the database's files too.
    ///
    /// SQLite has zeroed what was freed (`secure_delete`); here its write-ahead log is copied into
    /// the database and cut to nothing, which waits for readers of an older state.
    ///
    /// PostgreSQL keeps the old row in its page until the space is used again, and a plain `vacuum`
    /// frees the space without clearing it: so the table is written anew and the old file removed. Archives of its
    /// log, replicas and free blocks of the disk are beyond reach.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when readers kept it from being done: try again later.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            if self.try_scrub().await? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(StoreError::Locked {
            holder: "a reader of an older state of the database, such as a backup".to_owned(),
        })
    }

    /// One attempt. It holds others up for a twentieth of a second at the most.
    async fn try_scrub(&self) -> Result<bool, StoreError> {
        if let Some(writer) = self.sqlite_writer() {
            let (busy, _, _): (i64, i64, i64) = sqlx::query_as("pragma wal_checkpoint(truncate)")
                .fetch_one(writer)
                .await?;
            return Ok(busy == 0);
        }
        let Some(pool) = self.postgres_pool() else {
            return Ok(true);
        };
        let mut tx = pool.begin().await?;
        // Without prepared statements throughout: a pooler may stand in between.
        sqlx::raw_sql(
            "set local lock_timeout = '50ms'; set local idle_in_transaction_session_timeout = '2s'",
        )
        .execute(&mut *tx)
        .await?;
        match rewrite(&mut tx).await {
            Ok(true) => {
                tx.commit().await?;
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(error) => match StoreError::from(error) {
                // Someone reads the table for longer than that, such as pg_dump.
                StoreError::Locked { .. } => Ok(false),
                error => Err(error),
            },
        }
    }
}

/// Writes `signing_keys` anew, in the order of its primary key: as `vacuum full` does, but inside a
/// transaction, whose lock timeout a pooler passes on. False when a snapshot may still see old rows,
/// which would be copied with the rest.
async fn rewrite(tx: &mut sqlx::PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::raw_sql("lock table signing_keys in access exclusive mode")
        .execute(&mut *tx)
        .await?;
    let onlookers: i64 = sqlx::raw_sql(
        "select count(*) from (select backend_xmin as x from pg_stat_activity where pid <> pg_backend_pid() \
         and (datname is null or datname = current_database()) \
         union all select xmin from pg_replication_slots) held \
         where x is not null and age(x) >= (select coalesce(min(age(xmin)), 0) from signing_keys)",
    )
    .fetch_one(&mut *tx)
    .await?
    .try_get(0)?;
    if onlookers > 0 {
        return Ok(false);
    }
    let index: String = sqlx::raw_sql(
        "select quote_ident(c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid \
         where i.indrelid = cast('signing_keys' as regclass) and i.indisprimary",
    )
    .fetch_one(&mut *tx)
    .await?
    .try_get(0)?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "cluster signing_keys using {index}"
    )))
    .execute(&mut *tx)
    .await?;
    Ok(true)
}
