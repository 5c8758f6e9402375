use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{Generation, RotationId, UnixMs};

/// That something of a key was destroyed: kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Destruction {
    /// Whose it was.
    pub kid: String,
    /// The key's generation.
    pub generation: Generation,
    /// `private`, `secret`, `public`, or `copy`: a copy under a master key that was replaced.
    pub what: String,
    /// Which master key had sealed it; empty for a public half.
    pub sealed_by: String,
    /// When it was overwritten in the database.
    pub at: UnixMs,
    /// `start`, `close` or `reseal`.
    pub why: String,
    /// The rotation that did it.
    pub rotation_id: Option<RotationId>,
    /// When the database's files held no trace of it any more; `None` while that is unfinished.
    pub scrubbed_at: Option<UnixMs>,
}

/// That someone said a key is compromised.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Compromise {
    /// Which key.
    pub kid: String,
    /// When it was said.
    pub at: UnixMs,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Records what [`super::keys::activate`] is about to destroy: every private half generated here of
/// an older generation than `target`.
pub async fn record_start(
    tx: &mut Tx,
    target: Generation,
    rotation: &RotationId,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query(
            "insert into destructions (kid, what, sealed_by, generation, at, why, rotation_id) \
             select kid, 'private', coalesce(sealed_by, ''), generation, $1, 'start', $2 from signing_keys \
             where generation < $3 and origin = 'generated' and sealed is not null \
             on conflict (kid, what, sealed_by) do nothing",
        )
        .bind(now)
        .bind(rotation)
        .bind(target))?;
    Ok(())
}

/// Records what [`super::keys::forget_below`] is about to destroy: all that is left of generations
/// older than `target`.
pub async fn record_close(
    tx: &mut Tx,
    target: Generation,
    rotation: &RotationId,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query(
            "insert into destructions (kid, what, sealed_by, generation, at, why, rotation_id) \
             select kid, case when origin = 'imported' then 'secret' else 'private' end, coalesce(sealed_by, ''), \
             generation, $1, 'close', $2 from signing_keys \
             where generation < $3 and forgotten_at is null and sealed is not null \
             on conflict (kid, what, sealed_by) do nothing",
        )
        .bind(now)
        .bind(rotation)
        .bind(target))?;
    exec!(
        tx,
        sqlx::query(
            "insert into destructions (kid, what, sealed_by, generation, at, why, rotation_id) \
             select kid, 'public', '', generation, $1, 'close', $2 from signing_keys \
             where generation < $3 and forgotten_at is null and public_key is not null \
             on conflict (kid, what, sealed_by) do nothing",
        )
        .bind(now)
        .bind(rotation)
        .bind(target)
    )?;
    Ok(())
}

/// Puts a key under another master key, and records that the copy under the old one is gone. False
/// when the row was changed meanwhile.
pub async fn reseal(
    tx: &mut Tx,
    kid: &str,
    from: &str,
    sealed: &[u8],
    to: &str,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update signing_keys set sealed = $1, sealed_by = $2 where kid = $3 \
             and sealed_by = $4 and sealed is not null"
        )
        .bind(sealed)
        .bind(to)
        .bind(kid)
        .bind(from)
    )?;
    if done == 0 {
        return Ok(false);
    }
    exec!(
        tx,
        sqlx::query(
            "insert into destructions (kid, what, sealed_by, generation, at, why) \
             select kid, 'copy', $1, generation, $2, 'reseal' from signing_keys where kid = $3 \
             on conflict (kid, what, sealed_by) do update set at = excluded.at, scrubbed_at = null",
        )
        .bind(from)
        .bind(now)
        .bind(kid)
    )?;
    Ok(true)
}

/// Every destruction, the oldest first.
pub async fn destructions(tx: &mut Tx) -> Result<Vec<Destruction>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select kid, generation, what, sealed_by, at, why, rotation_id, scrubbed_at from destructions \
             order by at, kid, what",
        )
        .fetch_all(c)
        .await
    })?)
}

/// When the youngest destruction was made of which the files may still hold a trace.
pub async fn unscrubbed(tx: &mut Tx) -> Result<Option<UnixMs>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar("select max(at) from destructions where scrubbed_at is null").fetch_one(c).await
    })?)
}

/// Notes that the files hold no trace of what was destroyed up to `upto`.
pub async fn set_scrubbed(tx: &mut Tx, upto: UnixMs) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update destructions set scrubbed_at = $1 where scrubbed_at is null and at <= $2"
        )
        .bind(now)
        .bind(upto)
    )?;
    Ok(())
}

/// Says that a key is compromised; false when that was said before, or there is no such key.
pub async fn set_compromised(
    tx: &mut Tx,
    kid: &str,
    by: &str,
    reason: &str,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update signing_keys set compromised_at = $1, compromised_by = $2, \
             compromised_reason = $3 where kid = $4 and compromised_at is null"
        )
        .bind(now)
        .bind(by)
        .bind(reason)
        .bind(kid)
    )?;
    Ok(done == 1)
}

/// Every key of which that was said.
pub async fn compromises(tx: &mut Tx) -> Result<Vec<Compromise>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select kid, compromised_at as at, coalesce(compromised_by, '') as by, \
             coalesce(compromised_reason, '') as reason from signing_keys where compromised_at is not null \
             order by compromised_at",
        )
        .fetch_all(c)
        .await
    })?)
}
