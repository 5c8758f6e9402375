//! Proof of who asks. A use case takes one as an argument, so that a call nobody vouched for does
//! not compile. Only `auth` may call `vouch`; the rooms test holds that.

use super::{AccountId, UserId};

/// A signed-in user of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    user: UserId,
    account: AccountId,
    email: String,
    name: String,
}

impl Member {
    /// Says that this user was signed in. For `auth` alone.
    pub(crate) fn vouch(user: UserId, account: AccountId, email: String, name: String) -> Self {
        Self {
            user,
            account,
            email,
            name,
        }
    }

    /// Who it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The one account whose things this user may see.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The user's e-mail address.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A signed-in admin of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    user: UserId,
    email: String,
    name: String,
}

impl Admin {
    /// Says that this admin was signed in. For `auth` alone.
    pub(crate) fn vouch(user: UserId, email: String, name: String) -> Self {
        Self { user, email, name }
    }

    /// Who it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The admin's e-mail address.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The admin's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A signed-in user, member or admin, for what concerns themselves alone: their password, their
/// letters, their sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    user: UserId,
    account: Option<AccountId>,
    email: String,
}

impl Person {
    /// Says that this user was signed in. For `auth` alone.
    pub(crate) fn vouch(user: UserId, account: Option<AccountId>, email: String) -> Self {
        Self {
            user,
            account,
            email,
        }
    }

    /// Who it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The user's e-mail address.
    pub fn email(&self) -> &str {
        &self.email
    }
}

/// Whoever may run the command on the machine that holds the database and the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    name: String,
}

impl Operator {
    /// Says that this process runs on the operator's behalf. For `auth` alone.
    pub(crate) fn vouch(name: String) -> Self {
        Self { name }
    }
}

/// Someone whose deeds go into the audit.
pub trait Acts: Send + Sync {
    /// How the audit names them.
    fn actor(&self) -> String;

    /// The one account whose things they may see; every account's when `None`.
    fn confined_to(&self) -> Option<&AccountId> {
        None
    }

    /// Whether they act as a customer, signed in on the dashboard: what they revoke can be undone.
    fn is_customer(&self) -> bool {
        false
    }
}

/// Someone who may steer the platform: rotate, create accounts, see every account.
pub trait Steers: Acts {}

impl Acts for Member {
    fn actor(&self) -> String {
        format!("member {}", self.email)
    }

    fn confined_to(&self) -> Option<&AccountId> {
        Some(&self.account)
    }

    fn is_customer(&self) -> bool {
        true
    }
}

impl Acts for Admin {
    fn actor(&self) -> String {
        format!("admin {}", self.email)
    }
}

impl Acts for Person {
    fn actor(&self) -> String {
        let role = self.account.as_ref().map_or("admin", |_| "member");
        format!("{role} {}", self.email)
    }

    fn confined_to(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }
}

impl Acts for Operator {
    fn actor(&self) -> String {
        format!("operator {}", self.name)
    }
}

impl Steers for Admin {}
impl Steers for Operator {}
