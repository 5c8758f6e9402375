use futures_util::FutureExt as _;
use serde_json::json;

use super::destruction;
use super::engine::{Engine, actor, note, publish_key};
use super::error::{Result, Rule};
use super::lookback;
use super::master::MasterKeys;
use super::status::Status;
use crate::model::{DAY_MS, InvalidInput, Name, Phase, Random, RotationId, Span, Steers, UnixMs};
use crate::store::captures::LONGEST_LOOKBACK_MS;
use crate::store::rotations::{self, Rotation};
use crate::store::state::{self, Change, Step};
use crate::store::{Lock, StoreError, Tx, held};

/// What a rotation is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long the recording phase is promised to last.
    pub window: Span,
    /// How far use before the start counts as presence.
    pub lookback: Span,
    /// Its name; the month when there is none.
    pub name: Option<Name>,
    /// Why, for the audit and the announcement.
    pub reason: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            window: Span::days(14),
            lookback: Span(0),
            name: None,
            reason: String::new(),
        }
    }
}

impl Engine {
    /// Starts a rotation: a new key is published and signs from when this returns; the old private
    /// key is destroyed; use of old credentials is recorded before it is answered.
    ///
    /// Returns when every live node obeys and the look-back, if any, has finished. A process that
    /// ends in between leaves a start that any serving node completes.
    ///
    /// # Errors
    /// [`Rule::AlreadyOpen`] while another rotation is open; a name that is taken.
    pub async fn start_rotation(&self, by: &impl Steers, plan: Plan) -> Result<Status> {
        if plan.window.ms() <= 0 {
            return Err(InvalidInput::new("window", "is longer than nothing: 14d").into());
        }
        check_look_back(plan.lookback)?;
        if plan.reason.chars().count() > 500 {
            return Err(InvalidInput::new("reason", "has at most 500 characters").into());
        }
        let (masters, random, by) = (self.masters.clone(), self.random.clone(), actor(by));
        let version = self
            .db
            .write(Lock::Exclusive, move |tx| {
                async move { begin(tx, plan, &masters, &random, &by).await }.boxed()
            })
            .await?;
        self.node.settle(version).await?;
        complete_start(self).await?;
        self.status().await
    }

    /// Finalises: from when this returns, what was not captured is refused, on every node. One row
    /// changes, whatever the number of tokens.
    ///
    /// # Errors
    /// [`Rule::Unconfirmed`] unless `confirmation` is the rotation's name; [`Rule::WrongPhase`].
    pub async fn finalise(&self, by: &impl Steers, confirmation: &str) -> Result<Status> {
        self.step(by, confirmation, Phase::Finalised).await
    }

    /// Reopens: back to recording. No token was rewritten, so nothing is lost by a mistake.
    ///
    /// # Errors
    /// As [`Engine::finalise`].
    pub async fn reopen(&self, by: &impl Steers, confirmation: &str) -> Result<Status> {
        self.step(by, confirmation, Phase::Recording).await
    }

    /// Aborts: nothing was refused, nothing will be. The newest key goes on signing.
    ///
    /// # Errors
    /// As [`Engine::finalise`].
    pub async fn abort(&self, by: &impl Steers, confirmation: &str) -> Result<Status> {
        self.step(by, confirmation, Phase::Aborted).await
    }

    /// Closes: everything of the old generations that could verify is destroyed. No way back.
    ///
    /// # Errors
    /// As [`Engine::finalise`].
    pub async fn close_rotation(&self, by: &impl Steers, confirmation: &str) -> Result<Status> {
        let status = self.step(by, confirmation, Phase::Closed).await?;
        self.scrub().await;
        Ok(status)
    }

    async fn step(&self, by: &impl Steers, confirmation: &str, to: Phase) -> Result<Status> {
        let (random, by, confirmation) = (
            self.random.clone(),
            actor(by),
            confirmation.trim().to_owned(),
        );
        let version = self
            .db
            .write(Lock::Exclusive, move |tx| {
                async move { change_phase(tx, &confirmation, to, &random, &by).await }.boxed()
            })
            .await?;
        self.node.settle(version).await?;
        self.status().await
    }
}

/// Use is kept by day for a while only.
pub(super) fn check_look_back(lookback: Span) -> Result<()> {
    if lookback.ms() > LONGEST_LOOKBACK_MS {
        return Err(InvalidInput::new("look-back", "is at most 400d").into());
    }
    Ok(())
}

/// The open rotation, as it stands under the lock.
async fn open_rotation(tx: &mut Tx) -> Result<Rotation> {
    let id = tx.state().rotation_id.clone().ok_or(Rule::NoneOpen)?;
    Ok(rotations::find(tx, &id).await?.ok_or(Rule::NoneOpen)?)
}

async fn begin(
    tx: &mut Tx,
    plan: Plan,
    masters: &MasterKeys,
    random: &Random,
    by: &str,
) -> Result<i64> {
    if let Ok(open) = open_rotation(tx).await {
        return Err(Rule::AlreadyOpen {
            name: open.name,
            phase: open.phase,
        }
        .into());
    }
    let state = tx.state().clone();
    let target = state.newest.next();
    let name = match plan.name {
        Some(name) if rotations::name_taken(tx, &name).await? => {
            return Err(super::error::RotationError::Taken("the name of a rotation"));
        }
        Some(name) => name.as_str().to_owned(),
        None => free_name(tx, state.now).await?,
    };
    publish_key(tx, target, masters, random).await?;
    let rotation = Rotation {
        id: RotationId::generate(state.now, random),
        name,
        reason: plan.reason,
        from_generation: state.current,
        target_generation: target,
        phase: Phase::Recording,
        lookback_ms: plan.lookback.ms(),
        started_by: by.to_owned(),
        started_at: state.now,
        // Published at the end of this transaction, which is alone.
        start_version: Some(state.version + 1),
        effective_at: None,
        looked_back_at: None,
        lookback_after: String::new(),
        lookback_carried: 0,
        ends_at: state.now.plus(plan.window.ms()),
        finalised_at: None,
        closed_at: None,
        aborted_at: None,
    };
    rotations::insert(tx, &rotation).await?;
    state::step(
        tx,
        Step {
            current: state.current,
            newest: target,
            target: Some(target),
            rotation_id: Some(rotation.id.clone()),
        },
    )
    .await?;
    let detail = json!({
        "name": rotation.name, "reason": rotation.reason, "target": target, "ends_at": rotation.ends_at,
        "lookback": plan.lookback.to_string(),
    });
    note(
        tx,
        random,
        by,
        "rotation.start",
        rotation.id.as_str(),
        detail,
    )
    .await?;
    Ok(state::publish(tx, &[Change::Phase]).await?)
}

/// The month, as in `2026-11`; with a number after it when that is taken.
async fn free_name(tx: &mut Tx, now: UnixMs) -> Result<String> {
    let month: String = now.to_string().chars().take(7).collect();
    for number in 1..1_000 {
        let name = if number == 1 {
            month.clone()
        } else {
            format!("{month}-{number}")
        };
        if !rotations::name_taken(tx, &name.parse()?).await? {
            return Ok(name);
        }
    }
    Err(super::error::RotationError::Taken(
        "every name for this month",
    ))
}

async fn change_phase(
    tx: &mut Tx,
    confirmation: &str,
    to: Phase,
    random: &Random,
    by: &str,
) -> Result<i64> {
    let rotation = open_rotation(tx).await?;
    if !rotation.phase.may_become(to) {
        return Err(Rule::WrongPhase {
            name: rotation.name,
            phase: rotation.phase,
            wanted: to,
        }
        .into());
    }
    if confirmation != rotation.name {
        return Err(Rule::Unconfirmed {
            name: rotation.name,
        }
        .into());
    }
    if rotation.effective_at.is_none() {
        return Err(Rule::NotEffective {
            name: rotation.name,
        }
        .into());
    }
    if to == Phase::Finalised && rotation.looked_back_at.is_none() {
        return Err(lookback::refusal(tx, rotation).await?.into());
    }
    if !rotations::change_phase(tx, &rotation.id, rotation.phase, to).await? {
        return Err(Rule::WrongPhase {
            name: rotation.name,
            phase: rotation.phase,
            wanted: to,
        }
        .into());
    }
    let state = tx.state().clone();
    let target = rotation.target_generation;
    let id = Some(rotation.id.clone());
    let newest = state.newest;
    let step = match to {
        Phase::Finalised => Step {
            current: target,
            newest,
            target: None,
            rotation_id: id,
        },
        Phase::Recording => Step {
            current: rotation.from_generation,
            newest,
            target: Some(target),
            rotation_id: id,
        },
        Phase::Aborted => Step {
            current: state.current,
            newest,
            target: None,
            rotation_id: None,
        },
        Phase::Closed => {
            destruction::close(tx, target, &rotation.id).await?;
            // After it: what a forgotten key made can be held no more.
            held::prune(tx, state.now).await?;
            Step {
                current: state.current,
                newest,
                target: None,
                rotation_id: None,
            }
        }
    };
    state::step(tx, step).await?;
    let action = match to {
        Phase::Finalised => "rotation.finalise",
        Phase::Recording => "rotation.reopen",
        Phase::Aborted => "rotation.abort",
        Phase::Closed => "rotation.close",
    };
    note(
        tx,
        random,
        by,
        action,
        rotation.id.as_str(),
        json!({ "name": rotation.name }),
    )
    .await?;
    Ok(state::publish(tx, &[Change::Phase]).await?)
}

/// Completes a start that every node has learnt of: the new key signs, the old private key is
/// destroyed, past use is counted as presence. Does nothing where nothing is left to do, so any
/// process may call it at any time; two at once share the work.
pub(super) async fn complete_start(engine: &Engine) -> Result<()> {
    let Some(rotation) = recording(engine).await? else {
        return Ok(());
    };
    if rotation.effective_at.is_none() {
        // Whoever does not obey the start by then cannot answer without asking. Later versions say
        // nothing of it, so that a stream of revocations holds nothing up.
        if let Some(version) = rotation.start_version {
            engine.node.settle(version).await?;
        }
        let (id, random) = (rotation.id.clone(), engine.random.clone());
        let version = engine
            .db
            .write(Lock::Exclusive, move |tx| {
                async move { activate(tx, &id, &random).await }.boxed()
            })
            .await?;
        engine.node.settle(version).await?;
        engine.scrub().await;
    }
    if rotation.looked_back_at.is_none() {
        lookback::run(engine, &rotation).await?;
    }
    Ok(())
}

async fn recording(engine: &Engine) -> Result<Option<Rotation>> {
    let mut tx = engine.db.read().await?;
    let state = state::load(&mut tx).await?;
    match state.rotation_id {
        Some(id) if state.target.is_some() => Ok(rotations::find(&mut tx, &id).await?),
        _ => Ok(None),
    }
}

/// Makes the target's key sign and destroys the older private keys; gives the version to be obeyed,
/// also when another process was faster.
async fn activate(tx: &mut Tx, id: &RotationId, random: &Random) -> Result<i64, StoreError> {
    let state = tx.state().clone();
    let (Some(target), true) = (state.target, state.rotation_id.as_ref() == Some(id)) else {
        return Ok(state.version);
    };
    if !rotations::set_effective(tx, id).await? {
        return Ok(state.version);
    }
    destruction::start(tx, target, id).await?;
    let detail = json!({ "signs": target, "destroyed": "the private keys of older generations" });
    note(tx, random, "rollcall", "key.activate", id.as_str(), detail).await?;
    state::publish(tx, &[Change::Phase]).await
}

/// The window a start form offers, in days.
pub const USUAL_WINDOW_DAYS: i64 = 14;
/// A look-back that reaches monthly callers, in days.
pub const MONTHLY_LOOKBACK_DAYS: i64 = 40;
const _: () = assert!(MONTHLY_LOOKBACK_DAYS * DAY_MS <= LONGEST_LOOKBACK_MS);
