use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx};
use crate::model::{AccountId, EmailAddress, IntegrationId, Name, UnixMs};

/// A customer organisation.
#[derive(Clone, Debug, FromRow)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// The e-mail address that is warned.
    pub contact: String,
    /// When it was created.
    pub created_at: UnixMs,
    /// When it was disabled.
    pub disabled_at: Option<UnixMs>,
}

/// An API client of an account.
#[derive(Clone, Debug, FromRow)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: UnixMs,
    /// When it was archived: it calls no more, and only its story is left.
    pub archived_at: Option<UnixMs>,
}

/// Creates an account.
pub async fn insert(
    tx: &mut Tx,
    id: &AccountId,
    name: &Name,
    contact: &EmailAddress,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query("insert into accounts (id, name, name_key, contact, created_at) values ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(name.as_str())
            .bind(name.key())
            .bind(contact.as_str())
            .bind(now))?;
    Ok(())
}

/// Finds an account by its id, or by its name in any case.
pub async fn find(tx: &mut Tx, id_or_name: &str) -> Result<Option<Account>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select id, name, contact, created_at, disabled_at from accounts where id = $1 or name_key = $2",
        )
        .bind(id_or_name)
        .bind(id_or_name.to_lowercase())
        .fetch_optional(c)
        .await
    })?)
}

/// Every account, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Account>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select id, name, contact, created_at, disabled_at from accounts order by name_key")
            .fetch_all(c)
            .await
    })?)
}

/// Disables (`Some`) or enables (`None`) an account.
pub async fn set_disabled(
    tx: &mut Tx,
    id: &AccountId,
    at: Option<UnixMs>,
) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update accounts set disabled_at = $1 where id = $2")
            .bind(at)
            .bind(id)
    )?;
    Ok(())
}

/// Creates an integration.
pub async fn insert_integration(
    tx: &mut Tx,
    id: &IntegrationId,
    account: &AccountId,
    name: &Name,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query(
            "insert into integrations (id, account_id, name, name_key, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(account)
        .bind(name.as_str())
        .bind(name.key())
        .bind(now))?;
    Ok(())
}

/// Finds an integration that is not archived.
pub async fn integration(
    tx: &mut Tx,
    id: &IntegrationId,
) -> Result<Option<Integration>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select id, account_id, name, created_at, archived_at from integrations \
             where id = $1 and archived_at is null",
        )
        .bind(id)
        .fetch_optional(c)
        .await
    })?)
}

/// Finds an integration that is archived.
pub async fn archived_integration(
    tx: &mut Tx,
    id: &IntegrationId,
) -> Result<Option<Integration>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select id, account_id, name, created_at, archived_at from integrations \
             where id = $1 and archived_at is not null",
        )
        .bind(id)
        .fetch_optional(c)
        .await
    })?)
}

/// The integrations of one account, or of all, by name.
pub async fn integrations(
    tx: &mut Tx,
    account: Option<&AccountId>,
) -> Result<Vec<Integration>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new(
            "select id, account_id, name, created_at, archived_at from integrations where archived_at is null",
        );
        if let Some(account) = account {
            query.push(" and account_id = ").push_bind(account);
        }
        query.push(" order by account_id, name_key");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The archived integrations of an account, archived last first, at most `limit`.
pub async fn archived_integrations(
    tx: &mut Tx,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<Integration>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select id, account_id, name, created_at, archived_at from integrations \
             where account_id = $1 and archived_at is not null order by archived_at desc, id desc limit $2",
        )
        .bind(account)
        .bind(limit)
        .fetch_all(c)
        .await
    })?)
}

/// Gives an integration another name. False when it is archived, or there is none.
pub async fn rename_integration(
    tx: &mut Tx,
    id: &IntegrationId,
    name: &Name,
) -> Result<bool, StoreError> {
    let done = exec!(
        tx,
        sqlx::query(
            "update integrations set name = $1, name_key = $2 where id = $3 and archived_at is null"
        )
        .bind(name.as_str())
        .bind(name.key())
        .bind(id)
    )?;
    Ok(done == 1)
}

/// Archives an integration; its name is free for another. False when it was archived before.
pub async fn archive_integration(tx: &mut Tx, id: &IntegrationId) -> Result<bool, StoreError> {
    let now = tx.state().now;
    // Names begin with no space: this key is in nobody's way.
    let done = exec!(
        tx,
        sqlx::query(
            "update integrations set archived_at = $1, name_key = $2 where id = $3 and archived_at is null"
        )
        .bind(now)
        .bind(format!(" {id}"))
        .bind(id)
    )?;
    Ok(done == 1)
}
