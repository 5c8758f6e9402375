use std::collections::HashSet;

use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx, keys};
use crate::model::{AccountId, Digest, IntegrationId, TokenId, UnixMs};

/// A token that an imported key signed and the registry does not know, as it is first seen.
#[derive(Clone, Debug)]
pub struct NewHeld {
    /// Its public id.
    pub id: TokenId,
    /// SHA-256 of the compact token.
    pub digest: Digest,
    /// The key that signed it.
    pub kid: String,
    /// Its last four characters.
    pub hint: String,
    /// The account that its claims name.
    pub account: Option<String>,
    /// The integration that its claims name.
    pub integration: Option<String>,
    /// Its `iss`.
    pub issuer: Option<String>,
    /// Its `sub`.
    pub subject: Option<String>,
    /// Its `aud`.
    pub audience: Option<String>,
    /// Its `iat`. It proves nothing: whoever has the key writes it.
    pub issued_at: Option<UnixMs>,
    /// Its `exp`.
    pub expires_at: Option<UnixMs>,
}

/// What was seen of one such token since the last flush.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The token.
    pub token: NewHeld,
    /// The first of these requests.
    pub first_at: UnixMs,
    /// Where that came from.
    pub first_source: Option<String>,
    /// What its caller said it was.
    pub first_agent: Option<String>,
    /// The last of them.
    pub last_at: UnixMs,
    /// Where that came from.
    pub last_source: Option<String>,
    /// How many there were.
    pub uses: i64,
}

/// A held token as it stands, with the account and the integration that its claims are found to name.
#[derive(Clone, Debug, FromRow)]
pub struct Held {
    /// Its public id.
    pub id: TokenId,
    /// SHA-256 of the compact token.
    pub digest: Digest,
    /// The key that signed it.
    pub kid: String,
    /// Its last four characters.
    pub hint: String,
    /// The account that its claims name.
    pub account_claim: Option<String>,
    /// The integration that its claims name.
    pub integration_claim: Option<String>,
    /// Its `iss`.
    pub issuer: Option<String>,
    /// Its `sub`.
    pub subject: Option<String>,
    /// Its `aud`.
    pub audience: Option<String>,
    /// Its `iat`.
    pub issued_at: Option<UnixMs>,
    /// Its `exp`.
    pub expires_at: Option<UnixMs>,
    /// When it was first seen here.
    pub first_seen_at: UnixMs,
    /// Where it came from then.
    pub first_source: Option<String>,
    /// What its first caller said it was.
    pub first_agent: Option<String>,
    /// When it was last seen.
    pub last_seen_at: UnixMs,
    /// Where it came from then.
    pub last_source: Option<String>,
    /// Requests seen.
    pub uses: i64,
    /// When an admin said that it must not pass.
    pub refused_at: Option<UnixMs>,
    /// Who said so.
    pub refused_by: Option<String>,
    /// The account that the claim names, by id or by name.
    pub account_id: Option<AccountId>,
    /// Its name.
    pub account: Option<String>,
    /// Whom to warn.
    pub contact: Option<String>,
    /// The integration that the claim names, by id or by name.
    pub integration_id: Option<IntegrationId>,
    /// Its name.
    pub integration: Option<String>,
}

/// What a claim names is found by id or by name in any case, of an account that exists; what has been
/// registered meanwhile is held no more.
const SELECT: &str = "select h.id, h.digest, h.kid, h.hint, h.account_claim, h.integration_claim, h.issuer, h.subject, \
     h.audience, h.issued_at, h.expires_at, h.first_seen_at, h.first_source, h.first_agent, h.last_seen_at, \
     h.last_source, h.uses, h.refused_at, h.refused_by, a.id as account_id, a.name as account, a.contact, \
     i.id as integration_id, i.name as integration from held_tokens h \
     left join accounts a on a.id = h.account_claim or a.name_key = h.account_key \
     left join integrations i on i.account_id = a.id and i.archived_at is null \
     and (i.id = h.integration_claim or i.name_key = h.integration_key) \
     where not exists (select 1 from tokens t where t.digest = h.digest)";

/// Which held tokens are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that wait for an admin: not refused, not expired.
    Waiting,
    /// Those that an admin refused and that have not expired.
    Refused,
}

impl Which {
    const fn condition(self) -> &'static str {
        match self {
            Self::Waiting => {
                " and h.refused_at is null and (h.expires_at is null or h.expires_at > "
            }
            Self::Refused => {
                " and h.refused_at is not null and (h.expires_at is null or h.expires_at > "
            }
        }
    }
}

/// Held tokens, first seen first, after the place `after` in that order, at most `limit`; with
/// `before`, only what was first seen before it.
pub async fn list(
    tx: &mut Tx,
    which: Which,
    after: Option<(UnixMs, &TokenId)>,
    before: Option<UnixMs>,
    limit: i64,
) -> Result<Vec<Held>, StoreError> {
    let now = tx.now().await?;
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new(SELECT);
        query.push(which.condition()).push_bind(now).push(")");
        if let Some((at, id)) = after {
            query.push(" and (h.first_seen_at, h.id) > (").push_bind(at).push(", ").push_bind(id).push(")");
        }
        if let Some(before) = before {
            query.push(" and h.first_seen_at < ").push_bind(before);
        }
        query.push(" order by h.first_seen_at, h.id limit ").push_bind(limit);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// One held token.
pub async fn find(tx: &mut Tx, id: &TokenId) -> Result<Option<Held>, StoreError> {
    Ok(on!(tx, c => {
        QueryBuilder::new(SELECT).push(" and h.id = ").push_bind(id).build_query_as().fetch_optional(c).await
    })?)
}

/// Whether an admin refused a token; `None` when it is on no list.
pub async fn is_refused(tx: &mut Tx, id: &TokenId) -> Result<Option<bool>, StoreError> {
    let refused: Option<i64> = on!(tx, c => {
        sqlx::query_scalar("select cast(case when refused_at is null then 0 else 1 end as bigint) from held_tokens where id = $1")
            .bind(id)
            .fetch_optional(c)
            .await
    })?;
    Ok(refused.map(|refused| refused == 1))
}

/// How many held tokens wait for an admin.
pub async fn count(tx: &mut Tx, now: UnixMs) -> Result<i64, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select count(*) from held_tokens h where h.refused_at is null and (h.expires_at is null or h.expires_at > $1) \
             and not exists (select 1 from tokens t where t.digest = h.digest)",
        )
        .bind(now)
        .fetch_one(c)
        .await
    })?)
}

/// Says that a held token must not pass. False when that was said before, or there is none.
pub async fn refuse(tx: &mut Tx, id: &TokenId, by: &str) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query(
            "update held_tokens set refused_at = $1, refused_by = $2 where id = $3 and refused_at is null"
        )
        .bind(now)
        .bind(by)
        .bind(id)
    )?;
    Ok(done == 1)
}

/// Takes a token off the list: it is registered.
pub async fn remove(tx: &mut Tx, ids: &[TokenId]) -> Result<(), StoreError> {
    for chunk in ids.chunks(100) {
        on!(tx, c => {
            let mut query = QueryBuilder::new("delete from held_tokens where id in (");
            let mut list = query.separated(", ");
            for id in chunk {
                list.push_bind(id);
            }
            query.push(")");
            query.build().execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(())
}

/// Forgets what can be held no more: its key has been forgotten, or it has long expired.
pub async fn prune(tx: &mut Tx, expired_before: UnixMs) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query(
            "delete from held_tokens where expires_at < $1 or exists (select 1 from signing_keys k \
             where k.kid = held_tokens.kid and k.forgotten_at is not null) \
             or exists (select 1 from tokens t where t.digest = held_tokens.digest)",
        )
        .bind(expired_before)
    )?;
    Ok(())
}

/// What could not be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Overflow {
    /// Requests with tokens that were left off the list.
    pub missed: i64,
    /// The first of them.
    pub first_at: UnixMs,
    /// The last of them.
    pub last_at: UnixMs,
}

/// What could not be listed, if anything.
pub async fn overflow(tx: &mut Tx) -> Result<Option<Overflow>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select missed, first_at, last_at from held_overflow where id = 1").fetch_optional(c).await
    })?)
}

/// Counts what could not be listed.
pub async fn add_overflow(tx: &mut Tx, missed: i64) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query(
            "insert into held_overflow (id, missed, first_at, last_at) values (1, $1, $2, $2) \
             on conflict (id) do update set missed = held_overflow.missed + excluded.missed, last_at = excluded.last_at",
        )
        .bind(missed)
        .bind(now))?;
    Ok(())
}

/// Forgets what could not be listed: there is room again, and an admin has seen it.
pub async fn clear_overflow(tx: &mut Tx) -> Result<(), StoreError> {
    exec!(tx, sqlx::query("delete from held_overflow where id = 1"))?;
    Ok(())
}

/// Notes what was seen, while the list has at most `most` rows; gives how many tokens found no room.
pub async fn note(tx: &mut Tx, seen: &[Sighting], most: i64) -> Result<i64, StoreError> {
    let mut known: HashSet<TokenId> = HashSet::new();
    for chunk in seen.chunks(100) {
        known.extend(add_uses(tx, chunk).await?);
        known.extend(registered(tx, chunk).await?);
    }
    // What was seen just before a close is of a key that is forgotten by now.
    let keys: HashSet<String> = keys::imported(tx, false)
        .await?
        .into_iter()
        .map(|key| key.kid)
        .collect();
    let new: Vec<&Sighting> = seen
        .iter()
        .filter(|one| !known.contains(&one.token.id) && keys.contains(&one.token.kid))
        .collect();
    if new.is_empty() {
        return Ok(0);
    }
    let listed: i64 = on!(tx, c => {
        sqlx::query_scalar("select count(*) from (select 1 from held_tokens limit $1) as listed")
            .bind(most)
            .fetch_one(c)
            .await
    })?;
    let room = usize::try_from(most - listed).unwrap_or(0).min(new.len());
    for chunk in new[..room].chunks(50) {
        insert(tx, chunk).await?;
    }
    Ok(i64::try_from(new.len() - room).unwrap_or(i64::MAX))
}

/// Adds uses to the rows that are there; gives their ids.
async fn add_uses(tx: &mut Tx, seen: &[Sighting]) -> Result<Vec<TokenId>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new(
            "update held_tokens set uses = held_tokens.uses + v.uses, last_seen_at = v.at, last_source = v.source from (",
        );
        for (i, one) in seen.iter().enumerate() {
            query.push(if i == 0 { "select cast(" } else { " union all select cast(" });
            query.push_bind(one.token.id.as_str().to_owned()).push(" as text) as id, cast(");
            query.push_bind(one.uses).push(" as bigint) as uses, cast(");
            query.push_bind(one.last_at.0).push(" as bigint) as at, cast(");
            query.push_bind(one.last_source.clone()).push(" as text) as source");
        }
        query.push(") as v where held_tokens.id = v.id returning held_tokens.id");
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// Those that have been registered since they were seen.
async fn registered(tx: &mut Tx, seen: &[Sighting]) -> Result<Vec<TokenId>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("select id from tokens where id in (");
        let mut list = query.separated(", ");
        for one in seen {
            list.push_bind(&one.token.id);
        }
        query.push(")");
        query.build_query_scalar().fetch_all(c).await
    })?)
}

async fn insert(tx: &mut Tx, seen: &[&Sighting]) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new(
            "insert into held_tokens (id, digest, kid, hint, account_claim, account_key, integration_claim, \
             integration_key, issuer, subject, audience, issued_at, expires_at, first_seen_at, first_source, \
             first_agent, last_seen_at, last_source, uses) ",
        );
        query.push_values(seen, |mut row, one| {
            let token = &one.token;
            row.push_bind(&token.id)
                .push_bind(token.digest)
                .push_bind(&token.kid)
                .push_bind(&token.hint)
                .push_bind(&token.account)
                .push_bind(token.account.as_ref().map(|name| name.to_lowercase()))
                .push_bind(&token.integration)
                .push_bind(token.integration.as_ref().map(|name| name.to_lowercase()))
                .push_bind(&token.issuer)
                .push_bind(&token.subject)
                .push_bind(&token.audience)
                .push_bind(token.issued_at)
                .push_bind(token.expires_at)
                .push_bind(one.first_at)
                .push_bind(&one.first_source)
                .push_bind(&one.first_agent)
                .push_bind(one.last_at)
                .push_bind(&one.last_source)
                .push_bind(one.uses);
        });
        // Another node may have listed it in the same moment.
        query.push(" on conflict do nothing");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}
