use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{LetterKind, UnixMs, UserId};

/// A letter to one user.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// To whom.
    pub user_id: UserId,
    /// The slug of its kind.
    pub kind: String,
    /// What it tells, as JSON. Never a secret.
    pub facts: String,
    /// When what it tells happened.
    pub ordered_at: UnixMs,
    /// How often it was tried.
    pub attempts: i64,
}

/// What became of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server or the folder has taken them.
    Sent,
    /// They are not tried any more.
    GivenUp,
    /// What they tell is no longer so, or nobody is there to read it.
    Withdrawn,
}

impl Outcome {
    /// How it stands in rows.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::GivenUp => "given-up",
            Self::Withdrawn => "withdrawn",
        }
    }
}

const COLUMNS: &str = "select id, user_id, kind, facts, ordered_at, attempts from letters ";

/// Orders a letter, to be tried from `due_at` on.
pub async fn insert(
    tx: &mut Tx,
    id: &str,
    to: &UserId,
    kind: LetterKind,
    facts: &str,
    due_at: UnixMs,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "insert into letters (id, user_id, kind, facts, ordered_at, due_at) values ($1, $2, $3, $4, $5, $6)"
        )
        .bind(id)
        .bind(to)
        .bind(kind.slug())
        .bind(facts)
        .bind(now)
        .bind(due_at)
    )?;
    Ok(())
}

/// When a letter of this kind was last sent to a user.
pub async fn last_sent(
    tx: &mut Tx,
    to: &UserId,
    kind: LetterKind,
) -> Result<Option<UnixMs>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select ended_at from letters where user_id = $1 and kind = $2 and outcome = 'sent' \
             order by ended_at desc limit 1",
        )
        .bind(to)
        .bind(kind.slug())
        .fetch_optional(c)
        .await
    })?)
}

/// The letter that is due first at `now`, of a kind that this program knows, and that nobody is
/// sending.
pub async fn first_due(tx: &mut Tx, now: UnixMs) -> Result<Option<Row>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new(COLUMNS);
        query.push("where outcome is null and due_at <= ").push_bind(now);
        query.push(" and (leased_until is null or leased_until <= ").push_bind(now);
        query.push(") and kind in (");
        let mut list = query.separated(", ");
        for kind in LetterKind::ALL {
            list.push_bind(kind.slug());
        }
        query.push(") order by due_at, id limit 1");
        query.build_query_as().fetch_optional(c).await
    })?)
}

/// Takes a letter for sending, until `until` for nobody else; with `others`, all that wait for the
/// same user and are of the same kind. Gives those it got, the oldest first: none when another node
/// was faster.
pub async fn lease(
    tx: &mut Tx,
    letter: &Row,
    others: bool,
    lease: &str,
    until: UnixMs,
) -> Result<Vec<Row>, StoreError> {
    let now = tx.state().now;
    on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new("update letters set lease = ");
        query.push_bind(lease).push(", leased_until = ").push_bind(until);
        query.push(", attempts = attempts + 1 where outcome is null and (leased_until is null or leased_until <= ");
        query.push_bind(now).push(") and ");
        if others {
            query.push("user_id = ").push_bind(&letter.user_id);
            query.push(" and kind = ").push_bind(&letter.kind);
        } else {
            query.push("id = ").push_bind(&letter.id);
        }
        query.build().execute(c).await.map(drop)
    })?;
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(COLUMNS)
            .push("where outcome is null and lease = ")
            .push_bind(lease)
            .push(" order by ordered_at, id")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Notes what became of the letters under a lease. Those that another node has taken meanwhile, or
/// that have ended, stay as they are.
pub async fn end(
    tx: &mut Tx,
    lease: &str,
    outcome: Outcome,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update letters set outcome = $1, ended_at = $2, reason = $3, lease = null, leased_until = null \
             where lease = $4 and outcome is null"
        )
        .bind(outcome.slug())
        .bind(now)
        .bind(reason)
        .bind(lease)
    )?;
    Ok(())
}

/// Puts the letters under a lease back, to be tried again at `due_at`.
pub async fn put_back(
    tx: &mut Tx,
    lease: &str,
    due_at: UnixMs,
    reason: &str,
) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query(
            "update letters set due_at = $1, reason = $2, lease = null, leased_until = null \
             where lease = $3 and outcome is null"
        )
        .bind(due_at)
        .bind(reason)
        .bind(lease)
    )?;
    Ok(())
}

/// Withdraws what waits for a user of one kind, also what is just being sent.
pub async fn withdraw(
    tx: &mut Tx,
    to: &UserId,
    kind: LetterKind,
    reason: &str,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update letters set outcome = 'withdrawn', ended_at = $1, reason = $2 \
             where user_id = $3 and kind = $4 and outcome is null"
        )
        .bind(now)
        .bind(reason)
        .bind(to)
        .bind(kind.slug())
    )?;
    Ok(())
}

/// The slugs of the kinds that a user does without.
pub async fn declined(tx: &mut Tx, user: &UserId) -> Result<Vec<String>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar("select kind from letters_declined where user_id = $1")
            .bind(user)
            .fetch_all(c)
            .await
    })?)
}

/// Notes whether a user does without letters of a kind.
pub async fn set_declined(
    tx: &mut Tx,
    user: &UserId,
    kind: LetterKind,
    declined: bool,
) -> Result<(), StoreError> {
    let statement = if declined {
        "insert into letters_declined (user_id, kind) values ($1, $2) on conflict (user_id, kind) do nothing"
    } else {
        "delete from letters_declined where user_id = $1 and kind = $2"
    };
    exec!(tx, sqlx::query(statement).bind(user).bind(kind.slug()))?;
    Ok(())
}

/// A letter that has not left, as an admin sees it.
#[derive(Clone, Debug, FromRow)]
pub struct Unsent {
    /// Its id.
    pub id: String,
    /// The slug of its kind.
    pub kind: String,
    /// The address of its reader.
    pub email: String,
    /// The account of its reader; `None` for an admin.
    pub account_name: Option<String>,
    /// When it was ordered.
    pub ordered_at: UnixMs,
    /// When it is tried next.
    pub due_at: UnixMs,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was given up; `None` while it waits.
    pub given_up_at: Option<UnixMs>,
    /// Why the last attempt failed.
    pub reason: Option<String>,
}

/// Letters that have not left: those given up first, then those that wait, the newest first.
pub async fn unsent(tx: &mut Tx, limit: i64) -> Result<Vec<Unsent>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select l.id, l.kind, u.email, a.name as account_name, l.ordered_at, l.due_at, l.attempts, \
             l.ended_at as given_up_at, l.reason \
             from letters l join users u on u.id = l.user_id left join accounts a on a.id = u.account_id \
             where l.outcome is null or l.outcome = 'given-up' \
             order by case when l.outcome is null then 1 else 0 end, l.ordered_at desc, l.id desc limit $1",
        )
        .bind(limit)
        .fetch_all(c)
        .await
    })?)
}

/// How many letters wait, and how many were given up.
pub async fn count_unsent(tx: &mut Tx) -> Result<(i64, i64), StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select cast(coalesce(sum(case when outcome is null then 1 else 0 end), 0) as bigint), \
             cast(coalesce(sum(case when outcome is null then 0 else 1 end), 0) as bigint) \
             from letters where outcome is null or outcome = 'given-up'",
        )
        .fetch_one(c)
        .await
    })?)
}

/// Lets a letter that was given up be tried from the start; false when there is no such letter.
pub async fn send_again(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update letters set outcome = null, ended_at = null, attempts = 0, due_at = $1 \
             where id = $2 and outcome = 'given-up'"
        )
        .bind(now)
        .bind(id)
    )?;
    Ok(done == 1)
}

/// Removes letters that ended before `before`.
pub async fn prune(tx: &mut Tx, before: UnixMs) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from letters where ended_at < $1").bind(before)
    )?;
    Ok(())
}

/// What became of every letter, how often it was tried, and why, the oldest first.
#[cfg(test)]
pub async fn outcomes_for_tests(
    tx: &mut Tx,
) -> Result<Vec<(Option<String>, i64, String)>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select outcome, attempts, coalesce(reason, '') from letters order by ordered_at, id")
            .fetch_all(c)
            .await
    })?)
}
