use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, actor_of, note};
use super::error::{Result, RotationError, Rule};
use super::outbox;
use crate::model::{
    Acts as _, Digest, EmailAddress, Letter, OneTimeSecret, Person, Random, UserId,
};
use crate::store::links;
use crate::store::second_factors;
use crate::store::sessions::{self, Which};
use crate::store::users;
use crate::store::{Lock, StoreError, Tx};

impl Engine {
    /// Orders the letter with the link that sets a user's password, for whoever asks by mail. Where no
    /// such user exists nothing happens: the asker is told the same.
    pub async fn order_password_link(&self, email: &EmailAddress) -> Result<()> {
        let (email, random) = (email.clone(), self.random.clone());
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    match users::by_email(tx, email.as_str()).await? {
                        Some(user) if user.disabled_at.is_none() => {
                            outbox::order(tx, &random, &user.id, &Letter::SetPassword).await
                        }
                        _ => Ok(()),
                    }
                }
                .boxed()
            })
            .await?)
    }

    /// Sets a password by a link, which is used up, and ends every session of that user.
    pub async fn set_password_by_link(&self, link: &OneTimeSecret, hash: String) -> Result<UserId> {
        let (digest, random) = (link.digest(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let found = links::find(tx, &digest)
                        .await?
                        .filter(|link| link.purpose == "set-password");
                    let user = found.and_then(|link| link.user_id).ok_or(Rule::LinkSpent)?;
                    if !links::use_up(tx, &digest).await? {
                        return Err(RotationError::from(Rule::LinkSpent));
                    }
                    set(tx, &random, &user, &hash, None).await?;
                    let by = users::find(tx, &user).await?.map(|user| actor_of(&user));
                    let by = by.unwrap_or_default();
                    let action = "user.set-password";
                    note(tx, &random, &by, action, user.as_str(), json!({})).await?;
                    Ok(user)
                }
                .boxed()
            })
            .await
    }

    /// Whether the password that somebody signed in with is still theirs. Asked after their session has
    /// begun: a change of the password ends the sessions it finds, and this one may have begun behind it.
    pub async fn is_still_password(&self, user: &UserId, hash: Option<String>) -> Result<bool> {
        let user = user.clone();
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move { users::still_has_password(tx, &user, hash.as_deref()).await }.boxed()
            })
            .await?)
    }

    /// Changes a user's own password, ends every session of theirs but the one they do it in, and
    /// makes links that would set it useless. `before` is the hash that the current password was
    /// checked against.
    ///
    /// # Errors
    /// [`Rule::PasswordMoved`] when it was changed meanwhile.
    pub async fn change_password(
        &self,
        by: &Person,
        here: Digest,
        before: Option<String>,
        hash: String,
    ) -> Result<()> {
        let (actor, user, random) = (by.actor(), by.user().clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let found = users::find(tx, &user).await?;
                    if found.is_none_or(|found| found.password_hash != before) {
                        return Err(RotationError::from(Rule::PasswordMoved));
                    }
                    links::void(tx, "set-password", &user).await?;
                    set(tx, &random, &user, &hash, Some(&here)).await?;
                    let action = "user.change-password";
                    note(tx, &random, &actor, action, user.as_str(), json!({})).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

/// Sets a password: every session but `here` ends, and the user is told.
async fn set(
    tx: &mut Tx,
    random: &Random,
    user: &UserId,
    hash: &str,
    here: Option<&Digest>,
) -> Result<(), StoreError> {
    users::set_password(tx, user, hash).await?;
    sessions::end(tx, Which::OthersOf(user, here), "password changed").await?;
    second_factors::end_sign_ins(tx, user).await?;
    outbox::password_set(tx, random, user).await
}
