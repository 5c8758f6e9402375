use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx};
use crate::model::{DAY_MS, Generation, RotationId, TokenId, UnixMs};

/// Evidence that a token or session was present.
#[derive(Clone, Debug, FromRow)]
pub struct Capture {
    /// The name of the rotation.
    pub rotation: String,
    /// The public id of a token or a session.
    pub subject: String,
    /// `use`, `lookback`, `readmit` or `approve`.
    pub how: String,
    /// When it was first seen.
    pub first_seen: UnixMs,
    /// When it was last seen.
    pub last_seen: UnixMs,
    /// Requests of the rotation's recording phase that were answered.
    pub requests: i64,
    /// Where the first came from.
    pub source: Option<String>,
    /// What the first caller said it was.
    pub agent: Option<String>,
}

/// What a new capture is written with.
#[derive(Clone, Debug)]
pub struct NewCapture {
    /// The public id of a token or a session.
    pub subject: String,
    /// `use`, `lookback`, `readmit` or `approve`.
    pub how: &'static str,
    /// How many requests it is about.
    pub requests: i64,
    /// Where the request came from.
    pub source: Option<String>,
    /// What the caller said it was.
    pub agent: Option<String>,
}

/// Writes captures, first seen now.
pub async fn insert(
    tx: &mut Tx,
    rotation: &RotationId,
    new: &[NewCapture],
) -> Result<(), StoreError> {
    let now = tx.state().now;
    for chunk in new.chunks(100) {
        on!(tx, c => {
            let mut query = QueryBuilder::new(
                "insert into captures (rotation_id, subject, how, first_seen, last_seen, requests, source, agent) ",
            );
            query.push_values(chunk, |mut row, capture| {
                row.push_bind(rotation)
                    .push_bind(&capture.subject)
                    .push_bind(capture.how)
                    .push_bind(now)
                    .push_bind(now)
                    .push_bind(capture.requests)
                    .push_bind(capture.source.as_deref())
                    .push_bind(capture.agent.as_deref());
            });
            query.push(" on conflict (rotation_id, subject) do nothing");
            query.build().execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(())
}

/// The evidence for one token or session in the newest rotation that captured it.
pub async fn latest(tx: &mut Tx, subject: &str) -> Result<Option<Capture>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select r.name as rotation, c.subject, c.how, c.first_seen, c.last_seen, c.requests, c.source, c.agent \
             from captures c join rotations r on r.id = c.rotation_id \
             where c.subject = $1 order by c.first_seen desc limit 1",
        )
        .bind(subject)
        .fetch_optional(c)
        .await
    })?)
}

/// Captures of live tokens over time: how many were first seen in each step of `step_ms` since
/// `from`. What has been revoked, replaced or has expired since does not count.
pub async fn curve(
    tx: &mut Tx,
    rotation: &RotationId,
    from: UnixMs,
    step_ms: i64,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let now = tx.now().await?;
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select (c.first_seen - $1) / $2 as step, count(*) from captures c \
             join tokens t on t.id = c.subject where c.rotation_id = $3 and t.revoked_at is null \
             and (t.expires_at is null or t.expires_at > $4) and (t.ends_at is null or t.ends_at > $4) \
             group by 1 order by 1",
        )
        .bind(from)
        .bind(step_ms.max(1))
        .bind(rotation)
        .bind(now)
        .fetch_all(c)
        .await
    })?)
}

/// What a look-back counts as present: use at or after `since` of what is accepted now and has not
/// reached `target`.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    /// How far it looks back.
    pub since: UnixMs,
    /// What is required now: what a cutover made dormant is not revived.
    pub current: Generation,
    /// What it carries over to.
    pub target: Generation,
}

/// Tokens that a look-back counts as present: at most `limit`, in id order, after `after`. Whether
/// they live is for [`super::tokens::carry_over`] to say.
pub async fn present(
    tx: &mut Tx,
    presence: Presence,
    after: &str,
    limit: i64,
) -> Result<Vec<TokenId>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select id from tokens where generation < $1 and generation >= $2 and last_used_at >= $3 and id > $4 \
             order by id limit $5",
        )
        .bind(presence.target)
        .bind(presence.current)
        .bind(presence.since)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await
    })?)
}

/// How many tokens a look-back that has come to `after` has still to look at.
pub async fn left(tx: &mut Tx, presence: Presence, after: &str) -> Result<i64, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select count(*) from tokens where generation < $1 and generation >= $2 and last_used_at >= $3 and id > $4",
        )
        .bind(presence.target)
        .bind(presence.current)
        .bind(presence.since)
        .bind(after)
        .fetch_one(c)
        .await
    })?)
}

/// How far a lookback reaches at the most, in milliseconds: use is kept by day for this long.
pub const LONGEST_LOOKBACK_MS: i64 = 400 * DAY_MS;
