use serde::Serialize;

use super::engine::Engine;
use super::error::Result;
use super::lookback;
use crate::model::{Generation, Phase, UnixMs};
use crate::store::rehearsal::{self, Cutover};
use crate::store::rotations::{self, Rotation};
use crate::store::{StoreError, Tx, forgeries, held, sessions, state};

/// The rotation as the contract shows it: the open one, or `idle` with the last.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// `idle` when no rotation is open.
    pub phase: &'static str,
    /// The open rotation's name.
    pub name: Option<String>,
    /// The generation a credential needs to be accepted.
    pub current: Generation,
    /// While one is open: the generation it moves to.
    pub target: Option<Generation>,
    /// When it was started.
    pub started_at: Option<UnixMs>,
    /// When start took effect on every node.
    pub effective_at: Option<UnixMs>,
    /// The end promised to customers.
    pub ends_at: Option<UnixMs>,
    /// The cutover.
    pub finalised_at: Option<UnixMs>,
    /// How tokens stand.
    pub tokens: TokenCounts,
    /// How sessions stand.
    pub sessions: SessionCounts,
    /// How accounts fare.
    pub accounts: AccountCounts,
    /// How far the look-back is; `None` for a rotation that does not look back.
    pub lookback: Option<LookBack>,
    /// Forged tokens that were refused, since the alarm was closed last.
    pub forgeries: i64,
    /// When idle: the last rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Past>,
}

/// Live tokens by what the rotation means for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenCounts {
    /// Carried over.
    pub captured: i64,
    /// While recording: not seen so far.
    pub not_seen: i64,
    /// After the cutover: refused.
    pub dormant: i64,
    /// Issued elsewhere and unregistered. Only an imported key has such tokens.
    pub held: i64,
}

/// Live sessions by what the rotation means for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SessionCounts {
    /// Carried over, or begun since.
    pub captured: i64,
    /// Not seen so far; ended, after the cutover.
    pub not_seen: i64,
}

/// Accounts by how they fare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountCounts {
    /// With an integration that is refused, or would be.
    pub affected: i64,
    /// Whose every affected integration works again.
    pub recovered: i64,
}

/// How far a look-back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LookBack {
    /// Use from then on counts as presence.
    pub since: UnixMs,
    /// Whether all of it has been looked at; finalise waits for that.
    pub done: bool,
    /// How many tokens and sessions it has carried over.
    pub carried: i64,
}

impl LookBack {
    fn of(rotation: &Rotation) -> Option<Self> {
        (rotation.lookback_ms > 0).then(|| Self {
            since: lookback::since(rotation),
            done: rotation.looked_back_at.is_some(),
            carried: rotation.lookback_carried,
        })
    }
}

/// A rotation that is over.
#[derive(Clone, Debug, Serialize)]
pub struct Past {
    /// Its name.
    pub name: String,
    /// `closed` or `aborted`.
    pub phase: Phase,
    /// When it was started.
    pub started_at: UnixMs,
    /// The cutover.
    pub finalised_at: Option<UnixMs>,
    /// When it was closed.
    pub closed_at: Option<UnixMs>,
    /// When it was aborted.
    pub aborted_at: Option<UnixMs>,
}

impl From<Rotation> for Past {
    fn from(rotation: Rotation) -> Self {
        Self {
            name: rotation.name,
            phase: rotation.phase,
            started_at: rotation.started_at,
            finalised_at: rotation.finalised_at,
            closed_at: rotation.closed_at,
            aborted_at: rotation.aborted_at,
        }
    }
}

/// The open rotation and the moment it is judged at, read in one transaction.
pub(super) struct Now {
    pub state: state::State,
    pub rotation: Option<Rotation>,
    pub cutover: Cutover,
}

/// Reads what every view of the rotation starts from. With no rotation open, the last cutover
/// that stands is what accounts are judged by.
pub(super) async fn read_now(tx: &mut Tx) -> Result<Now, StoreError> {
    let state = state::load(tx).await?;
    let rotation = match &state.rotation_id {
        Some(id) => rotations::find(tx, id).await?,
        None => None,
    };
    let at = match (&rotation, state.target) {
        (_, Some(_)) => state.now,
        (Some(rotation), None) => rotation.finalised_at.unwrap_or(state.now),
        (None, None) => rotations::last_cutover(tx)
            .await?
            .map_or(state.now, |(_, at)| at),
    };
    let cutover = Cutover {
        required: state.stage().required(),
        at,
        now: state.now,
        kept_since: None,
        current: state.current,
    };
    Ok(Now {
        state,
        rotation,
        cutover,
    })
}

impl Engine {
    /// The rotation now: phase, dates and live counts, of one state of the database.
    pub async fn status(&self) -> Result<Status> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        let required = now.cutover.required;
        let (captured, behind) = rehearsal::count_tokens(&mut tx, required, now.state.now).await?;
        let (sessions_captured, sessions_behind) =
            sessions::count(&mut tx, required, now.state.now).await?;
        let (affected, recovered) = rehearsal::count_accounts(&mut tx, &now.cutover).await?;
        let recording = now.state.target.is_some();
        let last = if now.rotation.is_none() {
            rotations::list(&mut tx)
                .await?
                .into_iter()
                .next()
                .map(Past::from)
        } else {
            None
        };
        let rotation = now.rotation.as_ref();
        Ok(Status {
            phase: rotation.map_or("idle", |rotation| rotation.phase.slug()),
            name: rotation.map(|rotation| rotation.name.clone()),
            current: now.state.current,
            target: rotation.map(|rotation| rotation.target_generation),
            started_at: rotation.map(|rotation| rotation.started_at),
            effective_at: rotation.and_then(|rotation| rotation.effective_at),
            ends_at: rotation.map(|rotation| rotation.ends_at),
            finalised_at: rotation.and_then(|rotation| rotation.finalised_at),
            tokens: TokenCounts {
                captured,
                not_seen: if recording { behind } else { 0 },
                dormant: if recording { 0 } else { behind },
                held: held::count(&mut tx, now.state.now).await?,
            },
            sessions: SessionCounts {
                captured: sessions_captured,
                not_seen: sessions_behind,
            },
            accounts: AccountCounts {
                affected,
                recovered,
            },
            lookback: rotation.and_then(LookBack::of),
            forgeries: forgeries::count_open(&mut tx).await?,
            last,
        })
    }

    /// Every rotation, newest first.
    pub async fn rotations(&self) -> Result<Vec<Rotation>> {
        let mut tx = self.db.read().await?;
        Ok(rotations::list(&mut tx).await?)
    }

    /// The open rotation, if there is one.
    pub async fn open_rotation(&self) -> Result<Option<Rotation>> {
        let mut tx = self.db.read().await?;
        Ok(read_now(&mut tx).await?.rotation)
    }
}
