use sqlx::FromRow;

use super::{Db, StoreError, Tx};

/// How far a database has come: what a version mark holds.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Reached {
    /// Which installation it is.
    pub instance: String,
    /// The version: every change that nodes must learn of counts it up.
    pub version: i64,
    /// Rises once a minute while a node serves, and after every backup.
    pub beat: i64,
}

/// How far the database has come.
pub async fn reached(tx: &mut Tx) -> Result<Reached, StoreError> {
    on!(tx, c => {
        sqlx::query_as("select instance, version, beat from state where id = 1").fetch_optional(c).await
    })?
    .ok_or_else(|| StoreError::Schema("the database is empty: run `rollcall migrate`".to_owned()))
}

/// Raises the beat to the database's time, or by one.
pub async fn beat(tx: &mut Tx) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update state set beat = case when beat < $1 then $1 else beat + 1 end where id = 1"
        )
        .bind(now)
    )?;
    Ok(())
}

/// Lifts the database beyond what was known of it, and notes who accepted that it is older.
pub async fn accept(
    tx: &mut Tx,
    found: i64,
    known: &Reached,
    version: i64,
    by: &str,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query("update state set version = $1, beat = case when beat > $2 then beat else $2 end where id = 1")
            .bind(version)
            .bind(known.beat))?;
    exec!(tx, sqlx::query(
            "insert into acceptances (version, found, known, accepted_at, accepted_by) values ($1, $2, $3, $4, $5)",
        )
        .bind(version)
        .bind(found)
        .bind(known.version)
        .bind(now)
        .bind(by))?;
    Ok(())
}

/// Whether someone has accepted an older database since `version`.
pub async fn accepted_after(tx: &mut Tx, version: i64) -> Result<bool, StoreError> {
    let count: i64 = on!(tx, c => {
        sqlx::query_scalar("select count(*) from acceptances where version > $1").bind(version).fetch_one(c).await
    })?;
    Ok(count > 0)
}

impl Db {
    /// How far this database has come.
    pub async fn reached(&self) -> Result<Reached, StoreError> {
        let mut tx = self.read().await?;
        reached(&mut tx).await
    }
}
