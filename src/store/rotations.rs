use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{Generation, Name, Phase, RotationId, UnixMs};

/// A rotation.
#[derive(Clone, Debug, FromRow)]
pub struct Rotation {
    /// Its id.
    pub id: RotationId,
    /// Its name for people.
    pub name: String,
    /// Why it was started.
    pub reason: String,
    /// The generation it moves from.
    pub from_generation: Generation,
    /// The generation it moves to.
    pub target_generation: Generation,
    /// Where it stands.
    pub phase: Phase,
    /// How far it looks back, in milliseconds.
    pub lookback_ms: i64,
    /// Who started it.
    pub started_by: String,
    /// When it was started.
    pub started_at: UnixMs,
    /// The version from which on it records; `None` when an older release started it.
    pub start_version: Option<i64>,
    /// When start took effect on every node.
    pub effective_at: Option<UnixMs>,
    /// When the look-back had finished.
    pub looked_back_at: Option<UnixMs>,
    /// The public id that the look-back has come to: sessions first, then tokens.
    pub lookback_after: String,
    /// How many tokens and sessions it has carried over.
    pub lookback_carried: i64,
    /// The end promised to customers.
    pub ends_at: UnixMs,
    /// The cutover.
    pub finalised_at: Option<UnixMs>,
    /// When it was closed.
    pub closed_at: Option<UnixMs>,
    /// When it was aborted.
    pub aborted_at: Option<UnixMs>,
}

const SELECT: &str = "select id, name, reason, from_generation, target_generation, phase, lookback_ms, started_by, \
     started_at, start_version, effective_at, looked_back_at, lookback_after, lookback_carried, ends_at, \
     finalised_at, closed_at, aborted_at from rotations ";

/// Writes a rotation that has just been started.
pub async fn insert(tx: &mut Tx, rotation: &Rotation) -> Result<(), StoreError> {
    let name_key = rotation.name.to_lowercase();
    exec!(tx, sqlx::query(
            "insert into rotations (id, name, name_key, reason, from_generation, target_generation, phase, open, \
             lookback_ms, started_by, started_at, ends_at, start_version) \
             values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11, $12)",
        )
        .bind(&rotation.id)
        .bind(&rotation.name)
        .bind(name_key)
        .bind(&rotation.reason)
        .bind(rotation.from_generation)
        .bind(rotation.target_generation)
        .bind(rotation.phase)
        .bind(rotation.lookback_ms)
        .bind(&rotation.started_by)
        .bind(rotation.started_at)
        .bind(rotation.ends_at)
        .bind(rotation.start_version))?;
    Ok(())
}

/// Finds a rotation.
pub async fn find(tx: &mut Tx, id: &RotationId) -> Result<Option<Rotation>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT).push("where id = ").push_bind(id).build_query_as().fetch_optional(c).await
    })?)
}

/// Whether a name is taken.
pub async fn name_taken(tx: &mut Tx, name: &Name) -> Result<bool, StoreError> {
    let count: i64 = on!(tx, c => {
        sqlx::query_scalar("select count(*) from rotations where name_key = $1").bind(name.key()).fetch_one(c).await
    })?;
    Ok(count > 0)
}

/// Every rotation, newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Rotation>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("order by started_at desc, id desc")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Says when start took effect; false when that was said before.
pub async fn set_effective(tx: &mut Tx, id: &RotationId) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update rotations set effective_at = $1 where id = $2 and effective_at is null"
        )
        .bind(now)
        .bind(id)
    )?;
    Ok(done == 1)
}

/// Moves a rotation from one phase to another; false when it was not in `from` (compare and set).
pub async fn change_phase(
    tx: &mut Tx,
    id: &RotationId,
    from: Phase,
    to: Phase,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let open = to.is_open().then_some(1_i64);
    let done = on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new("update rotations set phase = ");
        query.push_bind(to).push(", open = ").push_bind(open);
        match to {
            Phase::Finalised => query.push(", finalised_at = ").push_bind(now),
            Phase::Closed => query.push(", closed_at = ").push_bind(now),
            Phase::Aborted => query.push(", aborted_at = ").push_bind(now),
            // Reopened: the cutover is undone, and its date with it.
            Phase::Recording => query.push(", finalised_at = null"),
        };
        query.push(" where id = ").push_bind(id).push(" and phase = ").push_bind(from);
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(done == 1)
}

/// The name and the moment of the last cutover that stands.
pub async fn last_cutover(tx: &mut Tx) -> Result<Option<(String, UnixMs)>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select name, finalised_at from rotations where finalised_at is not null order by finalised_at desc limit 1",
        )
        .fetch_optional(c)
        .await
    })?)
}

/// Says that the look-back has finished.
pub async fn set_looked_back(tx: &mut Tx, id: &RotationId) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update rotations set looked_back_at = $1 where id = $2 and looked_back_at is null"
        )
        .bind(now)
        .bind(id)
    )?;
    Ok(())
}

/// Moves the look-back on from one public id to another; false when another process has moved it
/// meanwhile (compare and set).
pub async fn move_look_back(
    tx: &mut Tx,
    id: &RotationId,
    from: &str,
    to: &str,
) -> Result<bool, StoreError> {
    let done = exec!(
        tx,
        sqlx::query(
            "update rotations set lookback_after = $1 where id = $2 and lookback_after = $3 and looked_back_at is null"
        )
        .bind(to)
        .bind(id)
        .bind(from)
    )?;
    Ok(done == 1)
}

/// Counts what a look-back has carried over.
pub async fn count_look_back(tx: &mut Tx, id: &RotationId, carried: i64) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update rotations set lookback_carried = lookback_carried + $1 where id = $2")
            .bind(carried)
            .bind(id)
    )?;
    Ok(())
}
