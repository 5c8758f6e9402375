use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::error::{Result, RotationError};
use super::keyring::MasterKey;
use crate::store::Tx;
use crate::store::keys::{self, SigningKey};

/// Gives the master keys that can be found now; the first is the one a new installation seals with.
type Source = dyn Fn() -> Vec<MasterKey> + Send + Sync;

/// The master keys that a process holds. What is sealed says with which: any of them opens, and what
/// is new is sealed with the one that sealed the key that signs. So a process that holds the old one
/// and the new one works before, during and after everything moves from one to the other.
#[derive(Clone)]
pub struct MasterKeys {
    held: Arc<ArcSwap<Vec<MasterKey>>>,
    source: Option<Arc<Source>>,
}

impl From<MasterKey> for MasterKeys {
    fn from(key: MasterKey) -> Self {
        Self::new(key, Vec::new())
    }
}

impl MasterKeys {
    /// Holds `first`, and `others` beside it.
    pub fn new(first: MasterKey, others: Vec<MasterKey>) -> Self {
        let mut held = vec![first];
        held.extend(others);
        Self {
            held: Arc::new(ArcSwap::from_pointee(held)),
            source: None,
        }
    }

    /// Looks where they came from again, when one is asked for that is not held.
    #[must_use]
    pub fn found_again_by(
        mut self,
        source: impl Fn() -> Vec<MasterKey> + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Holds one more.
    pub fn hold(&self, key: &MasterKey) {
        if self
            .held()
            .iter()
            .all(|held| held.fingerprint() != key.fingerprint())
        {
            let mut held = self.held().as_ref().clone();
            held.push(key.clone());
            self.held.store(Arc::new(held));
        }
    }

    /// Looks where they came from again, and lets go of what is there no more.
    pub fn look_again(&self) {
        if let Some(source) = &self.source {
            let found = source();
            // A place that cannot be read just now takes nothing away.
            if !found.is_empty() {
                self.held.store(Arc::new(found));
            }
        }
    }

    /// The first: what a new installation seals with.
    pub fn first(&self) -> MasterKey {
        self.held()[0].clone()
    }

    /// The names of all that are held, the first one first.
    pub fn fingerprints(&self) -> Vec<String> {
        self.held().iter().map(MasterKey::fingerprint).collect()
    }

    /// The one with this fingerprint, if it is held or can be found.
    pub fn find(&self, fingerprint: &str) -> Option<MasterKey> {
        let find = |held: &[MasterKey]| {
            held.iter()
                .find(|key| key.fingerprint() == fingerprint)
                .cloned()
        };
        find(&self.held()).or_else(|| {
            self.look_again();
            find(&self.held())
        })
    }

    /// The one that sealed a signing key.
    ///
    /// # Errors
    /// [`RotationError::Sealed`] when it is not held.
    pub fn of(&self, key: &SigningKey) -> Result<MasterKey> {
        key.sealed_by
            .as_deref()
            .and_then(|fingerprint| self.find(fingerprint))
            .ok_or_else(|| RotationError::Sealed {
                kid: key.kid.clone(),
            })
    }

    /// The one that something new is sealed with: that of the key that signs, so that a process whose
    /// setting is behind, or ahead, seals nothing with a master key that others do not hold.
    pub async fn sealing(&self, tx: &mut Tx) -> Result<MasterKey> {
        match keys::signing(tx).await? {
            Some(key) => self.of(&key),
            None => Ok(self.first()),
        }
    }

    fn held(&self) -> arc_swap::Guard<Arc<Vec<MasterKey>>> {
        self.held.load()
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKeys")
            .field(&self.fingerprints())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Random;

    #[test]
    fn a_master_key_that_appears_later_is_found_and_one_that_went_is_let_go() {
        let random = Random::system();
        let (old, new) = (MasterKey::generate(&random), MasterKey::generate(&random));
        let place = Arc::new(ArcSwap::from_pointee(vec![old.clone()]));
        let source = place.clone();
        let keys =
            MasterKeys::from(old.clone()).found_again_by(move || source.load().as_ref().clone());
        assert!(keys.find(&new.fingerprint()).is_none());
        place.store(Arc::new(vec![old.clone(), new.clone()]));
        assert!(keys.find(&new.fingerprint()).is_some());
        place.store(Arc::new(Vec::new()));
        keys.look_again();
        assert_eq!(
            keys.fingerprints().len(),
            2,
            "an unreadable place takes nothing"
        );
        place.store(Arc::new(vec![new.clone()]));
        keys.look_again();
        assert_eq!(keys.fingerprints(), [new.fingerprint()]);
        assert!(keys.find(&old.fingerprint()).is_none());
    }
}
