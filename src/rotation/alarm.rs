use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError};
use super::verify::Caller;
use crate::model::{Clock, Steers, UnixMs};
use crate::store::forgeries::{self, OTHERS, Seen};
use crate::store::{Lock, StoreError, Tx};

/// How many pairs of key and source wait in memory at the most; more are counted as others.
const MOST_WAITING: usize = 256;
/// How often a key's forgeries are told in the log at the most.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Forged tokens that one key signed, since the alarm about it was closed last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgery {
    /// The key.
    pub kid: String,
    /// How many were refused.
    pub attempts: i64,
    /// The first.
    pub first_at: UnixMs,
    /// The last.
    pub last_at: UnixMs,
    /// Where they came from, the busiest first: an address, nothing when it is not known, or
    /// `others` for what is beyond the bound.
    pub sources: Vec<(String, i64)>,
}

/// Counts forged tokens: tokens with a good signature of a key generated here that were never issued.
/// Nothing of the token is kept.
#[derive(Default)]
pub struct Alarm {
    waiting: Mutex<HashMap<(String, String), Seen>>,
    told: Mutex<HashMap<String, Told>>,
}

/// What the log was told of a key.
#[derive(Default)]
struct Told {
    /// When, by the node's clock.
    at: Option<Duration>,
    /// How many have come since.
    since: u64,
}

impl Alarm {
    /// Counts one, and tells the log, once a minute at the most.
    pub fn raise(&self, kid: &str, caller: &Caller, now: UnixMs, clock: &Clock) {
        self.count(kid, caller.source.as_deref().unwrap_or_default(), now);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = told.entry(kid.to_owned()).or_default();
        told.since += 1;
        tell(kid, told, clock, caller.source.as_deref());
    }

    fn count(&self, kid: &str, source: &str, now: UnixMs) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        add(
            &mut waiting,
            Seen {
                kid: kid.to_owned(),
                source: source.to_owned(),
                attempts: 1,
                first_at: now,
                last_at: now,
            },
        );
    }

    /// Tells the log what has come since it was told last.
    pub fn tell(&self, clock: &Clock) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (kid, told) in told.iter_mut().filter(|(_, told)| told.since > 0) {
            tell(kid, told, clock, None);
        }
    }

    fn take(&self) -> Vec<Seen> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting).into_values().collect()
    }

    fn put_back(&self, seen: Vec<Seen>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for seen in seen {
            add(&mut waiting, seen);
        }
    }
}

/// Adds to what waits. Where there is no room for another source, it counts as one of the others.
fn add(waiting: &mut HashMap<(String, String), Seen>, mut seen: Seen) {
    let is_known = waiting.contains_key(&(seen.kid.clone(), seen.source.clone()));
    if waiting.len() >= MOST_WAITING && !is_known {
        OTHERS.clone_into(&mut seen.source);
    }
    match waiting.entry((seen.kid.clone(), seen.source.clone())) {
        Entry::Occupied(mut there) => {
            let there = there.get_mut();
            there.attempts += seen.attempts;
            there.first_at = there.first_at.min(seen.first_at);
            there.last_at = there.last_at.max(seen.last_at);
        }
        Entry::Vacant(place) => {
            place.insert(seen);
        }
    }
}

fn tell(kid: &str, told: &mut Told, clock: &Clock, source: Option<&str>) {
    let now = clock.elapsed();
    if told
        .at
        .is_some_and(|at| now.saturating_sub(at) < TELL_EVERY)
    {
        return;
    }
    // Never the token itself: an attacker's text has no place in a log.
    tracing::error!(
        kid,
        count = told.since,
        source,
        "forgery: a good signature on tokens that were never issued; whoever made them has this private key: rotate now"
    );
    told.at = Some(now);
    told.since = 0;
}

/// The open alarms, by key.
pub(super) async fn open(tx: &mut Tx) -> Result<Vec<Forgery>, StoreError> {
    let mut alarms: Vec<Forgery> = Vec::new();
    for seen in forgeries::open(tx).await? {
        let source = (seen.source, seen.attempts);
        match alarms.iter_mut().find(|alarm| alarm.kid == seen.kid) {
            Some(alarm) => {
                alarm.attempts += seen.attempts;
                alarm.first_at = alarm.first_at.min(seen.first_at);
                alarm.last_at = alarm.last_at.max(seen.last_at);
                alarm.sources.push(source);
            }
            None => alarms.push(Forgery {
                kid: seen.kid,
                attempts: seen.attempts,
                first_at: seen.first_at,
                last_at: seen.last_at,
                sources: vec![source],
            }),
        }
    }
    Ok(alarms)
}

impl Engine {
    /// The open alarms: forged tokens by the key that signed them.
    pub async fn forgeries(&self) -> Result<Vec<Forgery>> {
        let mut tx = self.db.read().await?;
        Ok(open(&mut tx).await?)
    }

    /// Closes the alarm about a key. The next forgery opens it again.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when there is none.
    pub async fn close_alarm(&self, by: &impl Steers, kid: &str) -> Result<()> {
        self.flush_alarm().await?;
        let (by, kid, random) = (actor(by), kid.to_owned(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let Some(alarm) = open(tx).await?.into_iter().find(|alarm| alarm.kid == kid)
                    else {
                        return Err(RotationError::NotFound("open alarm about this key"));
                    };
                    forgeries::close(tx, &kid, &by).await?;
                    let detail = json!({ "forgeries": alarm.attempts, "first": alarm.first_at,
                        "last": alarm.last_at });
                    Ok(note(tx, &random, &by, "forgery.close", &kid, detail).await?)
                }
                .boxed()
            })
            .await
    }

    /// Writes the forgeries that wait in memory.
    pub(super) async fn flush_alarm(&self) -> Result<(), StoreError> {
        self.alarm.tell(&self.clock);
        let taken = self.alarm.take();
        if taken.is_empty() {
            return Ok(());
        }
        let written = taken.clone();
        let result = self
            .db
            .write(Lock::Shared, move |tx| {
                async move {
                    for seen in &written {
                        forgeries::add(tx, seen).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await;
        if result.is_err() {
            self.alarm.put_back(taken);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(source: &str) -> Caller {
        Caller {
            source: Some(source.to_owned()),
            agent: None,
        }
    }

    #[test]
    fn the_log_is_told_once_a_minute_with_the_count() {
        let clock = Clock::manual();
        let alarm = Alarm::default();
        let since = |alarm: &Alarm| alarm.told.lock().unwrap()["g1"].since;
        for _ in 0..100 {
            alarm.raise("g1", &from("203.0.113.7"), UnixMs(1), &clock);
        }
        assert_eq!(since(&alarm), 99, "the first was told, the rest wait");
        clock.advance(Duration::from_secs(59));
        alarm.tell(&clock);
        assert_eq!(since(&alarm), 99);
        clock.advance(Duration::from_secs(1));
        alarm.tell(&clock);
        assert_eq!(since(&alarm), 0);
    }

    #[test]
    fn memory_is_bounded_whatever_the_number_of_sources() {
        let clock = Clock::manual();
        let alarm = Alarm::default();
        for n in 0..10_000 {
            alarm.raise(
                "g1",
                &from(&format!("10.0.{}.{}", n / 256, n % 256)),
                UnixMs(n),
                &clock,
            );
        }
        let seen = alarm.take();
        assert!(seen.len() <= MOST_WAITING + 1, "{}", seen.len());
        assert_eq!(seen.iter().map(|seen| seen.attempts).sum::<i64>(), 10_000);
    }
}
