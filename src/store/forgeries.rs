use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::UnixMs;

/// Where sources beyond the bound are counted together.
pub const OTHERS: &str = "others";
/// How many sources are kept apart for one key.
const MOST_SOURCES: i64 = 50;

/// Forged tokens that one key signed and one source sent, since the alarm was closed last.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Seen {
    /// The key that signed them.
    pub kid: String,
    /// The address they came from; empty when it is not known.
    pub source: String,
    /// How many.
    pub attempts: i64,
    /// The first.
    pub first_at: UnixMs,
    /// The last.
    pub last_at: UnixMs,
}

/// Adds to what was seen. An alarm that was closed opens again. A source beyond the bound is counted
/// among the others, so that nobody fills the table.
pub async fn add(tx: &mut Tx, seen: &Seen) -> Result<(), StoreError> {
    let known: i64 = on!(tx, c => {
        sqlx::query_scalar("select count(*) from forgeries where kid = $1 and source = $2")
            .bind(&seen.kid)
            .bind(&seen.source)
            .fetch_one(c)
            .await
    })?;
    let sources: i64 = on!(tx, c => {
        sqlx::query_scalar("select count(*) from forgeries where kid = $1").bind(&seen.kid).fetch_one(c).await
    })?;
    let source = if known == 0 && sources >= MOST_SOURCES {
        OTHERS
    } else {
        seen.source.as_str()
    };
    exec!(tx, sqlx::query(
            "insert into forgeries (kid, source, attempts, first_at, last_at) values ($1, $2, $3, $4, $5) \
             on conflict (kid, source) do update set last_at = excluded.last_at, \
             attempts = excluded.attempts + case when forgeries.closed_at is null then forgeries.attempts else 0 end, \
             first_at = case when forgeries.closed_at is null then forgeries.first_at else excluded.first_at end, \
             closed_at = null, closed_by = null",
        )
        .bind(&seen.kid)
        .bind(source)
        .bind(seen.attempts)
        .bind(seen.first_at)
        .bind(seen.last_at))?;
    Ok(())
}

/// What no alarm that was closed covers, by key, the busiest source first.
pub async fn open(tx: &mut Tx) -> Result<Vec<Seen>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select kid, source, attempts, first_at, last_at from forgeries where closed_at is null \
             order by kid, attempts desc, source",
        )
        .fetch_all(c)
        .await
    })?)
}

/// How many forged tokens no closed alarm covers.
pub async fn count_open(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select cast(coalesce(sum(attempts), 0) as bigint) from forgeries where closed_at is null",
        )
        .fetch_one(c)
        .await
    })?)
}

/// Closes the alarm about a key.
pub async fn close(tx: &mut Tx, kid: &str, by: &str) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query("update forgeries set closed_at = $1, closed_by = $2 where kid = $3 and closed_at is null")
            .bind(now)
            .bind(by)
            .bind(kid))?;
    Ok(())
}
