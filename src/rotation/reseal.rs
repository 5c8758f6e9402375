use std::time::Duration;

use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::json;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use super::keyring::{self, MasterKey};
use super::master::MasterKeys;
use super::totp::Secret;
use crate::model::{Operator, Random};
use crate::store::state::{self, Change};
use crate::store::{Lock, StoreError, Tx, key_history, keys, reseals, second_factors};

/// How long serving nodes are waited for that do not hold the new master key yet.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a move to another master key did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resealed {
    /// The master key that everything is sealed with now.
    pub master_key: String,
    /// The keys that were moved; none when everything was sealed with it before.
    pub moved: Vec<String>,
    /// How many second factors were moved.
    pub second_factors: usize,
    /// The master keys they were sealed with.
    pub from: Vec<String>,
    /// Whether the files hold no trace of the copies under the old ones.
    pub scrubbed: bool,
}

impl Engine {
    /// Moves everything that is sealed to the master key `new`, while others go on working. First it
    /// is announced and waited until every serving node holds the new one beside the old; then all
    /// moves in one transaction; then the files are cleaned of the old copies. Cut short anywhere,
    /// it is begun again by calling it again.
    ///
    /// # Errors
    /// [`Rule::MasterKeyNotHeld`] names the nodes that do not hold the new one: nothing has moved.
    pub async fn reseal(&self, by: &Operator, new: &MasterKey) -> Result<Resealed> {
        self.masters.hold(new);
        let (by, to) = (actor(by), new.fingerprint());
        let version = self.announce_reseal(&by, &to).await?;
        // Nodes that are silent are forgotten by this; they ask before they answer again.
        self.node.settle(version).await?;
        self.wait_for_holders(&to).await?;
        let (masters, random, new) = (self.masters.clone(), self.random.clone(), new.clone());
        let (moved, factors, version) = self
            .db
            .write(Lock::Exclusive, move |tx| {
                async move { move_all(tx, &masters, &new, &random, &by).await }.boxed()
            })
            .await?;
        self.node.settle(version).await?;
        let mut from: Vec<String> = moved.iter().map(|(_, from)| from.clone()).collect();
        let second_factors = factors.len();
        from.extend(factors);
        from.sort();
        from.dedup();
        Ok(Resealed {
            master_key: to,
            moved: moved.into_iter().map(|(kid, _)| kid).collect(),
            second_factors,
            from,
            scrubbed: self.scrub().await,
        })
    }

    async fn announce_reseal(&self, by: &str, to: &str) -> Result<i64, StoreError> {
        let id = self.random.hex::<8>();
        let (by, to) = (by.to_owned(), to.to_owned());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    reseals::begin(tx, &id, &to, &by).await?;
                    state::publish(tx, &[Change::MasterKeys]).await
                }
                .boxed()
            })
            .await
    }

    async fn wait_for_holders(&self, to: &str) -> Result<()> {
        let begun = self.clock.elapsed();
        loop {
            let mut tx = self.db.read().await?;
            let nodes = reseals::nodes_without(&mut tx, to).await?;
            drop(tx);
            if nodes.is_empty() {
                return Ok(());
            }
            if self.clock.elapsed().saturating_sub(begun) > PATIENCE {
                return Err(Rule::MasterKeyNotHeld {
                    fingerprint: to.to_owned(),
                    nodes: nodes.join(", "),
                }
                .into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A serving node looks for the master key that a move goes to, and says which ones it holds.
    pub(super) async fn announce_master_keys(&self) -> Result<(), StoreError> {
        let mut tx = self.db.read().await?;
        let wanted = reseals::wanted(&mut tx).await?;
        drop(tx);
        match wanted {
            Some(wanted) => drop(self.masters.find(&wanted)),
            // Lets go of the old one once it is gone from where it came from.
            None => self.masters.look_again(),
        }
        let held = self.masters.fingerprints();
        if *self.announced.lock().await == held {
            return Ok(());
        }
        let (node, announced) = (self.node.id().to_owned(), held.clone());
        self.db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move { reseals::announce(tx, &node, &announced).await }.boxed()
            })
            .await?;
        *self.announced.lock().await = held;
        Ok(())
    }
}

/// Seals second factors anew; gives the master keys they were sealed with, one for each.
async fn move_factors(
    tx: &mut Tx,
    masters: &MasterKeys,
    new: &MasterKey,
    random: &Random,
) -> Result<Vec<String>> {
    let to = new.fingerprint();
    let mut moved = Vec::new();
    for factor in second_factors::list(tx).await? {
        let from = factor.sealed_by;
        if from == to {
            continue;
        }
        let user = &factor.user_id;
        let secret = masters
            .find(&from)
            .and_then(|master| Secret::open(&factor.sealed, user, &master))
            .ok_or(RotationError::FactorSealed)?;
        let sealed = secret.seal(user, new, random);
        if second_factors::reseal(tx, user, &from, &sealed, &to).await? {
            moved.push(from);
        }
    }
    Ok(moved)
}

/// What moved: each key with the master key it was sealed with, the master keys of second factors, and
/// the version that says so.
type Moved = (Vec<(String, String)>, Vec<String>, i64);

/// Seals everything anew; gives what was moved, and from which master key.
async fn move_all(
    tx: &mut Tx,
    masters: &MasterKeys,
    new: &MasterKey,
    random: &Random,
    by: &str,
) -> Result<Moved> {
    let to = new.fingerprint();
    let mut moved = Vec::new();
    for key in keys::list(tx).await? {
        let (Some(sealed), Some(from)) = (key.sealed.as_deref(), key.sealed_by.clone()) else {
            continue;
        };
        if from == to {
            continue;
        }
        let secret = keyring::unseal(sealed, &key.kid, &masters.of(&key)?).ok_or_else(|| {
            RotationError::Sealed {
                kid: key.kid.clone(),
            }
        })?;
        let sealed = keyring::seal(&secret, &key.kid, new, random);
        if key_history::reseal(tx, &key.kid, &from, &sealed, &to).await? {
            moved.push((key.kid, from));
        }
    }
    let factors = move_factors(tx, masters, new, random).await?;
    reseals::finish(tx).await?;
    if !moved.is_empty() || !factors.is_empty() {
        let detail = json!({
            "to": to,
            "moved": moved.iter().map(|(kid, from)| json!({ "kid": kid, "from": from })).collect::<Vec<_>>(),
            "second_factors": factors.len(),
        });
        note(tx, random, by, "key.reseal", &to, detail).await?;
    }
    let version = state::publish(tx, &[Change::MasterKeys]).await?;
    Ok((moved, factors, version))
}
