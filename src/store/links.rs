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

/// Failed sign-ins of one subject: an account name or an address.
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

/// Notes the failures of a subject.
pub async fn set_attempts(
    tx: &mut Tx,
    subject: &str,
    attempts: Attempts,
) -> Result<(), StoreError> {
    exec!(tx, sqlx::query(
            "insert into attempts (subject, failures, last_at, blocked_until) values ($1, $2, $3, $4) \
             on conflict (subject) do update set failures = excluded.failures, last_at = excluded.last_at, \
             blocked_until = excluded.blocked_until",
        )
        .bind(subject)
        .bind(attempts.failures)
        .bind(attempts.last_at)
        .bind(attempts.blocked_until))?;
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
