use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx};
use crate::model::{AccountId, Digest, Generation, IntegrationId, Retirement, TokenId, UnixMs};

/// A row of the registry.
#[derive(Clone, Debug, FromRow)]
pub struct Token {
    /// The public id.
    pub id: TokenId,
    /// SHA-256 of the compact token.
    pub digest: Digest,
    /// Whose it is.
    pub integration_id: IntegrationId,
    /// The integration's account.
    pub account_id: AccountId,
    /// The key that signed it.
    pub kid: String,
    /// The generation it was issued in.
    pub born: Generation,
    /// The newest generation it may live in.
    pub generation: Generation,
    /// Its last four characters.
    pub hint: String,
    /// What `/fix?ref=` names.
    pub fix_ref: String,
    /// When it was issued.
    pub issued_at: UnixMs,
    /// Who issued it.
    pub issued_by: String,
    /// When it expires; never when `None`.
    pub expires_at: Option<UnixMs>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Until when that can be undone; `None` when it cannot.
    pub undo_until: Option<UnixMs>,
    /// What this token does to its predecessors.
    pub retires: String,
    /// Milliseconds of overlap, counted from its first use.
    pub overlap_ms: i64,
    /// Which token replaced it.
    pub replaced_by: Option<TokenId>,
    /// When its replacement ends it.
    pub ends_at: Option<UnixMs>,
    /// Its first request.
    pub first_used_at: Option<UnixMs>,
    /// Where its first request came from.
    pub first_source: Option<String>,
    /// Its last request.
    pub last_used_at: Option<UnixMs>,
    /// Where its last request came from.
    pub last_source: Option<String>,
    /// What the last caller said it was.
    pub last_agent: Option<String>,
    /// Requests answered.
    pub uses: i64,
    /// Requests refused.
    pub refused: i64,
    /// The last refusal.
    pub last_refused_at: Option<UnixMs>,
    /// The code of the last refusal.
    pub last_refused_code: Option<String>,
    /// Where the last refused request came from.
    pub last_refused_source: Option<String>,
}

const COLUMNS: &str = "t.id, t.digest, t.integration_id, t.account_id, t.kid, t.born, t.generation, t.hint, \
     t.fix_ref, t.issued_at, t.issued_by, t.expires_at, t.revoked_at, t.revoked_by, t.undo_until, \
     t.retires, t.overlap_ms, t.replaced_by, t.ends_at, t.first_used_at, t.first_source, t.last_used_at, t.last_source, t.last_agent, t.uses, t.refused, \
     t.last_refused_at, t.last_refused_code, t.last_refused_source";

/// A token together with what else decides about it.
#[derive(Clone, Debug, FromRow)]
pub struct TokenWithAccount {
    /// The registry row.
    #[sqlx(flatten)]
    pub token: Token,
    /// When its account was disabled.
    pub account_disabled_at: Option<UnixMs>,
}

/// What a new token is registered with.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The public id.
    pub id: TokenId,
    /// SHA-256 of the compact token.
    pub digest: Digest,
    /// Whose it is.
    pub integration_id: IntegrationId,
    /// The integration's account.
    pub account_id: AccountId,
    /// The key that signed it.
    pub kid: String,
    /// That key's generation.
    pub born: Generation,
    /// Its last four characters.
    pub hint: String,
    /// What `/fix?ref=` names.
    pub fix_ref: String,
    /// The single-use id of the form that made it.
    pub form_id: Option<String>,
    /// When it was issued.
    pub issued_at: UnixMs,
    /// Who issued it.
    pub issued_by: String,
    /// When it expires.
    pub expires_at: Option<UnixMs>,
    /// What it does to its predecessors.
    pub retirement: Retirement,
}

/// Registers a token.
pub async fn insert(tx: &mut Tx, new: &NewToken) -> Result<(), StoreError> {
    exec!(tx, sqlx::query(
            "insert into tokens (id, digest, integration_id, account_id, kid, born, generation, hint, fix_ref, \
             form_id, issued_at, issued_by, expires_at, retires, overlap_ms) \
             values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(&new.id)
        .bind(new.digest)
        .bind(&new.integration_id)
        .bind(&new.account_id)
        .bind(&new.kid)
        .bind(new.born)
        .bind(&new.hint)
        .bind(&new.fix_ref)
        .bind(&new.form_id)
        .bind(new.issued_at)
        .bind(&new.issued_by)
        .bind(new.expires_at)
        .bind(new.retirement.slug())
        .bind(new.retirement.overlap()))?;
    Ok(())
}

/// How a token is looked up.
#[derive(Clone, Copy, Debug)]
pub enum Key<'k> {
    /// By the digest of its text.
    Digest(&'k Digest),
    /// By its public id.
    Id(&'k TokenId),
    /// By the reference of its `/fix` link.
    FixRef(&'k str),
    /// By the form that made it.
    Form(&'k str),
}

/// Finds one token.
pub async fn find(tx: &mut Tx, key: Key<'_>) -> Result<Option<TokenWithAccount>, StoreError> {
    let column = match key {
        Key::Digest(_) => "t.digest",
        Key::Id(_) => "t.id",
        Key::FixRef(_) => "t.fix_ref",
        Key::Form(_) => "t.form_id",
    };
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("select ");
        query.push(COLUMNS).push(
            ", a.disabled_at as account_disabled_at from tokens t join accounts a on a.id = t.account_id where ",
        );
        query.push(column).push(" = ");
        match key {
            Key::Digest(digest) => query.push_bind(*digest),
            Key::Id(id) => query.push_bind(id),
            Key::FixRef(text) | Key::Form(text) => query.push_bind(text),
        };
        query.build_query_as().fetch_optional(c).await
    })?)
}

/// Every token of an integration, newest first.
pub async fn of_integration(
    tx: &mut Tx,
    integration: &IntegrationId,
) -> Result<Vec<Token>, StoreError> {
    Ok(on!(tx, c => {
        QueryBuilder::new("select ")
            .push(COLUMNS)
            .push(" from tokens t where t.integration_id = ")
            .push_bind(integration)
            .push(" order by t.issued_at desc, t.id desc")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Every token of an account, newest first.
pub async fn of_account(tx: &mut Tx, account: &AccountId) -> Result<Vec<Token>, StoreError> {
    Ok(on!(tx, c => {
        QueryBuilder::new("select ")
            .push(COLUMNS)
            .push(" from tokens t where t.account_id = ")
            .push_bind(account)
            .push(" order by t.issued_at desc, t.id desc")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Revokes a token; for `undo_for` milliseconds that can be undone. False when it already was.
pub async fn revoke(
    tx: &mut Tx,
    id: &TokenId,
    by: &str,
    undo_for: Option<i64>,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(tx, sqlx::query(
            "update tokens set revoked_at = $1, revoked_by = $2, undo_until = $3 where id = $4 and revoked_at is null",
        )
        .bind(now)
        .bind(by)
        .bind(undo_for.map(|ms| now.plus(ms)))
        .bind(id))?;
    Ok(done == 1)
}

/// A token whose revocation is undone.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The revocation that is meant: there may have been another since.
    pub revoked_at: UnixMs,
    /// Which newer token ends it, and when, where that is sooner than what its row says.
    pub successor: Option<(TokenId, UnixMs)>,
}

/// Undoes a revocation while that may be; its generation stays as it was. False when it may not.
pub async fn restore(tx: &mut Tx, id: &TokenId, restored: &Restored) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let successor = restored.successor.as_ref();
    let done = exec!(tx, sqlx::query(
            "update tokens set revoked_at = null, revoked_by = null, undo_until = null, \
             replaced_by = coalesce($1, replaced_by), ends_at = coalesce($2, ends_at) \
             where id = $3 and revoked_at = $4 and undo_until > $5 and coalesce($2, ends_at, $5 + 1) > $5 \
             and (expires_at is null or expires_at > $5) \
             and exists (select 1 from accounts a where a.id = tokens.account_id and a.disabled_at is null) \
             and exists (select 1 from integrations i where i.id = tokens.integration_id and i.archived_at is null)",
        )
        .bind(successor.map(|(id, _)| id))
        .bind(successor.map(|(_, end)| *end))
        .bind(id)
        .bind(restored.revoked_at)
        .bind(now))?;
    Ok(done == 1)
}

/// Revokes every live token of an integration, dormant ones too; gives those it revoked.
pub async fn revoke_all_of(
    tx: &mut Tx,
    integration: &IntegrationId,
    by: &str,
) -> Result<Vec<(TokenId, Digest)>, StoreError> {
    let now = tx.state().now;
    Ok(on!(tx, c => {
        sqlx::query_as(
            "update tokens set revoked_at = $1, revoked_by = $2 where integration_id = $3 and revoked_at is null \
             and (expires_at is null or expires_at > $1) and (ends_at is null or ends_at > $1) returning id, digest",
        )
        .bind(now)
        .bind(by)
        .bind(integration)
        .fetch_all(c)
        .await
    })?)
}

/// Ends the live predecessors of `successor` at `ends_at`; gives their digests. A predecessor that
/// already ends sooner keeps its end.
pub async fn retire_predecessors(
    tx: &mut Tx,
    successor: &TokenId,
    ends_at: UnixMs,
) -> Result<Vec<Digest>, StoreError> {
    let now = tx.state().now;
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "update tokens set replaced_by = $1, ends_at = $2 \
             where integration_id = (select integration_id from tokens where id = $1) \
             and id <> $1 and revoked_at is null and (ends_at is null or ends_at > $2) \
             and (expires_at is null or expires_at > $3) and issued_at <= (select issued_at from tokens where id = $1) \
             returning digest",
        )
        .bind(successor)
        .bind(ends_at)
        .bind(now)
        .fetch_all(c)
        .await
    })?)
}

/// Carries tokens over to the generation `target`: the capture itself. The statement says what may
/// be captured: accepted now, live, of an older generation, of an enabled account. Gives those it
/// carried. A token that an earlier cutover made dormant is not revived.
pub async fn carry_over(
    tx: &mut Tx,
    ids: &[TokenId],
    target: Generation,
) -> Result<Vec<TokenId>, StoreError> {
    let current = tx.state().current;
    carry(tx, ids, current, target).await
}

/// Carries one token over whatever cutover it missed: an admin's exception. False when it may not
/// be: it is not live, or not dormant.
pub async fn readmit(tx: &mut Tx, id: &TokenId, target: Generation) -> Result<bool, StoreError> {
    let ids = std::slice::from_ref(id);
    Ok(!carry(tx, ids, Generation(0), target).await?.is_empty())
}

async fn carry(
    tx: &mut Tx,
    ids: &[TokenId],
    from: Generation,
    target: Generation,
) -> Result<Vec<TokenId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.state().now;
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("update tokens set generation = ");
        query.push_bind(target);
        query.push(" where generation < ").push_bind(target);
        query.push(" and generation >= ").push_bind(from);
        query.push(" and revoked_at is null and (expires_at is null or expires_at > ").push_bind(now);
        query.push(") and (ends_at is null or ends_at > ").push_bind(now);
        query.push(
            ") and exists (select 1 from accounts a where a.id = tokens.account_id and a.disabled_at is null) \
             and id in (",
        );
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id);
        }
        query.push(") returning id");
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// A first use, with what it does to the token's predecessors.
#[derive(Clone, Debug, FromRow)]
pub struct FirstUse {
    /// The token used for the first time.
    pub id: TokenId,
    /// What it does to its predecessors.
    pub retires: String,
    /// Milliseconds of overlap.
    pub overlap_ms: i64,
}

/// Who is the first to use a token.
#[derive(Clone, Debug)]
pub struct FirstUser {
    /// The token.
    pub id: TokenId,
    /// Where the request came from.
    pub source: Option<String>,
    /// What the caller said it was.
    pub agent: Option<String>,
}

/// Notes the first uses of tokens, which are their last ones too. Gives those that were live and had not
/// been used before. Counts and later uses are flushed apart: see [`super::usage`].
pub async fn first_uses(tx: &mut Tx, uses: &[FirstUser]) -> Result<Vec<FirstUse>, StoreError> {
    let now = tx.state().now;
    let current = tx.state().current;
    let mut first = Vec::new();
    // SQLite joins at most 500 selects.
    for some in uses.chunks(100) {
        let more: Vec<FirstUse> = on!(tx, c => {
            let mut query = QueryBuilder::new("update tokens set first_used_at = ");
            query.push_bind(now).push(", first_source = v.source, last_used_at = ").push_bind(now);
            query.push(", last_source = v.source, last_agent = v.agent from (");
            for (i, FirstUser { id, source, agent }) in some.iter().enumerate() {
                query.push(if i == 0 { "select cast(" } else { " union all select cast(" });
                query.push_bind(id).push(" as text) as token, cast(");
                query.push_bind(source).push(" as text) as source, cast(");
                query.push_bind(agent).push(" as text) as agent");
            }
            query.push(
                ") as v where tokens.id = v.token and tokens.first_used_at is null and tokens.revoked_at is null \
                 and tokens.generation >= ",
            );
            query.push_bind(current);
            query.push(" and (tokens.expires_at is null or tokens.expires_at > ").push_bind(now);
            query.push(") and (tokens.ends_at is null or tokens.ends_at > ").push_bind(now);
            query.push(
                ") and exists (select 1 from accounts a where a.id = tokens.account_id and a.disabled_at is null) \
                 returning id, retires, overlap_ms",
            );
            query.build_query_as().fetch_all(c).await
        })?;
        first.extend(more);
    }
    Ok(first)
}

/// How many live tokens an integration has.
pub async fn count_live(tx: &mut Tx, integration: &IntegrationId) -> Result<i64, StoreError> {
    let now = tx.state().now;
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select count(*) from tokens where integration_id = $1 and revoked_at is null \
             and (expires_at is null or expires_at > $2) and (ends_at is null or ends_at > $2)",
        )
        .bind(integration)
        .bind(now)
        .fetch_one(c)
        .await
    })?)
}
