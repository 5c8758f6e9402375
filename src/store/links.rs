use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{Digest, UnixMs, UserId};

/// A link that works once.
#[derive(Clone, Debug, FromRow)]
pub struct Link {
    /// `set-password` or `setup`.
    pub purpose: String,
    /// Whose password it sets.
    pub user_id: Option<UserId>,
    /// When it stops working.
    pub expires_at: UnixMs,
    /// When it was used.
    pub used_at: Option<UnixMs>,
}

/// Writes a link; an older one of the same purpose and user stops working.
pub async fn insert(
    tx: &mut Tx,
    digest: &Digest,
    purpose: &str,
    user: Option<&UserId>,
    expires_at: UnixMs,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update links set used_at = $1 where purpose = $2 and used_at is null \
             and (user_id = $3 or (user_id is null and purpose = 'setup'))",
        )
        .bind(now)
        .bind(purpose)
        .bind(user)
    )?;
    exec!(tx, sqlx::query("insert into links (digest, purpose, user_id, created_at, expires_at) values ($1, $2, $3, $4, $5)")
            .bind(*digest)
            .bind(purpose)
            .bind(user)
            .bind(now)
            .bind(expires_at))?;
    Ok(())
}

/// Finds a link, used or not.
pub async fn find(tx: &mut Tx, digest: &Digest) -> Result<Option<Link>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select purpose, user_id, expires_at, used_at from links where digest = $1")
            .bind(*digest)
            .fetch_optional(c)
            .await
    })?)
}

/// Uses a link up; false when it was used before or has expired.
pub async fn use_up(tx: &mut Tx, digest: &Digest) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(tx, sqlx::query("update links set used_at = $1 where digest = $2 and used_at is null and expires_at > $1")
            .bind(now)
            .bind(*digest))?;
    Ok(done == 1)
}

/// Makes every link of a purpose and user useless.
pub async fn void(tx: &mut Tx, purpose: &str, user: &UserId) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update links set used_at = $1 where purpose = $2 and user_id = $3 and used_at is null"
        )
        .bind(now)
        .bind(purpose)
        .bind(user)
    )?;
    Ok(())
}

/// Failed attempts of one subject: an account name or an address.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Attempts {
    /// Failures in a row.
    pub failures: i64,
    /// The last one.
    pub last_at: UnixMs,
    /// Until when no further attempt is looked at.
    pub blocked_until: UnixMs,
}

/// The failures of a subject.
pub async fn attempts(tx: &mut Tx, subject: &str) -> Result<Option<Attempts>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select failures, last_at, blocked_until from attempts where subject = $1")
            .bind(subject)
            .fetch_optional(c)
            .await
    })?)
}

/// Counts a failure of a subject and gives how many there are in a row, those before `forget` left out.
/// One statement, so that of many at once each is counted.
pub async fn count_failure(tx: &mut Tx, subject: &str, forget: UnixMs) -> Result<i64, StoreError> {
    let now = tx.state().now;
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "insert into attempts (subject, failures, last_at, blocked_until) values ($1, 1, $2, $2) \
             on conflict (subject) do update set last_at = excluded.last_at, \
             failures = case when attempts.last_at > $3 then attempts.failures + 1 else 1 end returning failures",
        )
        .bind(subject)
        .bind(now)
        .bind(forget)
        .fetch_one(c)
        .await
    })?)
}

/// Lets a subject wait.
pub async fn block(tx: &mut Tx, subject: &str, until: UnixMs) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update attempts set blocked_until = $1 where subject = $2")
            .bind(until)
            .bind(subject)
    )?;
    Ok(())
}

/// Forgets the failures of a subject.
pub async fn clear_attempts(tx: &mut Tx, subject: &str) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from attempts where subject = $1").bind(subject)
    )?;
    Ok(())
}

/// Removes failures whose last one was before a time.
pub async fn prune_attempts(tx: &mut Tx, before: UnixMs) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from attempts where last_at < $1").bind(before)
    )?;
    Ok(())
}
