use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::model::{TokenId, UnixMs};
use crate::rotation::verify::Caller;
use crate::store::held::{self, NewHeld, Sighting};
use crate::store::{Db, Lock, StoreError, Tx};

/// How many held tokens are listed at the most. More are answered by the same rule and not listed.
pub const MOST_HELD: i64 = 100_000;
/// How many different ones a process takes note of between two flushes.
pub const MOST_AT_ONCE: usize = 500;
/// How long a sighting waits in memory at the most.
const LIST_EVERY: Duration = Duration::from_millis(800);
/// The log says at most this often that the list is full, in milliseconds.
const SAY_EVERY_MS: i64 = 60_000;

/// Held tokens that were seen, waiting to be listed. Nobody waits for that: it decides nothing
/// before an admin looks at it. Bounded, so that whoever has a leaked key fills neither memory nor
/// the database.
#[derive(Clone)]
pub struct Sightings {
    seen: Arc<Mutex<Seen>>,
    /// How many are listed at the most.
    most: Arc<AtomicI64>,
    /// Held while what was seen is on its way to the list, so that whoever flushes waits for it.
    listing: Arc<tokio::sync::Mutex<()>>,
    db: Db,
}

/// What was seen since the last flush.
#[derive(Default)]
struct Seen {
    tokens: HashMap<TokenId, Sighting>,
    /// Requests with a token that found no room.
    missed: i64,
}

impl Seen {
    /// Puts back what could not be written. What was first seen then was first seen then.
    fn put_back(&mut self, sighting: Sighting) {
        if let Some(newer) = self.tokens.get_mut(&sighting.token.id) {
            newer.uses += sighting.uses;
            newer.first_at = sighting.first_at;
            newer.first_source = sighting.first_source;
            newer.first_agent = sighting.first_agent;
        } else if self.tokens.len() < MOST_AT_ONCE {
            self.tokens.insert(sighting.token.id.clone(), sighting);
        } else {
            // Others have come meanwhile: memory is bounded also while nothing can be written.
            self.missed += sighting.uses;
        }
    }
}

impl Sightings {
    /// Starts the task that lists them. It ends when the last `Sightings` is dropped.
    pub fn start(db: Db) -> Self {
        let sightings = Self::new(db);
        let seen = Arc::downgrade(&sightings.seen);
        let (most, listing, db) = (
            sightings.most.clone(),
            sightings.listing.clone(),
            sightings.db.clone(),
        );
        tokio::spawn(async move {
            let mut due = tokio::time::interval(LIST_EVERY);
            due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                due.tick().await;
                let Some(seen) = Weak::upgrade(&seen) else {
                    return;
                };
                let _alone = listing.lock().await;
                if let Err(error) = flush(&db, &seen, most.load(Ordering::Relaxed)).await {
                    tracing::warn!(%error, "held tokens could not be listed; they are kept and tried again");
                }
            }
        });
        sightings
    }

    fn new(db: Db) -> Self {
        Self {
            seen: Arc::default(),
            most: Arc::new(AtomicI64::new(MOST_HELD)),
            listing: Arc::default(),
            db,
        }
    }

    /// Takes note of a request with a held token.
    pub fn see(&self, token: NewHeld, caller: &Caller, at: UnixMs) {
        let mut seen = lock(&self.seen);
        if let Some(known) = seen.tokens.get_mut(&token.id) {
            known.uses += 1;
            known.last_at = known.last_at.max(at);
            known.last_source.clone_from(&caller.source);
        } else if seen.tokens.len() < MOST_AT_ONCE {
            let sighting = Sighting {
                first_at: at,
                first_source: caller.source.clone(),
                first_agent: caller.agent.clone(),
                last_at: at,
                last_source: caller.source.clone(),
                uses: 1,
                token,
            };
            seen.tokens.insert(sighting.token.id.clone(), sighting);
        } else {
            seen.missed += 1;
        }
    }

    /// Lists what waits in memory.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _alone = self.listing.lock().await;
        flush(&self.db, &self.seen, self.most.load(Ordering::Relaxed)).await
    }

    #[cfg(test)]
    pub(crate) fn limit(&self, most: i64) {
        self.most.store(most, Ordering::Relaxed);
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn flush(db: &Db, seen: &Arc<Mutex<Seen>>, most: i64) -> Result<(), StoreError> {
    let taken = std::mem::take(&mut *lock(seen));
    if taken.tokens.is_empty() && taken.missed == 0 {
        return Ok(());
    }
    // In id order, so that two batches never wait for each other in a circle.
    let mut tokens: Vec<Sighting> = taken.tokens.into_values().collect();
    tokens.sort_by(|a, b| a.token.id.cmp(&b.token.id));
    let (missed, written) = (taken.missed, tokens.clone());
    let result = db
        .write(Lock::Shared, move |tx| {
            async move { list(tx, &written, missed, most).await }.boxed()
        })
        .await;
    if result.is_err() {
        let mut seen = lock(seen);
        seen.missed += missed;
        for sighting in tokens {
            seen.put_back(sighting);
        }
    }
    result
}

/// Lists what was seen while there is room, and says so when there is none.
async fn list(tx: &mut Tx, seen: &[Sighting], missed: i64, most: i64) -> Result<(), StoreError> {
    let missed = missed.saturating_add(held::note(tx, seen, most).await?);
    if missed > 0 {
        let before = held::overflow(tx).await?;
        let now = tx.state().now;
        if before.is_none_or(|before| now.since(before.last_at) > SAY_EVERY_MS) {
            tracing::warn!(
                missed,
                most,
                "tokens issued elsewhere arrive faster than they may be listed, or more of them than may: a leaked key?"
            );
        }
        held::add_overflow(tx, missed).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    #[tokio::test]
    async fn what_waits_in_memory_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("x.db").display());
        let sightings = Sightings::new(Db::connect(url.as_str()).await.unwrap());
        for number in 0..MOST_AT_ONCE + 200 {
            let digest = Digest::of(number.to_string().as_bytes());
            let token = NewHeld {
                id: TokenId::of_digest(&digest),
                digest,
                kid: "old".to_owned(),
                hint: String::new(),
                account: None,
                integration: None,
                issuer: None,
                subject: None,
                audience: None,
                issued_at: None,
                expires_at: None,
            };
            sightings.see(token, &Caller::default(), UnixMs(1));
        }
        let seen = lock(&sightings.seen);
        assert_eq!((seen.tokens.len(), seen.missed), (MOST_AT_ONCE, 200));
    }
}
