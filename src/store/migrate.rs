use std::fs::File;

use sqlx::migrate::{MigrateError, Migrator};

use super::{Db, StoreError, state};
use crate::model::Random;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

impl Db {
    /// Brings the schema up to date, and writes the first state into an empty database. Safe to
    /// run from many processes at once: PostgreSQL has a lock for it, SQLite gets a lock file.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when the database was made by a newer release or a shipped migration
    /// was edited.
    pub async fn migrate(&self, lease_ms: i64, random: &Random) -> Result<(), StoreError> {
        if self.is_pooled() && self.pending_migrations().await? == 0 {
            return state::begin(self, lease_ms, random).await;
        }
        if let Some(pool) = self.direct_pool().await? {
            MIGRATIONS.run(&pool).await.map_err(explain)?;
        } else if let (Some(pool), Some(file)) = (self.sqlite_writer(), self.file()) {
            let _alone = lock_beside(file).await?;
            MIGRATIONS.run(pool).await.map_err(explain)?;
        }
        state::begin(self, lease_ms, random).await
    }
}

/// Takes the lock file beside a SQLite database; released when dropped.
async fn lock_beside(database: &std::path::Path) -> Result<File, StoreError> {
    let path = database.with_extension("lock");
    tokio::task::spawn_blocking(move || {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(|_| StoreError::Cut)?
    .map_err(|error: std::io::Error| StoreError::Unreachable(error.into()))
}

fn explain(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::Schema(format!(
            "the database has migration {version}, which this release does not know: run the newer release"
        )),
        MigrateError::VersionMismatch(version) => StoreError::Schema(format!(
            "migration {version} was edited after it was applied to this database"
        )),
        MigrateError::Execute(error) => StoreError::from(error),
        other => StoreError::Schema(other.to_string()),
    }
}
