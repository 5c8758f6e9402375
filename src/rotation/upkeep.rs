use super::engine::Engine;
use super::nodes::POLL_EVERY;
use super::{outbox, phases};
use crate::model::DAY_MS;
use crate::store::captures::LONGEST_LOOKBACK_MS;
use crate::store::{Lock, StoreError, held, links, sessions, state, usage};
use futures_util::FutureExt as _;

/// Turns in a second.
const A_SECOND: u64 = 4;

/// What a serving node does beside answering and polling. What fails is only logged, and tried again at
/// its next turn.
pub(super) async fn run(engine: Engine) {
    let mut due = tokio::time::interval(POLL_EVERY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turns: u64 = 0;
    let mut version = None;
    loop {
        due.tick().await;
        if engine.went_back() {
            continue;
        }
        turns += 1;
        let every = |seconds: u64| turns.is_multiple_of(seconds * A_SECOND);
        let now = Some(engine.node.view().state.version);
        if version != now || every(2) {
            version = now;
            told(
                engine.announce_master_keys().await,
                "master keys could not be announced yet",
            );
        }
        if every(1) {
            told(
                engine.flush_alarm().await,
                "forgeries could not be noted yet",
            );
        }
        if every(10) {
            engine.scrub().await;
        }
        if every(60) {
            told(
                engine.beat().await,
                "the version mark could not be raised yet",
            );
        }
        if every(3600) {
            told(engine.prune().await, "old rows could not be removed yet");
        }
    }
}

/// Completes starts whose process ended half-way. Apart from the rest, because a look-back takes its time.
pub(super) async fn complete_starts(engine: Engine) {
    let mut due = tokio::time::interval(POLL_EVERY * 8);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        told(
            phases::complete_start(&engine).await,
            "a start could not be completed yet",
        );
    }
}

fn told<E: std::fmt::Display>(result: Result<(), E>, what: &str) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what}");
    }
}

impl Engine {
    /// Removes what no longer says anything: changes every node has seen, held tokens, letters and
    /// sessions long ended, failed sign-ins that are forgotten, days of use that no look-back reaches.
    async fn prune(&self) -> Result<(), StoreError> {
        self.db
            .write(Lock::Shared, |tx| {
                async move {
                    let now = tx.state().now;
                    state::prune_changes(tx, now.plus(-DAY_MS)).await?;
                    held::prune(tx, now.plus(-DAY_MS)).await?;
                    outbox::prune(tx).await?;
                    links::prune_attempts(tx, now.plus(-DAY_MS)).await?;
                    usage::prune_days(tx, now.plus(-LONGEST_LOOKBACK_MS).day()).await?;
                    sessions::prune(tx, now.plus(-30 * DAY_MS)).await
                }
                .boxed()
            })
            .await
    }
}
