use std::net::{IpAddr, Ipv6Addr};

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

/// Lets an attempt be judged, or gives how long it must wait, in seconds. It is counted for its name
/// before it is judged, so that of many at once no more are judged than one after the other:
/// [`forgive`] takes it back.
pub(super) async fn admit(
    db: &Db,
    name: &str,
    caller: &Caller,
) -> Result<Result<(), i64>, StoreError> {
    let subjects = Subjects::of(name, caller);
    // Whoever must wait costs no write.
    let mut tx = db.read().await?;
    let wait = wait_ms(&mut tx, &subjects).await?;
    drop(tx);
    if wait > 0 {
        return Ok(Err(seconds(wait)));
    }
    db.write(Lock::Shared, move |tx| {
        async move {
            if count(tx, &subjects.name, FREE_FOR_NAME).await? {
                return Ok(Ok(()));
            }
            Ok(Err(seconds(wait_ms(tx, &subjects).await?.max(1))))
        }
        .boxed()
    })
    .await
}

async fn wait_ms(tx: &mut Tx, subjects: &Subjects) -> Result<i64, StoreError> {
    let now = tx.now().await?;
    let mut wait = 0;
    for subject in std::iter::once(&subjects.name).chain(&subjects.address) {
        if let Some(until) = links::blocked_until(tx, subject).await? {
            wait = wait.max(until.since(now));
        }
    }
    Ok(wait)
}

const fn seconds(ms: i64) -> i64 {
    (ms + 999) / 1_000
}

/// Counts for its address an attempt that failed; for its name it is counted.
pub(super) async fn count_failure(db: &Db, name: &str, caller: &Caller) -> Result<(), StoreError> {
    let Some(address) = Subjects::of(name, caller).address else {
        return Ok(());
    };
    db.write(Lock::Shared, move |tx| {
        async move {
            count(tx, &address, FREE_FOR_ADDRESS).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Counts one attempt; false when the subject must wait.
async fn count(tx: &mut Tx, subject: &str, free: i64) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let Some(failures) = links::count_attempt(tx, subject, now.plus(-FORGET_AFTER_MS)).await?
    else {
        return Ok(false);
    };
    let wait = wait_after(failures, free);
    if wait > 0 {
        links::block(tx, subject, now.plus(wait)).await?;
    }
    Ok(true)
}

/// Forgets the failures of a name: its owner has shown that they are.
pub(super) async fn forgive(db: &Db, name: &str, caller: &Caller) -> Result<(), StoreError> {
    let subjects = Subjects::of(name, caller);
    db.write(Lock::Shared, move |tx| {
        async move { links::clear_attempts(tx, &subjects.name).await }.boxed()
    })
    .await
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

    both! {
        /// Of many attempts at once no more are judged than of as many in a row.
        async fn attempts_at_once_are_all_counted(world: World) {
            let tries = (0..40).map(|_| {
                let db = world.engine.db().clone();
                tokio::spawn(async move { admit(&db, "ana@alpha.example", &caller()).await.unwrap() })
            });
            let mut admitted = 0;
            for tried in futures_util::future::join_all(tries).await {
                admitted += i64::from(tried.unwrap().is_ok());
            }
            // The last of these starts the first wait.
            assert_eq!(admitted, FREE_FOR_NAME + 1);
            world.pass(1_100).await;
            let db = world.engine.db();
            admit(db, "ana@alpha.example", &caller()).await.unwrap().unwrap();
            let wait = admit(db, "ana@alpha.example", &caller()).await.unwrap();
            assert_eq!(wait, Err(2));
            forgive(db, "ana@alpha.example", &caller()).await.unwrap();
            admit(db, "ana@alpha.example", &caller()).await.unwrap().unwrap();
        }
    }

    both! {
        /// Failures of many names from one address are counted together, also those at once.
        async fn an_address_waits_after_many_failures(world: World) {
            let tries = (0..=FREE_FOR_ADDRESS).map(|number| {
                let (db, name) = (world.engine.db().clone(), format!("{number}@x.example"));
                tokio::spawn(async move { count_failure(&db, &name, &caller()).await.unwrap() })
            });
            for tried in futures_util::future::join_all(tries).await {
                tried.unwrap();
            }
            let db = world.engine.db();
            assert_eq!(admit(db, "another@x.example", &caller()).await.unwrap(), Err(1));
            let elsewhere = Caller::default();
            admit(db, "another@x.example", &elsewhere).await.unwrap().unwrap();
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
