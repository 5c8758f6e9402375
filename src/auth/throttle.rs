use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;

use crate::model::HOUR_MS;
use crate::rotation::Caller;
use crate::store::{Db, Lock, StoreError, Tx, links};

/// Failures of one account name before it must wait.
const FREE_FOR_NAME: i64 = 5;
/// Failures from one address before it must wait: many people may share one.
const FREE_FOR_ADDRESS: i64 = 20;
/// The longest wait, in milliseconds.
const LONGEST_WAIT_MS: i64 = HOUR_MS / 4;
/// Failures older than this are forgotten, in milliseconds.
const FORGET_AFTER_MS: i64 = HOUR_MS;
/// The most characters of a name that it is counted by: no address is longer (RFC 5321 §4.5.3.1).
const LONGEST_NAME: usize = 300;

/// What attempts are counted by: a name, whether it exists or not, and an address.
#[derive(Clone, Debug)]
struct Subjects {
    name: String,
    address: Option<String>,
}

impl Subjects {
    fn of(name: &str, caller: &Caller) -> Self {
        let name = name.trim().to_lowercase();
        let name: String = name.chars().take(LONGEST_NAME).collect();
        Self {
            name: format!("name {name}"),
            address: caller
                .source
                .as_deref()
                .map(|source| format!("address {}", network(source))),
        }
    }
}

/// An IPv6 address by its first 64 bits: whoever has one has all that begin so (RFC 6177).
fn network(source: &str) -> String {
    match source.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        _ => source.to_owned(),
    }
}

/// The attempts that this process is judging, by name. Failures are counted in the database when they
/// are known; until then an attempt counts here, so that of many at once no more are judged than of as
/// many in a row. One that could not be judged, because the database was away, counts nowhere.
#[derive(Clone, Debug, Default)]
pub struct Throttle(Arc<Mutex<HashMap<String, i64>>>);

/// An attempt that may be judged. Dropped, it leaves no trace.
#[must_use]
pub(super) struct Attempt {
    throttle: Throttle,
    subjects: Subjects,
    /// How many of its name are being judged, this one among them.
    place: i64,
}

impl Throttle {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, subjects: Subjects) -> Attempt {
        let mut judged = self.lock();
        let place = judged.entry(subjects.name.clone()).or_default();
        *place += 1;
        Attempt {
            place: *place,
            throttle: self.clone(),
            subjects,
        }
    }

    /// Lets an attempt be judged, or gives how long it must wait, in seconds.
    pub(super) async fn admit(
        &self,
        db: &Db,
        name: &str,
        caller: &Caller,
    ) -> Result<Result<Attempt, i64>, StoreError> {
        // Entered before it is read what has failed: whoever leaves has been counted by then.
        let attempt = self.enter(Subjects::of(name, caller));
        let mut tx = db.read().await?;
        let now = tx.now().await?;
        let mut wait = 0;
        let mut failures = 0;
        let Subjects { name, address } = &attempt.subjects;
        if let Some(of_name) = links::attempts(&mut tx, name).await? {
            wait = of_name.blocked_until.since(now);
            if now.since(of_name.last_at) < FORGET_AFTER_MS {
                failures = of_name.failures;
            }
        }
        if let Some(address) = address
            && let Some(of_address) = links::attempts(&mut tx, address).await?
        {
            wait = wait.max(of_address.blocked_until.since(now));
        }
        let before = attempt.place - 1;
        if before > 0 && failures + before > FREE_FOR_NAME {
            wait = wait.max(1_000);
        }
        Ok(if wait > 0 {
            Err((wait + 999) / 1_000)
        } else {
            Ok(attempt)
        })
    }
}

impl Attempt {
    /// Counts it, for its name and its address.
    pub(super) async fn failed(self, db: &Db) -> Result<(), StoreError> {
        let subjects = self.subjects.clone();
        db.write(Lock::Shared, move |tx| {
            async move {
                count(tx, &subjects.name, FREE_FOR_NAME).await?;
                if let Some(address) = &subjects.address {
                    count(tx, address, FREE_FOR_ADDRESS).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Forgets the failures of its name: whoever made it has shown who they are.
    pub(super) async fn succeeded(self, db: &Db) -> Result<(), StoreError> {
        let name = self.subjects.name.clone();
        db.write(Lock::Shared, move |tx| {
            async move { links::clear_attempts(tx, &name).await }.boxed()
        })
        .await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut judged = self.throttle.lock();
        if let Some(place) = judged.get_mut(&self.subjects.name) {
            *place -= 1;
            if *place <= 0 {
                judged.remove(&self.subjects.name);
            }
        }
    }
}

async fn count(tx: &mut Tx, subject: &str, free: i64) -> Result<(), StoreError> {
    let now = tx.state().now;
    let failures = links::count_failure(tx, subject, now.plus(-FORGET_AFTER_MS)).await?;
    let wait = wait_after(failures, free);
    if wait > 0 {
        links::block(tx, subject, now.plus(wait)).await?;
    }
    Ok(())
}

/// Each failure beyond the free ones doubles the wait: 1 s, 2 s, 4 s … a quarter of an hour.
fn wait_after(failures: i64, free: i64) -> i64 {
    match failures - free {
        ..=0 => 0,
        beyond @ 1..=20 => (1_000_i64 << (beyond - 1)).min(LONGEST_WAIT_MS),
        _ => LONGEST_WAIT_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::both;
    use crate::tests::world::{World, caller};

    const ANA: &str = "ana@alpha.example";

    both! {
        /// Of many attempts at once no more are judged than of as many in a row.
        async fn attempts_at_once_are_all_counted(world: World) {
            let throttle = Throttle::default();
            let tries = (0..40).map(|_| {
                let (throttle, db) = (throttle.clone(), world.engine.db().clone());
                tokio::spawn(async move { throttle.admit(&db, ANA, &caller()).await.unwrap() })
            });
            let answers = futures_util::future::join_all(tries).await;
            let admitted: Vec<_> = answers.into_iter().filter_map(|answer| answer.unwrap().ok()).collect();
            // The last of these will start the first wait.
            assert_eq!(i64::try_from(admitted.len()).unwrap(), FREE_FOR_NAME + 1);
            let db = world.engine.db();
            for attempt in admitted {
                attempt.failed(db).await.unwrap();
            }
            let again = async || throttle.admit(db, ANA, &caller()).await.unwrap();
            assert_eq!(again().await.err(), Some(1));
            world.pass(1_100).await;
            // From now on one at a time.
            let one = again().await.unwrap();
            assert_eq!(again().await.err(), Some(1));
            one.failed(db).await.unwrap();
            assert_eq!(again().await.err(), Some(2));
            world.pass(2_100).await;
            again().await.unwrap().succeeded(db).await.unwrap();
            again().await.unwrap().failed(db).await.unwrap();
            assert!(again().await.is_ok());
        }
    }

    both! {
        /// What could not be judged is no failure: whoever signs in while the database is away does not wait
        /// when it is back.
        async fn an_attempt_that_was_not_judged_counts_nowhere(world: World) {
            let (throttle, db) = (Throttle::default(), world.engine.db());
            for _ in 0..50 {
                drop(throttle.admit(db, ANA, &caller()).await.unwrap().unwrap());
            }
            assert!(throttle.lock().is_empty());
        }
    }

    both! {
        /// Failures of many names from one address are counted together, also those at once.
        async fn an_address_waits_after_many_failures(world: World) {
            let (throttle, db) = (Throttle::default(), world.engine.db());
            let tries = (0..=FREE_FOR_ADDRESS).map(|number| {
                let (throttle, db) = (throttle.clone(), world.engine.db().clone());
                tokio::spawn(async move {
                    let attempt = throttle.admit(&db, &format!("{number}@x.example"), &caller()).await;
                    attempt.unwrap().unwrap().failed(&db).await.unwrap();
                })
            });
            for tried in futures_util::future::join_all(tries).await {
                tried.unwrap();
            }
            assert_eq!(throttle.admit(db, "another@x.example", &caller()).await.unwrap().err(), Some(1));
            let elsewhere = Caller::default();
            assert!(throttle.admit(db, "another@x.example", &elsewhere).await.unwrap().is_ok());
        }
    }

    #[test]
    fn waits_double_after_the_free_failures_and_are_bounded() {
        let waits: Vec<i64> = (1..=8).map(|failures| wait_after(failures, 5)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1_000, 2_000, 4_000]);
        for many in [20, 25, 26, 500, i64::MAX] {
            assert_eq!(wait_after(many, 5), LONGEST_WAIT_MS, "{many}");
        }
    }

    #[test]
    fn an_address_is_counted_with_all_that_its_owner_has() {
        let of = |source: &str| {
            let caller = Caller {
                source: Some(source.to_owned()),
                agent: None,
            };
            Subjects::of(" Ana@Alpha.example", &caller)
        };
        assert_eq!(
            of("2001:db8:1:2:3::4").address,
            of("2001:db8:1:2::9").address
        );
        assert_ne!(of("2001:db8:1:3::9").address, of("2001:db8:1:2::9").address);
        assert_ne!(of("192.0.2.1").address, of("192.0.2.2").address);
        assert_eq!(of("192.0.2.1").name, "name ana@alpha.example");
    }

    #[test]
    fn a_name_without_end_is_counted_by_its_beginning() {
        let long = "a".repeat(60_000);
        let counted = Subjects::of(&long, &Caller::default()).name;
        assert_eq!(counted.len(), "name ".len() + LONGEST_NAME);
    }
}
