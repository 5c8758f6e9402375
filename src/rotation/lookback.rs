use std::time::Duration;

use futures_util::FutureExt as _;

use super::engine::Engine;
use super::error::{Result, Rule};
use crate::model::{RotationId, UnixMs};
use crate::store::captures::{self, NewCapture, Presence};
use crate::store::rotations::{self, Rotation};
use crate::store::{Lock, StoreError, Tx, sessions, state, tokens};

/// How many tokens or sessions one step carries over: short enough that requests get between.
const STEP: i64 = 500;
/// How long a live node may take to write the uses that it counted before the start. One that is
/// paused for longer is not waited for: what it holds in memory, less than a second of use, does not
/// count as presence.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Where the cursor stands when the sessions are done: their ids begin otherwise.
const TOKENS: &str = "tok_";

/// What one step of a look-back came to.
enum Progress {
    /// There is more to look at.
    More,
    /// All has been looked at, here or by another process; or the rotation is no longer recording.
    Done,
}

/// Counts use before the start as presence, in steps that requests get between. Where it has come to
/// is on disk with each step: a process that dies leaves a job that any other goes on with, and two
/// at once share it.
pub(super) async fn run(engine: &Engine, rotation: &Rotation) -> Result<()> {
    if rotation.lookback_ms > 0 {
        engine.flush_and_say().await?;
        wait_for_flushes(engine, rotation.start_version.unwrap_or(0)).await?;
    }
    loop {
        let id = rotation.id.clone();
        let step = engine
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move { step(tx, &id).await }.boxed()
            })
            .await;
        match step {
            Ok(Progress::More) | Err(StoreError::Conflict(_)) => {}
            Ok(Progress::Done) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        // Lets captures at SQLite's one writer.
        tokio::task::yield_now().await;
    }
}

/// Waits until every live node has written the uses that it counted before it obeyed the start.
async fn wait_for_flushes(engine: &Engine, version: i64) -> Result<()> {
    let from = engine.clock.elapsed();
    loop {
        let mut tx = engine.db.read().await?;
        let late = state::nodes_unflushed(&mut tx, version).await?;
        drop(tx);
        if late.is_empty() {
            return Ok(());
        }
        if engine.clock.elapsed().saturating_sub(from) > FLUSH_WITHIN {
            tracing::warn!(
                ?late,
                "the look-back does not wait for the last uses of silent nodes"
            );
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One step, whole by itself. Whoever moves the cursor does what lies between; others wait for its
/// commit and go on from there.
async fn step(tx: &mut Tx, id: &RotationId) -> Result<Progress, StoreError> {
    let state = tx.state().clone();
    let (Some(target), true) = (state.target, state.rotation_id.as_ref() == Some(id)) else {
        return Ok(Progress::Done);
    };
    let Some(rotation) = rotations::find(tx, id).await? else {
        return Ok(Progress::Done);
    };
    if rotation.looked_back_at.is_some() {
        return Ok(Progress::Done);
    }
    if rotation.lookback_ms == 0 {
        rotations::set_looked_back(tx, id).await?;
        return Ok(Progress::Done);
    }
    let presence = Presence {
        since: since(&rotation),
        current: state.current,
        target,
    };
    let after = rotation.lookback_after.as_str();
    if !after.starts_with(TOKENS) {
        let present = sessions::present(tx, presence, after, STEP).await?;
        let to = present.last().map_or(TOKENS, |last| last.as_str());
        if !rotations::move_look_back(tx, id, after, to).await? {
            return Ok(Progress::More);
        }
        let carried = sessions::carry_over(tx, &present, target).await?;
        count(tx, id, carried.iter().map(ToString::to_string).collect()).await?;
        return Ok(Progress::More);
    }
    let present = captures::present(tx, presence, after, STEP).await?;
    let Some(last) = present.last() else {
        rotations::set_looked_back(tx, id).await?;
        return Ok(Progress::Done);
    };
    if !rotations::move_look_back(tx, id, after, last.as_str()).await? {
        return Ok(Progress::More);
    }
    let carried = tokens::carry_over(tx, &present, target).await?;
    count(tx, id, carried.iter().map(ToString::to_string).collect()).await?;
    Ok(Progress::More)
}

/// Writes the evidence of what a step carried over, and how many it were.
async fn count(tx: &mut Tx, id: &RotationId, carried: Vec<String>) -> Result<(), StoreError> {
    let evidence: Vec<NewCapture> = carried
        .into_iter()
        .map(|subject| NewCapture {
            subject,
            how: "lookback",
            requests: 0,
            source: None,
            agent: None,
        })
        .collect();
    captures::insert(tx, id, &evidence).await?;
    rotations::count_look_back(tx, id, i64::try_from(evidence.len()).unwrap_or(0)).await
}

/// From when on use counts as presence.
pub(super) fn since(rotation: &Rotation) -> UnixMs {
    rotation.started_at.plus(-rotation.lookback_ms)
}

/// Why a rotation that looks back still cannot be finalised, and how far it is.
pub(super) async fn refusal(tx: &mut Tx, rotation: Rotation) -> Result<Rule, StoreError> {
    let presence = Presence {
        since: since(&rotation),
        current: tx.state().current,
        target: rotation.target_generation,
    };
    // While it looks at sessions, every token is left.
    let left = captures::left(tx, presence, &rotation.lookback_after).await?;
    Ok(Rule::LookingBack {
        name: rotation.name,
        carried: rotation.lookback_carried,
        left,
    })
}
