use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{AccountId, EmailAddress, UnixMs, UserId};

/// A person who logs in.
#[derive(Clone, FromRow)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The account of a member; `None` for an admin.
    pub account_id: Option<AccountId>,
    /// The account's name.
    pub account_name: Option<String>,
    /// When the account was disabled.
    pub account_disabled_at: Option<UnixMs>,
    /// The person's name.
    pub name: String,
    /// The address used to log in.
    pub email: String,
    /// The password's Argon2id hash; `None` until one is set.
    pub password_hash: Option<String>,
    /// Whether a second factor is asked for when they sign in.
    pub has_second_factor: bool,
    /// When the user was disabled.
    pub disabled_at: Option<UnixMs>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Creates a user: a member of `account`, or an admin when there is none.
pub async fn insert(
    tx: &mut Tx,
    id: &UserId,
    account: Option<&AccountId>,
    name: &str,
    email: &EmailAddress,
    password_hash: Option<&str>,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    let role = if account.is_some() { "member" } else { "admin" };
    exec!(tx, sqlx::query(
            "insert into users (id, account_id, role, name, email, email_key, password_hash, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(account)
        .bind(role)
        .bind(name)
        .bind(email.as_str())
        .bind(email.key())
        .bind(password_hash)
        .bind(now))?;
    Ok(())
}

const SELECT: &str = "select u.id, u.account_id, a.name as account_name, a.disabled_at as account_disabled_at, \
     u.name, u.email, u.password_hash, u.disabled_at, \
     exists (select 1 from second_factors s where s.user_id = u.id and s.confirmed_at is not null) as has_second_factor \
     from users u left join accounts a on a.id = u.account_id ";

/// Finds a user by the address used to log in, in any case.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<User>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("where u.email_key = ")
            .push_bind(email.trim().to_lowercase())
            .build_query_as()
            .fetch_optional(c)
            .await
    })?)
}

/// Finds a user by id.
pub async fn find(tx: &mut Tx, id: &UserId) -> Result<Option<User>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("where u.id = ")
            .push_bind(id)
            .build_query_as()
            .fetch_optional(c)
            .await
    })?)
}

/// The members of an account, by address.
pub async fn of_account(tx: &mut Tx, account: &AccountId) -> Result<Vec<User>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("where u.account_id = ")
            .push_bind(account)
            .push(" order by u.email_key")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// The admins of the platform, by address.
pub async fn admins(tx: &mut Tx) -> Result<Vec<User>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("where u.role = 'admin' order by u.email_key")
            .build_query_as()
            .fetch_all(c)
            .await
    })?)
}

/// Whether any admin exists.
pub async fn any_admin(tx: &mut Tx) -> Result<bool, StoreError> {
    let count: i64 = on!(tx, c => {
        sqlx::query_scalar("select count(*) from users where role = 'admin'").fetch_one(c).await
    })?;
    Ok(count > 0)
}

/// Sets a user's password.
pub async fn set_password(tx: &mut Tx, id: &UserId, hash: &str) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update users set password_hash = $1 where id = $2")
            .bind(hash)
            .bind(id)
    )?;
    Ok(())
}

/// Whether a user's password is still the one behind `hash`. On PostgreSQL the row is locked by this, so
/// that a change of it which is under way is waited for, and one that comes later sees what this
/// transaction has written.
pub async fn still_has_password(
    tx: &mut Tx,
    id: &UserId,
    hash: Option<&str>,
) -> Result<bool, StoreError> {
    let done = exec!(
        tx,
        sqlx::query(
            "update users set password_hash = password_hash where id = $1 and password_hash = $2"
        )
        .bind(id)
        .bind(hash)
    )?;
    Ok(done == 1)
}
