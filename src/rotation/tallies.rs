use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::verify::Caller;
use crate::model::{Reason, TokenId, UnixMs};
use crate::store::usage::Tally;

/// How many tokens are counted at the most between two flushes: while the database is away, memory
/// does not grow without end.
const MOST: usize = 100_000;

/// Last uses and counts that wait in memory to be written.
#[derive(Default)]
pub struct Tallies(Mutex<Held>);

#[derive(Default)]
struct Held {
    tallies: HashMap<TokenId, Tally>,
    /// Counts that found no room.
    lost: u64,
}

impl Tallies {
    /// Counts a request that was answered; `in_evidence` when its capture counts it already.
    pub fn count_use(&self, token: &TokenId, caller: &Caller, at: UnixMs, in_evidence: bool) {
        self.count(token, |tally| {
            tally.uses += 1;
            tally.in_evidence += i64::from(in_evidence);
            tally.used_at = tally.used_at.max(at);
            // Callers rarely change: no allocation for the same one again.
            if tally.source != caller.source {
                tally.source.clone_from(&caller.source);
            }
            if tally.agent != caller.agent {
                tally.agent.clone_from(&caller.agent);
            }
            let by = tally
                .callers
                .of(caller.source.as_deref(), caller.agent.as_deref());
            by.uses += 1;
            by.used_at = by.used_at.max(Some(at));
        });
    }

    /// Counts a request that was refused.
    pub fn count_refusal(&self, token: &TokenId, caller: &Caller, at: UnixMs, reason: Reason) {
        self.count(token, |tally| {
            tally.refused += 1;
            tally.refused_at = tally.refused_at.max(at);
            tally.code = Some(reason.code());
            if tally.refused_source != caller.source {
                tally.refused_source.clone_from(&caller.source);
            }
            let by = tally
                .callers
                .of(caller.source.as_deref(), caller.agent.as_deref());
            by.refused += 1;
            by.refused_at = by.refused_at.max(Some(at));
            by.code = Some(reason.code());
        });
    }

    fn count(&self, token: &TokenId, add: impl FnOnce(&mut Tally)) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = held.tallies.get_mut(token) {
            add(tally);
        } else if held.tallies.len() < MOST {
            let mut tally = Tally::of(token.clone());
            add(&mut tally);
            held.tallies.insert(token.clone(), tally);
        } else {
            held.lost += 1;
        }
    }

    /// Takes everything out, and how many counts found no room.
    pub fn take(&self) -> (Vec<Tally>, u64) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { tallies, lost } = std::mem::take(&mut *held);
        (tallies.into_values().collect(), lost)
    }

    /// Puts back what could not be written.
    pub fn give_back(&self, tallies: Vec<Tally>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tally in tallies {
            if let Some(newer) = held.tallies.get_mut(&tally.token) {
                newer.add_earlier(tally);
            } else if held.tallies.len() < MOST {
                held.tallies.insert(tally.token.clone(), tally);
            } else {
                held.lost += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Random;

    #[test]
    fn memory_stays_bounded_while_nothing_can_be_written() {
        let (tallies, random) = (Tallies::default(), Random::system());
        let ids: Vec<TokenId> = (0..MOST + 50)
            .map(|_| TokenId::generate(UnixMs(1), &random))
            .collect();
        for id in &ids {
            tallies.count_use(id, &Caller::default(), UnixMs(1), false);
        }
        let (taken, lost) = tallies.take();
        assert_eq!((taken.len(), lost), (MOST, 50));
        tallies.count_use(&taken[0].token, &Caller::default(), UnixMs(2), false);
        tallies.give_back(taken);
        for id in &ids {
            tallies.count_use(id, &Caller::default(), UnixMs(3), false);
        }
        let (taken, lost) = tallies.take();
        assert_eq!((taken.len(), lost), (MOST, 50));
        assert_eq!(taken.iter().map(|tally| tally.uses).max(), Some(3));
    }

    #[test]
    fn what_is_given_back_adds_up_and_the_later_use_stands() {
        let tallies = Tallies::default();
        let id = TokenId::generate(UnixMs(1), &Random::system());
        let from = |source: &str| Caller {
            source: Some(source.to_owned()),
            agent: None,
        };
        tallies.count_use(&id, &from("first"), UnixMs(1), true);
        let (earlier, _) = tallies.take();
        tallies.count_use(&id, &from("second"), UnixMs(2), false);
        tallies.count_refusal(&id, &from("third"), UnixMs(3), Reason::Revoked);
        tallies.give_back(earlier);
        let (taken, _) = tallies.take();
        let [tally] = &taken[..] else {
            panic!("one token")
        };
        assert_eq!((tally.uses, tally.in_evidence, tally.refused), (2, 1, 1));
        assert_eq!(
            (tally.used_at, tally.source.as_deref()),
            (UnixMs(2), Some("second"))
        );
        assert_eq!(tally.code, Some("token_revoked"));
    }
}
