use super::migrate::MIGRATIONS;
use super::{Db, StoreError};

impl Db {
    /// How many migrations of this release the database does not have yet: all of them when it is
    /// empty.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let mut tx = self.read().await?;
        let applied: Result<Vec<i64>, StoreError> =
            on!(tx, c => sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(c).await)
                .map_err(StoreError::from);
        let applied = match applied {
            Ok(applied) => applied,
            // There is no such table: nothing has been applied.
            Err(StoreError::Rejected(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(MIGRATIONS
            .iter()
            .filter(|migration| !applied.contains(&migration.version))
            .count())
    }

    /// PostgreSQL's synchronous standbys: without one, what was just captured may be lost in a
    /// failover. `None` on SQLite, which has no standby.
    pub async fn synchronous_standbys(&self) -> Result<Option<String>, StoreError> {
        if self.file().is_some() {
            return Ok(None);
        }
        let mut tx = self.read().await?;
        let names: String = on!(tx, c => {
            sqlx::query_scalar("select current_setting('synchronous_standby_names')").fetch_one(c).await
        })?;
        Ok(Some(names))
    }
}
