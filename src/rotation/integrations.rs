//! Integrations come, are renamed, and go.

use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use super::registry;
use super::standing;
use crate::model::{Acts, IntegrationId, Name, Standing};
use crate::store::accounts::{self, Integration};
use crate::store::state::{self, Change};
use crate::store::{Lock, StoreError, Tx, tokens};

/// How many integrations the members of an account may create, the archived ones not counted.
pub const MOST_INTEGRATIONS: usize = 500;

/// An integration that was archived.
#[derive(Clone, Debug)]
pub struct Archived {
    /// The integration.
    pub integration: Integration,
    /// Where it stands, without a live token.
    pub standing: Standing,
    /// How many tokens were revoked with it.
    pub revoked: usize,
}

impl Engine {
    /// Creates an integration of an account named by id or name.
    ///
    /// # Errors
    /// [`RotationError::Taken`] for a name the account has already; [`Rule::TooManyIntegrations`].
    pub async fn create_integration(
        &self,
        by: &impl Acts,
        account: &str,
        name: Name,
    ) -> Result<Integration> {
        let account = self.account(by, account).await?;
        // Whoever runs the platform knows why there are more.
        let is_limited = by.confined_to().is_some();
        let (by, random) = (actor(by), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let all = accounts::integrations(tx, Some(&account.id)).await?;
                    check_name(&all, &name, None)?;
                    if is_limited && all.len() >= MOST_INTEGRATIONS {
                        return Err(Rule::TooManyIntegrations(MOST_INTEGRATIONS).into());
                    }
                    let id = IntegrationId::generate(tx.state().now, &random);
                    accounts::insert_integration(tx, &id, &account.id, &name)
                        .await
                        .map_err(taken)?;
                    let detail = json!({ "name": name.as_str() });
                    note(tx, &random, &by, "integration.create", id.as_str(), detail).await?;
                    registry::integration(tx, &id, None).await
                }
                .boxed()
            })
            .await
    }

    /// Gives an integration another name. Its id, its tokens and their standing stay as they are.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when it is not the asker's, or is archived;
    /// [`RotationError::Taken`] for a name that another one of the account has.
    pub async fn rename_integration(
        &self,
        by: &impl Acts,
        id: &IntegrationId,
        name: Name,
    ) -> Result<Integration> {
        let confined = by.confined_to().cloned();
        let (by, id, random) = (actor(by), id.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let before = registry::integration(tx, &id, confined.as_ref()).await?;
                    if before.name == name.as_str() {
                        return Ok(before);
                    }
                    let all = accounts::integrations(tx, Some(&before.account_id)).await?;
                    check_name(&all, &name, Some(&id))?;
                    if !accounts::rename_integration(tx, &id, &name)
                        .await
                        .map_err(taken)?
                    {
                        return Err(RotationError::NotFound("integration"));
                    }
                    let detail = json!({ "name": name.as_str(), "before": before.name });
                    note(tx, &random, &by, "integration.rename", id.as_str(), detail).await?;
                    registry::integration(tx, &id, None).await
                }
                .boxed()
            })
            .await
    }

    /// Archives an integration for good: every live token of it is revoked in the same step, it
    /// leaves lists, counts and the rehearsal, and its name is free. Its story stays readable.
    /// Returns when no node accepts one of its tokens.
    ///
    /// It takes the lock that phase steps take, so that nobody is issuing a token there, approving
    /// one or taking a revocation back meanwhile: afterwards they find no such integration.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when it is not the asker's, or was archived before.
    pub async fn archive_integration(
        &self,
        by: &impl Acts,
        id: &IntegrationId,
    ) -> Result<Archived> {
        let confined = by.confined_to().cloned();
        let (by, id, random) = (actor(by), id.clone(), self.random.clone());
        let (archived, version) = self
            .db
            .write(Lock::Exclusive, move |tx| {
                async move {
                    let before = registry::integration(tx, &id, confined.as_ref()).await?;
                    accounts::archive_integration(tx, &id).await?;
                    let revoked = tokens::revoke_all_of(tx, &id, &by).await?;
                    for (token, _) in &revoked {
                        let detail = json!({ "because": "integration archived" });
                        note(tx, &random, &by, "token.revoke", token.as_str(), detail).await?;
                    }
                    let detail = json!({ "name": before.name, "revoked": revoked.len() });
                    note(tx, &random, &by, "integration.archive", id.as_str(), detail).await?;
                    let archived = Archived {
                        integration: accounts::archived_integration(tx, &id)
                            .await?
                            .ok_or(RotationError::NotFound("integration"))?,
                        standing: standing_of(tx, &id).await?,
                        revoked: revoked.len(),
                    };
                    let changes: Vec<Change> = revoked
                        .into_iter()
                        .map(|(_, digest)| Change::Token(digest))
                        .collect();
                    let version = match changes.as_slice() {
                        [] => None,
                        some => Some(state::publish(tx, some).await?),
                    };
                    Ok::<_, RotationError>((archived, version))
                }
                .boxed()
            })
            .await?;
        if let Some(version) = version {
            self.node.settle(version).await?;
        }
        Ok(archived)
    }
}

async fn standing_of(tx: &mut Tx, id: &IntegrationId) -> Result<Standing> {
    let state = tx.state().clone();
    let tokens = tokens::of_integration(tx, id).await?;
    Ok(standing::of_integration(&tokens, state.stage(), state.now))
}

/// A name is unique among the integrations of an account that are not archived, in any case.
fn check_name(all: &[Integration], name: &Name, but: Option<&IntegrationId>) -> Result<()> {
    let is_taken = all
        .iter()
        .any(|other| Some(&other.id) != but && other.name.to_lowercase() == name.key());
    if is_taken {
        return Err(RotationError::Taken("the name of an integration"));
    }
    Ok(())
}

/// Two who ask for one name in the same moment: the second is told by the database.
fn taken(error: StoreError) -> RotationError {
    match error {
        StoreError::Duplicate(_) => RotationError::Taken("the name of an integration"),
        error => error.into(),
    }
}
