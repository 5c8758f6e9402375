use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use crate::model::{
    AccountId, Acts, Digest, EmailAddress, HOUR_MS, Name, OneTimeSecret, Steers, UserId,
};
use crate::store::accounts::{self, Account};
use crate::store::links::{self, Link};
use crate::store::state::{self, Change};
use crate::store::users::{self, User};
use crate::store::{Lock, StoreError};

/// How long a link that sets a password works, in milliseconds.
pub(super) const LINK_MS: i64 = 24 * HOUR_MS;

/// A user to be created: a member of `account`, or an admin where there is none.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The member's account, by id or name.
    pub account: Option<String>,
    /// The person's name; the part of the address before the `@` when there is none.
    pub name: Option<Name>,
    /// The address used to log in.
    pub email: EmailAddress,
    /// The password's hash; without one a link is made that sets it.
    pub password_hash: Option<String>,
}

/// The way in for a user without a password.
#[derive(Debug)]
pub struct Setup {
    /// Who was created.
    pub user: UserId,
    /// What the link carries; works once, for a day.
    pub link: Option<OneTimeSecret>,
}

impl Engine {
    /// Creates an account.
    ///
    /// # Errors
    /// [`RotationError::Taken`] for a name that another account has.
    pub async fn create_account(
        &self,
        by: &impl Steers,
        name: Name,
        contact: EmailAddress,
    ) -> Result<Account> {
        let (by, random) = (actor(by), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    if accounts::find(tx, name.as_str()).await?.is_some() {
                        return Err(RotationError::Taken("the name of an account"));
                    }
                    let id = AccountId::generate(tx.state().now, &random);
                    accounts::insert(tx, &id, &name, &contact).await?;
                    note(
                        tx,
                        &random,
                        &by,
                        "account.create",
                        id.as_str(),
                        json!({ "name": name.as_str() }),
                    )
                    .await?;
                    accounts::find(tx, id.as_str())
                        .await?
                        .ok_or(RotationError::NotFound("account"))
                }
                .boxed()
            })
            .await
    }

    /// Every account, by name.
    pub async fn accounts(&self, _by: &impl Steers) -> Result<Vec<Account>> {
        let mut tx = self.db.read().await?;
        Ok(accounts::list(&mut tx).await?)
    }

    /// One account by its id or name.
    pub async fn account(&self, by: &impl Acts, id_or_name: &str) -> Result<Account> {
        let mut tx = self.db.read().await?;
        accounts::find(&mut tx, id_or_name)
            .await?
            .filter(|account| by.confined_to().is_none_or(|own| *own == account.id))
            .ok_or(RotationError::NotFound("account"))
    }

    /// Disables or enables an account; returns when every node obeys.
    pub async fn set_account_disabled(
        &self,
        by: &impl Steers,
        id_or_name: &str,
        disabled: bool,
    ) -> Result<Account> {
        let account = self.account(by, id_or_name).await?;
        if account.disabled_at.is_some() == disabled {
            return Ok(account);
        }
        let (by, random, id) = (actor(by), self.random.clone(), account.id.clone());
        let version = self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let at = disabled.then_some(tx.state().now);
                    accounts::set_disabled(tx, &id, at).await?;
                    let action = if disabled {
                        "account.disable"
                    } else {
                        "account.enable"
                    };
                    note(tx, &random, &by, action, id.as_str(), json!({})).await?;
                    state::publish(tx, &[Change::Account(id.to_string())]).await
                }
                .boxed()
            })
            .await?;
        self.node.settle(version).await?;
        let mut tx = self.db.read().await?;
        accounts::find(&mut tx, account.id.as_str())
            .await?
            .ok_or(RotationError::NotFound("account"))
    }

    /// Creates a user. Without a password, makes a link that sets one.
    ///
    /// # Errors
    /// [`RotationError::Taken`] for an address that another user has.
    pub async fn create_user(&self, by: &impl Steers, new: NewUser) -> Result<Setup> {
        let (by, random) = (actor(by), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let account = match &new.account {
                        Some(account) => Some(
                            accounts::find(tx, account)
                                .await?
                                .ok_or(RotationError::NotFound("account"))?
                                .id,
                        ),
                        None => None,
                    };
                    let user = insert_user(tx, &new, account.as_ref(), &random).await?;
                    let action = if account.is_some() {
                        "user.create"
                    } else {
                        "admin.create"
                    };
                    note(
                        tx,
                        &random,
                        &by,
                        action,
                        user.as_str(),
                        json!({ "email": new.email.as_str() }),
                    )
                    .await?;
                    if new.password_hash.is_some() {
                        return Ok(Setup { user, link: None });
                    }
                    let link = OneTimeSecret::generate(&random);
                    let until = tx.state().now.plus(LINK_MS);
                    links::insert(tx, &link.digest(), "set-password", Some(&user), until).await?;
                    Ok(Setup {
                        user,
                        link: Some(link),
                    })
                }
                .boxed()
            })
            .await
    }

    /// The members of an account.
    pub async fn users_of(&self, by: &impl Acts, account: &AccountId) -> Result<Vec<User>> {
        self.account(by, account.as_str()).await?;
        let mut tx = self.db.read().await?;
        Ok(users::of_account(&mut tx, account).await?)
    }

    /// Whether a link still works; it is not used up by asking.
    pub async fn check_link(&self, link: &OneTimeSecret, purpose: &str) -> Result<Link> {
        let mut tx = self.db.read().await?;
        let now = tx.now().await?;
        Ok(links::find(&mut tx, &link.digest())
            .await?
            .filter(|link| {
                link.purpose == purpose && link.used_at.is_none() && link.expires_at > now
            })
            .ok_or(Rule::LinkSpent)?)
    }

    /// Whether an admin exists; while none does, `/setup` is open to whoever has the link.
    pub async fn has_admin(&self) -> Result<bool> {
        let mut tx = self.db.read().await?;
        Ok(users::any_admin(&mut tx).await?)
    }

    /// The link for the first set-up; `None` when an admin exists. An earlier one stops working.
    pub async fn setup_link(&self) -> Result<Option<OneTimeSecret>> {
        let random = self.random.clone();
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    if users::any_admin(tx).await? {
                        return Ok(None);
                    }
                    let link = OneTimeSecret::generate(&random);
                    let until = tx.state().now.plus(LINK_MS);
                    links::insert(tx, &link.digest(), "setup", None, until).await?;
                    Ok(Some(link))
                }
                .boxed()
            })
            .await?)
    }

    /// Creates the first admin by the set-up link, which is used up.
    ///
    /// # Errors
    /// [`Rule::SetUp`] when an admin exists; [`Rule::LinkSpent`].
    pub async fn set_up(&self, link: &OneTimeSecret, new: NewUser) -> Result<UserId> {
        let (digest, random): (Digest, _) = (link.digest(), self.random.clone());
        self.db
            .write(Lock::Exclusive, move |tx| {
                async move {
                    if users::any_admin(tx).await? {
                        return Err(RotationError::from(Rule::SetUp));
                    }
                    let found = links::find(tx, &digest)
                        .await?
                        .filter(|link| link.purpose == "setup");
                    if found.is_none() || !links::use_up(tx, &digest).await? {
                        return Err(Rule::LinkSpent.into());
                    }
                    let user = insert_user(tx, &new, None, &random).await?;
                    note(
                        tx,
                        &random,
                        "set-up",
                        "admin.create",
                        user.as_str(),
                        json!({ "email": new.email.as_str() }),
                    )
                    .await?;
                    Ok(user)
                }
                .boxed()
            })
            .await
    }
}

async fn insert_user(
    tx: &mut crate::store::Tx,
    new: &NewUser,
    account: Option<&AccountId>,
    random: &crate::model::Random,
) -> Result<UserId> {
    if users::by_email(tx, new.email.as_str()).await?.is_some() {
        return Err(RotationError::Taken("this email address"));
    }
    let id = UserId::generate(tx.state().now, random);
    let local = new.email.as_str().split('@').next().unwrap_or_default();
    let name = new.name.as_ref().map_or(local, Name::as_str);
    users::insert(
        tx,
        &id,
        account,
        name,
        &new.email,
        new.password_hash.as_deref(),
    )
    .await?;
    Ok(id)
}
