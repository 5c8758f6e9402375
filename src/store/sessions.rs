use sqlx::FromRow;

use super::captures::Presence;
use super::{StoreError, Tx};
use crate::model::{Digest, Generation, SessionId, UnixMs, UserId};

/// A dashboard login. The cookie's value is known by its digest alone.
#[derive(Clone, Debug, FromRow)]
pub struct Session {
    /// The public id.
    pub id: SessionId,
    /// SHA-256 of the cookie's value.
    pub digest: Digest,
    /// Whose it is.
    pub user_id: UserId,
    /// The newest generation it may live in.
    pub generation: Generation,
    /// What the session layer keeps in it, as JSON.
    pub data: String,
    /// When it began.
    pub created_at: UnixMs,
    /// The last request.
    pub seen_at: UnixMs,
    /// When it ends for want of use.
    pub idle_until: UnixMs,
    /// When it ends whatever happens.
    pub expires_at: UnixMs,
    /// When it was ended.
    pub ended_at: Option<UnixMs>,
    /// Why it was ended.
    pub ended_by: Option<String>,
    /// Where it was last used from.
    pub source: Option<String>,
    /// What the browser said it was.
    pub agent: Option<String>,
}

const COLUMNS: &str = "select id, digest, user_id, generation, data, created_at, seen_at, idle_until, expires_at, \
     ended_at, ended_by, source, agent from sessions ";

/// Writes a new session; false when the digest is taken.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<bool, StoreError> {
    let done = exec!(tx, sqlx::query(
            "insert into sessions (id, digest, user_id, generation, data, created_at, seen_at, idle_until, \
             expires_at, source, agent) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             on conflict (digest) do nothing",
        )
        .bind(&session.id)
        .bind(session.digest)
        .bind(&session.user_id)
        .bind(session.generation)
        .bind(&session.data)
        .bind(session.created_at)
        .bind(session.seen_at)
        .bind(session.idle_until)
        .bind(session.expires_at)
        .bind(&session.source)
        .bind(&session.agent))?;
    Ok(done == 1)
}

/// Finds a session, whatever became of it.
pub async fn find(tx: &mut Tx, digest: &Digest) -> Result<Option<Session>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(COLUMNS)
            .push("where digest = ")
            .push_bind(*digest)
            .build_query_as()
            .fetch_optional(c)
            .await
    })?)
}

/// The sessions of a user that have not ended, newest use first.
pub async fn of_user(tx: &mut Tx, user: &UserId) -> Result<Vec<Session>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(COLUMNS)
            .push("where user_id = ")
            .push_bind(user)
            .push(" and ended_at is null order by seen_at desc limit 100")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Where a user signed in from, and with what.
#[derive(Clone, Debug, FromRow)]
pub struct Way {
    /// The address.
    pub source: Option<String>,
    /// What the browser said it was.
    pub agent: Option<String>,
}

/// The ways in which a user has signed in, as far as sessions are remembered.
pub async fn ways(tx: &mut Tx, user: &UserId) -> Result<Vec<Way>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select distinct source, agent from sessions where user_id = $1 limit 1000")
            .bind(user)
            .fetch_all(c)
            .await
    })?)
}

/// Changes what a session holds. A session that has ended or vanished stays so: nothing is inserted.
pub async fn save(tx: &mut Tx, digest: &Digest, data: &str) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update sessions set data = $1 where digest = $2 and ended_at is null")
            .bind(data)
            .bind(*digest)
    )?;
    Ok(())
}

/// Notes a use and, while recording, carries the session over to `target`. True when this use did
/// carry it: the capture. A session that ended meanwhile stays so.
pub async fn touch(
    tx: &mut Tx,
    session: &Session,
    idle_until: UnixMs,
    target: Option<Generation>,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update sessions set seen_at = $1, idle_until = $2 where digest = $3 and ended_at is null \
             and expires_at > $1 and idle_until > $1"
        )
        .bind(now)
        .bind(idle_until)
        .bind(session.digest)
    )?;
    let Some(target) = target else {
        return Ok(false);
    };
    let carried = carry_over(tx, std::slice::from_ref(&session.id), target).await?;
    Ok(!carried.is_empty())
}

/// Carries sessions over to the generation `target`: the capture itself. The statement says what may
/// be captured: accepted now, live, of an older generation, of an enabled user and account. Gives
/// those it carried.
pub async fn carry_over(
    tx: &mut Tx,
    ids: &[SessionId],
    target: Generation,
) -> Result<Vec<SessionId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (now, current) = (tx.state().now, tx.state().current);
    Ok(on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new("update sessions set generation = ");
        query.push_bind(target);
        query.push(" where generation < ").push_bind(target);
        query.push(" and generation >= ").push_bind(current);
        query.push(" and ended_at is null and expires_at > ").push_bind(now);
        query.push(" and idle_until > ").push_bind(now);
        query.push(
            " and exists (select 1 from users u left join accounts a on a.id = u.account_id \
             where u.id = sessions.user_id and u.disabled_at is null and a.disabled_at is null) and id in (",
        );
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id);
        }
        query.push(") returning id");
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// Which sessions are to end.
#[derive(Clone, Copy, Debug)]
pub enum Which<'w> {
    /// The one with this digest.
    Digest(&'w Digest),
    /// The one with this public id, if it is this user's.
    Id(&'w SessionId, &'w UserId),
    /// Every session of a user but the one with this digest.
    OthersOf(&'w UserId, Option<&'w Digest>),
}

/// Ends sessions; gives how many.
pub async fn end(tx: &mut Tx, which: Which<'_>, why: &str) -> Result<u64, StoreError> {
    let now = tx.state().now;
    Ok(on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new("update sessions set ended_at = ");
        query.push_bind(now).push(", ended_by = ").push_bind(why);
        query.push(", data = '{}' where ended_at is null and ");
        match which {
            Which::Digest(digest) => {
                query.push("digest = ").push_bind(*digest);
            }
            Which::Id(id, user) => {
                query.push("id = ").push_bind(id).push(" and user_id = ").push_bind(user);
            }
            Which::OthersOf(user, but) => {
                query.push("user_id = ").push_bind(user);
                if let Some(but) = but {
                    query.push(" and digest <> ").push_bind(*but);
                }
            }
        }
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Removes sessions that ended or expired before `before`.
pub async fn prune(tx: &mut Tx, before: UnixMs) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from sessions where expires_at < $1 or ended_at < $1").bind(before)
    )?;
    Ok(())
}

/// Sessions that a look-back counts as present: at most `limit`, in id order, after `after`.
pub async fn present(
    tx: &mut Tx,
    presence: Presence,
    after: &str,
    limit: i64,
) -> Result<Vec<SessionId>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select id from sessions where generation < $1 and generation >= $2 and seen_at >= $3 and id > $4 \
             and ended_at is null order by id limit $5",
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

/// Live sessions that have reached `generation`, and those that have not.
pub async fn count(
    tx: &mut Tx,
    generation: Generation,
    now: UnixMs,
) -> Result<(i64, i64), StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select cast(coalesce(sum(case when generation >= $1 then 1 else 0 end), 0) as bigint), \
             cast(coalesce(sum(case when generation < $1 then 1 else 0 end), 0) as bigint) \
             from sessions where ended_at is null and expires_at > $2 and idle_until > $2",
        )
        .bind(generation)
        .bind(now)
        .fetch_one(c)
        .await
    })?)
}
