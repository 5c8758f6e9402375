use std::sync::RwLock;

use quick_cache::sync::Cache;

use crate::model::{AccountId, Digest, Generation, IntegrationId, Standing, TokenId, UnixMs};
use crate::store::state::Change;
use crate::store::tokens::Token;

/// How many tokens a node holds in memory at the most; the rest cost a look at the database.
const CAPACITY: usize = 1_000_000;

/// What a node knows of a token that was accepted: enough to accept it again.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The token.
    pub token: TokenId,
    /// Its integration.
    pub integration: IntegrationId,
    /// Its account.
    pub account: AccountId,
    /// The generation it was issued in.
    pub born: Generation,
    /// The newest generation it may live in.
    pub generation: Generation,
    /// When it expires or its replacement ends it, whichever is first.
    pub ends_at: Option<UnixMs>,
}

impl Entry {
    /// What is kept of a row that has been used.
    pub fn of(token: &Token, generation: Generation) -> Self {
        Self {
            token: token.id.clone(),
            integration: token.integration_id.clone(),
            account: token.account_id.clone(),
            born: token.born,
            generation,
            ends_at: match (token.expires_at, token.ends_at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }

    /// What the token means for its integration, where `required` is what a credential needs.
    pub fn standing(&self, required: Generation) -> Standing {
        if self.born >= required {
            Standing::Working
        } else {
            Standing::Captured
        }
    }
}

/// Tokens in use, by digest: what makes the second request of a token cheap.
pub struct Index {
    entries: Cache<Digest, std::sync::Arc<Entry>>,
    /// The version up to which changes have been applied. Entries go in only while it is held
    /// still, and only if their row was read at this very version.
    version: RwLock<i64>,
}

impl Index {
    /// An index that knows nothing.
    pub fn new(version: i64) -> Self {
        Self {
            entries: Cache::new(CAPACITY),
            version: RwLock::new(version),
        }
    }

    /// The entry for a token, if there is one.
    pub fn get(&self, digest: &Digest) -> Option<std::sync::Arc<Entry>> {
        self.entries.get(digest)
    }

    /// Takes an entry whose row was read at `read_at`; ignored when changes came since, for they
    /// may be about this very row.
    pub fn insert(&self, digest: Digest, entry: Entry, read_at: i64) {
        let version = self
            .version
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *version == read_at {
            self.entries.insert(digest, std::sync::Arc::new(entry));
        }
    }

    /// Applies changes up to `version`; `None` means they are not all known: everything goes.
    pub fn apply(&self, changes: Option<&[Change]>, version: i64) {
        let mut held = self
            .version
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match changes {
            None => self.entries.clear(),
            Some(changes) => changes.iter().for_each(|change| self.forget(change)),
        }
        *held = version;
    }

    fn forget(&self, change: &Change) {
        match change {
            Change::Phase => self.entries.clear(),
            Change::Token(digest) => {
                self.entries.remove(digest);
            }
            Change::Account(id) => self.entries.retain(|_, entry| entry.account.as_str() != id),
            Change::Session(_) | Change::MasterKeys => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Random;

    fn entry() -> Entry {
        let random = Random::system();
        Entry {
            token: TokenId::generate(UnixMs(1), &random),
            integration: IntegrationId::generate(UnixMs(1), &random),
            account: AccountId::generate(UnixMs(1), &random),
            born: Generation(1),
            generation: Generation(1),
            ends_at: None,
        }
    }

    #[test]
    fn a_row_read_before_a_change_is_not_indexed() {
        let index = Index::new(7);
        let digest = Digest::of(b"token");
        index.apply(Some(&[Change::Token(digest)]), 8);
        index.insert(digest, entry(), 7);
        assert!(index.get(&digest).is_none());
        index.insert(digest, entry(), 8);
        assert!(index.get(&digest).is_some());
    }

    #[test]
    fn changes_take_their_entries_and_a_phase_step_takes_all() {
        let index = Index::new(0);
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let of_b = entry();
        index.insert(a, entry(), 0);
        index.insert(b, of_b.clone(), 0);
        index.apply(Some(&[Change::Account(of_b.account.to_string())]), 1);
        assert!(index.get(&a).is_some() && index.get(&b).is_none());
        index.apply(Some(&[Change::Phase]), 2);
        assert!(index.get(&a).is_none());
        index.insert(a, entry(), 2);
        index.apply(None, 9);
        assert!(index.get(&a).is_none());
    }
}
