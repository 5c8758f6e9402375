use sqlx::FromRow;

use super::{Db, StoreError, Tx};
use crate::model::{Digest, Generation, Random, RotationId, Stage, UnixMs, hex};

/// What every node must agree on, read in one statement.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct State {
    /// The generation a credential needs to be accepted.
    pub current: Generation,
    /// The highest generation made so far.
    pub newest: Generation,
    /// Set while recording.
    pub target: Option<Generation>,
    /// The rotation that is recording or finalised.
    pub rotation_id: Option<RotationId>,
    /// Counts every change that other nodes must learn of.
    pub version: i64,
    /// How long a node may answer from its view, in milliseconds.
    pub lease_ms: i64,
    /// Which installation this is.
    pub instance: String,
    /// The database's time when this was read.
    #[sqlx(skip)]
    pub now: UnixMs,
}

impl State {
    /// What credentials are judged against.
    pub const fn stage(&self) -> Stage {
        Stage {
            current: self.current,
            target: self.target,
        }
    }
}

/// What other nodes must forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Everything: a phase step.
    Phase,
    /// One token: revoked or replaced.
    Token(Digest),
    /// One account: disabled or enabled.
    Account(String),
    /// One session: ended.
    Session(Digest),
    /// Master keys: a move to another one has begun or ended.
    MasterKeys,
}

impl Change {
    fn columns(&self) -> (&'static str, String) {
        match self {
            Self::Phase => ("phase", String::new()),
            Self::Token(digest) => ("token", hex(digest.as_bytes())),
            Self::Account(id) => ("account", id.clone()),
            Self::Session(digest) => ("session", hex(digest.as_bytes())),
            Self::MasterKeys => ("master-keys", String::new()),
        }
    }

    fn read(kind: &str, subject: String) -> Self {
        match kind {
            "token" => unhex(&subject).map_or(Self::Phase, Self::Token),
            "session" => unhex(&subject).map_or(Self::Phase, Self::Session),
            "account" => Self::Account(subject),
            "master-keys" => Self::MasterKeys,
            // A newer release's kind is not understood: forgetting everything is always right.
            _ => Self::Phase,
        }
    }
}

/// Reads the state and the database's time; the transaction remembers them, see [`Tx::state`].
pub async fn load(tx: &mut Tx) -> Result<State, StoreError> {
    let mut state: State = on!(tx, c => {
        sqlx::query_as(
            "select current, newest, target, rotation_id, version, lease_ms, instance from state where id = 1",
        )
        .fetch_optional(c)
        .await
    })?
    .ok_or_else(|| StoreError::Schema("the database is empty: run `rollcall migrate`".to_owned()))?;
    state.now = tx.now().await?;
    tx.remember_state(state.clone());
    Ok(state)
}

/// Writes the first state into an empty database.
pub(super) async fn begin(db: &Db, lease_ms: i64, random: &Random) -> Result<(), StoreError> {
    let instance = random.hex::<8>();
    let mut tx = db.begin_unlocked().await?;
    exec!(
        tx,
        sqlx::query(
            "insert into state (id, current, newest, version, lease_ms, instance) \
             values (1, 1, 0, 0, $1, $2) on conflict (id) do nothing",
        )
        .bind(lease_ms)
        .bind(instance)
    )?;
    tx.commit().await
}

/// Changes the lease. Other nodes learn of it at their next poll.
pub async fn set_lease(tx: &mut Tx, lease_ms: i64) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update state set lease_ms = $1 where id = 1").bind(lease_ms)
    )?;
    Ok(())
}

/// What a phase step makes of the state.
#[derive(Clone, Debug)]
pub struct Step {
    /// The generation required from now on.
    pub current: Generation,
    /// The highest generation made.
    pub newest: Generation,
    /// The generation that use carries over to, while recording.
    pub target: Option<Generation>,
    /// The open rotation.
    pub rotation_id: Option<RotationId>,
}

/// Moves the state. The caller holds the exclusive lock.
pub async fn step(tx: &mut Tx, step: Step) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query(
            "update state set current = $1, newest = $2, target = $3, rotation_id = $4 where id = 1"
        )
        .bind(step.current)
        .bind(step.newest)
        .bind(step.target)
        .bind(&step.rotation_id)
    )?;
    let mut state = tx.state().clone();
    state.current = step.current;
    state.newest = step.newest;
    state.target = step.target;
    state.rotation_id = step.rotation_id;
    tx.remember_state(state);
    Ok(())
}

/// Counts the version up and says what changed: the last statement of any transaction that other
/// nodes must learn of. One row, so that numbers commit in order; a sequence would not.
pub async fn publish(tx: &mut Tx, changes: &[Change]) -> Result<i64, StoreError> {
    let now = tx.state().now;
    let version: i64 = on!(tx, c => {
        sqlx::query_scalar("update state set version = version + 1 where id = 1 returning version")
            .fetch_one(c)
            .await
    })?;
    for change in changes {
        let (kind, subject) = change.columns();
        exec!(
            tx,
            sqlx::query(
                "insert into changes (version, kind, subject, at) values ($1, $2, $3, $4) \
                 on conflict (version, kind, subject) do nothing",
            )
            .bind(version)
            .bind(kind)
            .bind(subject)
            .bind(now)
        )?;
    }
    Ok(version)
}

/// The changes after version `after`, oldest first; `None` when they have been pruned and the
/// reader must forget everything.
pub async fn changes_after(
    tx: &mut Tx,
    after: i64,
    upto: i64,
) -> Result<Option<Vec<Change>>, StoreError> {
    let rows: Vec<(i64, String, String)> = on!(tx, c => {
        sqlx::query_as(
            "select version, kind, subject from changes where version > $1 and version <= $2 order by version",
        )
        .bind(after)
        .bind(upto)
        .fetch_all(c)
        .await
    })?;
    let complete = rows.first().is_some_and(|(first, ..)| *first == after + 1);
    Ok(complete.then(|| {
        rows.into_iter()
            .map(|(_, kind, subject)| Change::read(&kind, subject))
            .collect()
    }))
}

/// Forgets changes made before `before`; no node's lease reaches back that far.
pub async fn prune_changes(tx: &mut Tx, before: UnixMs) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from changes where at < $1").bind(before)
    )?;
    Ok(())
}

/// What a node has said of itself.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct NodeRow {
    /// Which node.
    pub id: String,
    /// The version up to which it has applied everything.
    pub version: i64,
    /// The lease it answers by, in milliseconds.
    pub lease_ms: i64,
    /// Every use that it counted before it obeyed this version is on disk.
    pub flushed: i64,
}

/// What node `id` has said; `None` when it is not known, or was forgotten.
pub async fn node(tx: &mut Tx, id: &str) -> Result<Option<NodeRow>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select id, version, lease_ms, flushed from nodes where id = $1").bind(id).fetch_optional(c).await
    })?)
}

/// Makes a node known, so that steps wait for it.
pub async fn register(tx: &mut Tx, node: &NodeRow) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "insert into nodes (id, version, seen_at, lease_ms, flushed) values ($1, $2, $3, $4, $5) \
             on conflict (id) do nothing",
        )
        .bind(&node.id)
        .bind(node.version)
        .bind(now)
        .bind(node.lease_ms)
        .bind(node.flushed)
    )?;
    Ok(())
}

/// Says that node `id` has applied everything up to `version`, and by which lease it answers. False
/// when it was forgotten meanwhile: then steps have not waited for it.
pub async fn acknowledge(
    tx: &mut Tx,
    id: &str,
    version: i64,
    lease_ms: i64,
) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(
        tx,
        sqlx::query("update nodes set version = $1, seen_at = $2, lease_ms = $3 where id = $4")
            .bind(version)
            .bind(now)
            .bind(lease_ms)
            .bind(id)
    )?;
    Ok(done == 1)
}

/// Says that every use that node `id` counted before it obeyed `version` is on disk.
pub async fn set_flushed(tx: &mut Tx, id: &str, version: i64) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("update nodes set flushed = $1 where id = $2 and flushed < $1")
            .bind(version)
            .bind(id)
    )?;
    Ok(())
}

/// Nodes that have not applied `version` yet.
pub async fn nodes_behind(tx: &mut Tx, version: i64) -> Result<Vec<NodeRow>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select id, version, lease_ms, flushed from nodes where version < $1")
            .bind(version)
            .fetch_all(c)
            .await
    })?)
}

/// Nodes that may hold uses in memory from before they obeyed `version`.
pub async fn nodes_unflushed(tx: &mut Tx, version: i64) -> Result<Vec<String>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar("select id from nodes where flushed < $1").bind(version).fetch_all(c).await
    })?)
}

/// Forgets a node that leaves.
pub async fn forget_node(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    exec!(tx, sqlx::query("delete from nodes where id = $1").bind(id))?;
    Ok(())
}

/// Forgets a node that has been silent about `version` for longer than its lease. One that has
/// spoken meanwhile, or answers by a longer lease now, is kept. A forgotten node that lives makes
/// itself known again before it answers from memory.
pub async fn forget_silent(tx: &mut Tx, node: &NodeRow, version: i64) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from nodes where id = $1 and version < $2 and lease_ms <= $3")
            .bind(&node.id)
            .bind(version)
            .bind(node.lease_ms)
    )?;
    Ok(())
}

fn unhex(text: &str) -> Option<Digest> {
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    Digest::from_stored(&bytes?).ok()
}
