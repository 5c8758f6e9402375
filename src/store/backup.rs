use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Db, StoreError};

impl Db {
    /// Copies a SQLite database, as it is at one moment, into the empty file `to`, while others read
    /// and write. The copy has no freed pages and no log, so nothing that was destroyed is in it.
    /// It is read through once, and refused when it is not sound. Not synced: the caller does that.
    ///
    /// # Errors
    /// [`StoreError::Schema`] on PostgreSQL, which brings a tool of its own.
    pub async fn copy_into(&self, to: &Path) -> Result<(), StoreError> {
        let Some(from) = self.file() else {
            return Err(StoreError::Schema(
                "PostgreSQL is backed up by pg_dump".to_owned(),
            ));
        };
        // A connection of its own: neither the one writer nor a reader is kept from its work.
        let mut connection = SqliteConnectOptions::new().filename(from).connect().await?;
        let path = to
            .to_str()
            .ok_or_else(|| StoreError::Schema("a backup's path is UTF-8".to_owned()))?;
        sqlx::query("vacuum into $1")
            .bind(path)
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        let mut copy = SqliteConnectOptions::new()
            .filename(to)
            .read_only(true)
            .immutable(true)
            .connect()
            .await?;
        let found: String = sqlx::query_scalar("pragma quick_check(1)")
            .fetch_one(&mut copy)
            .await?;
        copy.close().await?;
        if found == "ok" {
            Ok(())
        } else {
            Err(StoreError::Corrupt(found))
        }
    }
}
