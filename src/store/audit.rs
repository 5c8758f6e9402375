use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx};
use crate::model::{AccountId, UnixMs};

/// A line of the audit.
#[derive(Clone, Debug, FromRow)]
pub struct Entry {
    /// Its id, sortable by time.
    pub id: String,
    /// When it was done.
    pub at: UnixMs,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what: a public id.
    pub subject: String,
    /// More, as JSON. Never a secret.
    pub detail: String,
}

/// Writes a line, in the transaction of the deed itself.
pub async fn note(
    tx: &mut Tx,
    id: &str,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query("insert into audit (id, at, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)")
            .bind(id)
            .bind(now)
            .bind(actor)
            .bind(action)
            .bind(subject)
            .bind(detail))?;
    Ok(())
}

/// The last lines, newest first; of one subject, or of all.
pub async fn list(
    tx: &mut Tx,
    subject: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("select id, at, actor, action, subject, detail from audit");
        if let Some(subject) = subject {
            query.push(" where subject = ").push_bind(subject);
        }
        query.push(" order by at desc, id desc limit ").push_bind(limit);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// A page of the audit: what was done before the line `before`, newest first.
pub async fn page(tx: &mut Tx, before: Option<&str>, limit: i64) -> Result<Vec<Entry>, StoreError> {
    // Ids sort by time.
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("select id, at, actor, action, subject, detail from audit");
        if let Some(before) = before {
            query.push(" where id < ").push_bind(before);
        }
        query.push(" order by id desc limit ").push_bind(limit);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// What was done to an account, its users, integrations and tokens, newest first.
pub async fn of_account(
    tx: &mut Tx,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select id, at, actor, action, subject, detail from audit where subject in (select $1 \
             union all select id from users where account_id = $1 \
             union all select id from integrations where account_id = $1 \
             union all select id from tickets where account_id = $1 \
             union all select id from tokens where account_id = $1) order by id desc limit $2",
        )
        .bind(account)
        .bind(limit)
        .fetch_all(c)
        .await
    })?)
}
