use futures_util::FutureExt as _;

use crate::model::{HOUR_MS, UnixMs};
use crate::rotation::Caller;
use crate::store::links::{self, Attempts};
use crate::store::{Db, Lock, StoreError};

/// Failures of one account name before it must wait.
const FREE_FOR_NAME: i64 = 5;
/// Failures from one address before it must wait: many people may share one.
const FREE_FOR_ADDRESS: i64 = 20;
/// The longest wait, in milliseconds.
const LONGEST_WAIT_MS: i64 = HOUR_MS / 4;
/// Failures older than this are forgotten, in milliseconds.
const FORGET_AFTER_MS: i64 = HOUR_MS;

/// The two things that sign-ins are counted by. A name is counted whether it exists or not.
fn subjects(email: &str, caller: &Caller) -> Vec<(String, i64)> {
    let mut subjects = vec![(
        format!("name {}", email.trim().to_lowercase()),
        FREE_FOR_NAME,
    )];
    if let Some(source) = &caller.source {
        subjects.push((format!("address {source}"), FREE_FOR_ADDRESS));
    }
    subjects
}

/// How long a sign-in must wait, in milliseconds; 0 when it may go on.
pub(super) async fn wait_ms(db: &Db, email: &str, caller: &Caller) -> Result<i64, StoreError> {
    let mut tx = db.read().await?;
    let now = tx.now().await?;
    let mut wait = 0;
    for (subject, _) in subjects(email, caller) {
        if let Some(attempts) = links::attempts(&mut tx, &subject).await? {
            wait = wait.max(attempts.blocked_until.since(now));
        }
    }
    Ok(wait)
}

/// Counts a failure.
pub(super) async fn count_failure(db: &Db, email: &str, caller: &Caller) -> Result<(), StoreError> {
    let subjects = subjects(email, caller);
    db.write(Lock::Shared, move |tx| {
        async move {
            let now = tx.state().now;
            for (subject, free) in &subjects {
                let before = links::attempts(tx, subject).await?;
                links::set_attempts(tx, subject, after_failure(before, *free, now)).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Forgets the failures of a name: its owner has signed in.
pub(super) async fn forgive(db: &Db, email: &str, caller: &Caller) -> Result<(), StoreError> {
    let subjects = subjects(email, caller);
    db.write(Lock::Shared, move |tx| {
        async move {
            match subjects.first() {
                Some((name, _)) => links::clear_attempts(tx, name).await,
                None => Ok(()),
            }
        }
        .boxed()
    })
    .await
}

/// Each failure beyond the free ones doubles the wait: 1 s, 2 s, 4 s … a quarter of an hour.
fn after_failure(before: Option<Attempts>, free: i64, now: UnixMs) -> Attempts {
    let failures = match before {
        Some(before) if now.since(before.last_at) < FORGET_AFTER_MS => before.failures + 1,
        _ => 1,
    };
    let beyond = failures - free;
    let wait = match u32::try_from(beyond) {
        Ok(beyond) if beyond > 0 => 1_000_i64
            .checked_shl(beyond - 1)
            .map_or(LONGEST_WAIT_MS, |wait| wait.min(LONGEST_WAIT_MS)),
        _ => 0,
    };
    let wait = if beyond > 20 { LONGEST_WAIT_MS } else { wait };
    Attempts {
        failures,
        last_at: now,
        blocked_until: now.plus(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_after_the_free_failures_and_are_bounded() {
        let now = UnixMs(1_000_000);
        let mut attempts = None;
        let waits: Vec<i64> = (0..8)
            .map(|_| {
                let after = after_failure(attempts, FREE_FOR_NAME, now);
                attempts = Some(after);
                after.blocked_until.since(now)
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1_000, 2_000, 4_000]);
        let many = Attempts {
            failures: 500,
            last_at: now,
            blocked_until: now,
        };
        assert_eq!(
            after_failure(Some(many), FREE_FOR_NAME, now)
                .blocked_until
                .since(now),
            LONGEST_WAIT_MS
        );
        let old = Attempts {
            failures: 500,
            last_at: now.plus(-FORGET_AFTER_MS),
            blocked_until: now,
        };
        assert_eq!(after_failure(Some(old), FREE_FOR_NAME, now).failures, 1);
    }
}
