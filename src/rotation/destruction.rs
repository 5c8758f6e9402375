use futures_util::FutureExt as _;
use serde_json::json;

use super::alarm::Forgery;
use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use crate::model::{Generation, InvalidInput, KeyDates, KeyState, RotationId, Steers};
use crate::store::key_history::{self, Compromise, Destruction};
use crate::store::keys::{self, SigningKey};
use crate::store::{Lock, StoreError, Tx, state};

/// A signing key and all that became of it.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// The key.
    pub key: SigningKey,
    /// Where it stands.
    pub state: KeyState,
    /// Who said that it is compromised, when and why.
    pub compromise: Option<Compromise>,
    /// What it still does, when it is compromised.
    pub danger: Option<Danger>,
    /// What of it was destroyed, the oldest first.
    pub destructions: Vec<Destruction>,
    /// The open alarm: forged tokens that it signed.
    pub forgery: Option<Forgery>,
}

/// What a compromised key still does: a rotation ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It signs what is issued here.
    Signs,
    /// It was imported: what a thief makes with it is held, and passes until the cutover.
    LetsIn,
}

impl Danger {
    fn of(key: &SigningKey, current: Generation) -> Option<Self> {
        if key.origin == "imported" {
            (key.forgotten_at.is_none() && key.generation >= current).then_some(Self::LetsIn)
        } else {
            key.deactivated_at.is_none().then_some(Self::Signs)
        }
    }
}

impl KeyRecord {
    /// Whether something of it was destroyed of which the database's files may still hold a trace.
    pub fn is_unfinished(&self) -> bool {
        self.destructions
            .iter()
            .any(|destruction| destruction.scrubbed_at.is_none())
    }
}

/// Destroys the private half of every key generated here that is older than `target`, makes that
/// one's sign, and records it.
pub(super) async fn start(
    tx: &mut Tx,
    target: Generation,
    rotation: &RotationId,
) -> Result<(), StoreError> {
    key_history::record_start(tx, target, rotation).await?;
    keys::activate(tx, target).await
}

/// Destroys what is left of the generations older than `target`, and records it.
pub(super) async fn close(
    tx: &mut Tx,
    target: Generation,
    rotation: &RotationId,
) -> Result<(), StoreError> {
    key_history::record_close(tx, target, rotation).await?;
    keys::forget_below(tx, target).await
}

impl Engine {
    /// Every signing key and all that became of it, newest first.
    pub async fn key_records(&self) -> Result<Vec<KeyRecord>> {
        let mut tx = self.db.read().await?;
        let current = state::load(&mut tx).await?.current;
        let keys = keys::list(&mut tx).await?;
        let compromises = key_history::compromises(&mut tx).await?;
        let destructions = key_history::destructions(&mut tx).await?;
        let forgeries = super::alarm::open(&mut tx).await?;
        Ok(keys
            .into_iter()
            .map(|key| {
                let compromise = compromises.iter().find(|said| said.kid == key.kid);
                let dates = KeyDates {
                    imported: key.origin == "imported",
                    activated_at: key.activated_at,
                    deactivated_at: key.deactivated_at,
                    forgotten_at: key.forgotten_at,
                    compromised_at: compromise.map(|said| said.at),
                };
                KeyRecord {
                    state: KeyState::of(&dates),
                    danger: compromise.and_then(|_| Danger::of(&key, current)),
                    compromise: compromise.cloned(),
                    destructions: destructions
                        .iter()
                        .filter(|destruction| destruction.kid == key.kid)
                        .cloned()
                        .collect(),
                    forgery: forgeries
                        .iter()
                        .find(|forgery| forgery.kid == key.kid)
                        .cloned(),
                    key,
                }
            })
            .collect())
    }

    /// Says that a key is compromised. It is dated and shown for ever, and doctor and the admin's
    /// page press for a rotation while it signs. Nothing else changes by it: the registry is the
    /// authority, so a forged token passes with no key, and what was captured was issued here.
    ///
    /// # Errors
    /// [`Rule::AlreadyCompromised`]; a reason that is missing or too long; a key that is not there.
    pub async fn mark_compromised(&self, by: &impl Steers, kid: &str, reason: &str) -> Result<()> {
        let (by, kid, reason) = (actor(by), kid.trim().to_owned(), reason.trim().to_owned());
        if reason.is_empty() || reason.chars().count() > 500 {
            return Err(InvalidInput::new("reason", "has 1 to 500 characters").into());
        }
        let random = self.random.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let Some(key) = keys::find(tx, &kid).await? else {
                        return Err(RotationError::NotFound("signing key"));
                    };
                    if !key_history::set_compromised(tx, &kid, &by, &reason).await? {
                        return Err(Rule::AlreadyCompromised { kid }.into());
                    }
                    let detail = json!({ "generation": key.generation, "reason": reason });
                    Ok(note(tx, &random, &by, "key.compromised", &kid, detail).await?)
                }
                .boxed()
            })
            .await
    }

    /// Cleans the files of what was destroyed, and notes that. What cannot be done now, because a
    /// reader keeps the log or the table, stays noted as unfinished and is done later by whoever
    /// serves. True when nothing is left to do.
    pub async fn scrub(&self) -> bool {
        match self.try_scrub().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "destroyed keys are still in the database's files; it is tried again");
                false
            }
        }
    }

    async fn try_scrub(&self) -> Result<(), StoreError> {
        let mut tx = self.db.read().await?;
        let upto = key_history::unscrubbed(&mut tx).await?;
        // Ends the snapshot, which would keep the old rows in sight.
        drop(tx);
        let Some(upto) = upto else {
            return Ok(());
        };
        self.db.scrub().await?;
        self.db
            .write(Lock::Shared, move |tx| {
                async move { key_history::set_scrubbed(tx, upto).await }.boxed()
            })
            .await
    }
}
