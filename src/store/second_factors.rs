use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{Digest, UnixMs, UserId};

/// The second factor of a user.
#[derive(Clone, FromRow)]
pub struct Factor {
    /// Whose it is.
    pub user_id: UserId,
    /// The shared secret, sealed.
    pub sealed: Vec<u8>,
    /// Which master key sealed it.
    pub sealed_by: String,
    /// When it was begun.
    pub created_at: UnixMs,
    /// Since when it is asked for; `None` while it is being set up.
    pub confirmed_at: Option<UnixMs>,
}

impl std::fmt::Debug for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factor")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "select user_id, sealed, sealed_by, created_at, confirmed_at from second_factors ";

/// The second factor of a user, whether it is asked for or still being set up.
pub async fn find(tx: &mut Tx, user: &UserId) -> Result<Option<Factor>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(COLUMNS)
            .push("where user_id = ")
            .push_bind(user)
            .build_query_as()
            .fetch_optional(c)
            .await
    })?)
}

/// Every second factor, for sealing them anew.
pub async fn list(tx: &mut Tx) -> Result<Vec<Factor>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(COLUMNS)
            .push("order by user_id")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Begins to set one up, in place of one that was begun and not finished. False when one is asked for.
pub async fn begin(
    tx: &mut Tx,
    user: &UserId,
    sealed: &[u8],
    sealed_by: &str,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "insert into second_factors (user_id, sealed, sealed_by, created_at) values ($1, $2, $3, $4) \
             on conflict (user_id) do update set sealed = excluded.sealed, sealed_by = excluded.sealed_by, \
             created_at = excluded.created_at where second_factors.confirmed_at is null",
        )
        .bind(user)
        .bind(sealed)
        .bind(sealed_by)
        .bind(now)
    )?;
    Ok(done == 1)
}

/// From now on it is asked for; false when it was before.
pub async fn confirm(tx: &mut Tx, user: &UserId) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update second_factors set confirmed_at = $1 where user_id = $2 and confirmed_at is null"
        )
        .bind(now)
        .bind(user)
    )?;
    Ok(done == 1)
}

/// Seals one anew, if it is still as it was.
pub async fn reseal(
    tx: &mut Tx,
    user: &UserId,
    from: &str,
    sealed: &[u8],
    to: &str,
) -> Result<bool, StoreError> {
    let done = exec!(
        tx,
        sqlx::query(
            "update second_factors set sealed = $1, sealed_by = $2 where user_id = $3 and sealed_by = $4"
        )
        .bind(sealed)
        .bind(to)
        .bind(user)
        .bind(from)
    )?;
    Ok(done == 1)
}

/// Removes a user's second factor with all that belongs to it; false when none was asked for.
pub async fn remove(tx: &mut Tx, user: &UserId) -> Result<bool, StoreError> {
    let was_on = find(tx, user)
        .await?
        .is_some_and(|factor| factor.confirmed_at.is_some());
    for statement in [
        "delete from second_factors where user_id = $1",
        "delete from second_factor_steps where user_id = $1",
        "delete from recovery_codes where user_id = $1",
        "delete from sign_in_steps where user_id = $1",
    ] {
        exec!(tx, sqlx::query(statement).bind(user))?;
    }
    Ok(was_on)
}

/// Uses up the code of a step of time, and forgets those before `before`; false when it was used.
pub async fn use_step(
    tx: &mut Tx,
    user: &UserId,
    step: i64,
    before: i64,
) -> Result<bool, StoreError> {
    exec!(
        tx,
        sqlx::query("delete from second_factor_steps where user_id = $1 and step < $2")
            .bind(user)
            .bind(before)
    )?;
    let done = exec!(
        tx,
        sqlx::query(
            "insert into second_factor_steps (user_id, step) values ($1, $2) on conflict (user_id, step) do nothing"
        )
        .bind(user)
        .bind(step)
    )?;
    Ok(done == 1)
}

/// Gives a user these recovery codes and no others.
pub async fn replace_codes(tx: &mut Tx, user: &UserId, codes: &[Digest]) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query("delete from recovery_codes where user_id = $1").bind(user)
    )?;
    for code in codes {
        exec!(
            tx,
            sqlx::query(
                "insert into recovery_codes (digest, user_id, created_at) values ($1, $2, $3)"
            )
            .bind(*code)
            .bind(user)
            .bind(now)
        )?;
    }
    Ok(())
}

/// Uses a recovery code up; false when it is not this user's, or was used.
pub async fn use_code(tx: &mut Tx, user: &UserId, code: &Digest) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update recovery_codes set used_at = $1 where digest = $2 and user_id = $3 and used_at is null"
        )
        .bind(now)
        .bind(*code)
        .bind(user)
    )?;
    Ok(done == 1)
}

/// How many recovery codes a user has left.
pub async fn codes_left(tx: &mut Tx, user: &UserId) -> Result<i64, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar("select count(*) from recovery_codes where user_id = $1 and used_at is null")
            .bind(user)
            .fetch_one(c)
            .await
    })?)
}

/// Notes that a user's password was right, and that the second factor is awaited until `until`.
pub async fn insert_sign_in(
    tx: &mut Tx,
    digest: &Digest,
    user: &UserId,
    until: UnixMs,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query("delete from sign_in_steps where expires_at < $1").bind(now)
    )?;
    exec!(
        tx,
        sqlx::query(
            "insert into sign_in_steps (digest, user_id, created_at, expires_at) values ($1, $2, $3, $4)"
        )
        .bind(*digest)
        .bind(user)
        .bind(now)
        .bind(until)
    )?;
    Ok(())
}

/// Whose sign-in waits for the second factor; `None` when it took too long, is done, or never was.
pub async fn sign_in(
    tx: &mut Tx,
    digest: &Digest,
    now: UnixMs,
) -> Result<Option<UserId>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select user_id from sign_in_steps where digest = $1 and used_at is null and expires_at > $2",
        )
        .bind(*digest)
        .bind(now)
        .fetch_optional(c)
        .await
    })?)
}

/// Ends a sign-in that waited; false when it is not waiting any more.
pub async fn end_sign_in(tx: &mut Tx, digest: &Digest) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update sign_in_steps set used_at = $1 where digest = $2 and used_at is null and expires_at > $1"
        )
        .bind(now)
        .bind(*digest)
    )?;
    Ok(done == 1)
}

/// Ends every sign-in of a user that waits: their password was changed.
pub async fn end_sign_ins(tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query("update sign_in_steps set used_at = $1 where user_id = $2 and used_at is null")
            .bind(now)
            .bind(user)
    )?;
    Ok(())
}
