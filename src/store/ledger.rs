use std::collections::HashSet;

use sqlx::QueryBuilder;

use super::tokens::NewToken;
use super::{StoreError, Tx};
use crate::model::{AccountId, Digest, Generation, IntegrationId, UnixMs};

/// A token issued elsewhere, as it enters the registry.
#[derive(Clone, Debug)]
pub struct Registered {
    /// What any token is registered with.
    pub token: NewToken,
    /// The newest generation it may live in.
    pub generation: Generation,
    /// Its first request that is known of.
    pub first_used_at: Option<UnixMs>,
    /// Where that came from.
    pub first_source: Option<String>,
    /// Its last request before it was registered.
    pub last_used_at: Option<UnixMs>,
    /// Where that came from.
    pub last_source: Option<String>,
    /// Requests seen here before it was registered.
    pub uses: i64,
}

/// Registers tokens with the past they bring. Give at most 500: each has its parameters.
pub async fn register(tx: &mut Tx, new: &[Registered]) -> Result<(), StoreError> {
    for chunk in new.chunks(100) {
        on!(tx, c => {
            let mut query = QueryBuilder::new(
                "insert into tokens (id, digest, integration_id, account_id, kid, born, generation, hint, fix_ref, \
                 issued_at, issued_by, expires_at, retires, overlap_ms, first_used_at, first_source, last_used_at, \
                 last_source, uses) ",
            );
            query.push_values(chunk, |mut row, one| {
                let token = &one.token;
                row.push_bind(&token.id)
                    .push_bind(token.digest)
                    .push_bind(&token.integration_id)
                    .push_bind(&token.account_id)
                    .push_bind(&token.kid)
                    .push_bind(token.born)
                    .push_bind(one.generation)
                    .push_bind(&token.hint)
                    .push_bind(&token.fix_ref)
                    .push_bind(token.issued_at)
                    .push_bind(&token.issued_by)
                    .push_bind(token.expires_at)
                    .push_bind(token.retirement.slug())
                    .push_bind(token.retirement.overlap())
                    .push_bind(one.first_used_at)
                    .push_bind(one.first_source.as_deref())
                    .push_bind(one.last_used_at)
                    .push_bind(one.last_source.as_deref())
                    .push_bind(one.uses);
            });
            query.build().execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(())
}

/// Which of these tokens the registry knows.
pub async fn known(tx: &mut Tx, digests: &[Digest]) -> Result<HashSet<Digest>, StoreError> {
    let mut known = HashSet::new();
    for chunk in digests.chunks(500) {
        let found: Vec<Digest> = on!(tx, c => {
            let mut query = QueryBuilder::new("select digest from tokens where digest in (");
            let mut list = query.separated(", ");
            for digest in chunk {
                list.push_bind(*digest);
            }
            query.push(")");
            query.build_query_scalar().fetch_all(c).await
        })?;
        known.extend(found);
    }
    Ok(known)
}

/// An integration of an account by its id or its name, in any case.
pub async fn integration(
    tx: &mut Tx,
    account: &AccountId,
    id_or_name: &str,
) -> Result<Option<IntegrationId>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select id from integrations where account_id = $1 and archived_at is null and (id = $2 or name_key = $3)",
        )
        .bind(account)
        .bind(id_or_name)
        .bind(id_or_name.to_lowercase())
        .fetch_optional(c)
        .await
    })?)
}
