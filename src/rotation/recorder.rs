use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::index::Entry;
use super::nodes::Node;
use super::verify::Caller;
use crate::model::{Generation, Reason, Retirement, TokenId, UnixMs};
use crate::store::captures::{self, NewCapture};
use crate::store::state::{self, Change};
use crate::store::tokens::{self, Token};
use crate::store::usage::{self, Tally};
use crate::store::{Db, Lock, StoreError, Tx};

/// How many may wait to be written; beyond that the answer is 503.
const QUEUE: usize = 10_000;
/// How many are written in one transaction at the most.
const BATCH: usize = 512;
/// How long counts and last uses wait in memory at the most.
pub const FLUSH_EVERY: Duration = Duration::from_millis(800);

/// Something that must be on disk before its request is answered.
struct Order {
    token: Token,
    caller: Caller,
    /// The version at which the token's row was read.
    read_at: i64,
    done: oneshot::Sender<Result<Written, StoreError>>,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// This very request carried the token over: the capture.
    Captured,
    /// Its first use is on disk.
    FirstUse,
    /// Nothing was to be done, or nothing may be: decide again.
    Unchanged,
}

/// One task that writes what requests wait for, many in one transaction: while one commit is in
/// flight, the next batch gathers. Beside it, counts that nobody waits for.
#[derive(Clone)]
pub struct Recorder {
    orders: mpsc::Sender<Order>,
    tallies: Arc<Mutex<HashMap<TokenId, Tally>>>,
    db: Db,
}

impl Recorder {
    /// Starts the task. It ends when the last `Recorder` is dropped.
    pub fn start(db: Db, node: Arc<Node>) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        let recorder = Self {
            orders,
            tallies: Arc::default(),
            db,
        };
        tokio::spawn(run(
            queue,
            recorder.db.clone(),
            node,
            Arc::downgrade(&recorder.tallies),
        ));
        recorder
    }

    /// Writes a first use or a capture and waits for the commit.
    ///
    /// # Errors
    /// `None` when the queue is full; else what the database said.
    pub async fn record(
        &self,
        token: Token,
        caller: Caller,
        read_at: i64,
    ) -> Result<Written, Option<StoreError>> {
        let (done, answer) = oneshot::channel();
        self.orders
            .try_send(Order {
                token,
                caller,
                read_at,
                done,
            })
            .map_err(|_| None)?;
        answer.await.map_err(|_| None)?.map_err(Some)
    }

    /// Counts a request that was answered.
    pub fn count_use(&self, token: &TokenId, caller: &Caller, at: UnixMs) {
        self.count(token, caller, at, |tally| tally.uses += 1);
    }

    /// Counts a request that was refused.
    pub fn count_refusal(&self, token: &TokenId, caller: &Caller, at: UnixMs, reason: Reason) {
        self.count(token, caller, at, |tally| {
            tally.refused += 1;
            tally.code = Some(reason.code());
        });
    }

    fn count(&self, token: &TokenId, caller: &Caller, at: UnixMs, add: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = match tallies.get_mut(token) {
            Some(tally) => tally,
            None => tallies.entry(token.clone()).or_insert_with(|| Tally {
                token: token.clone(),
                uses: 0,
                refused: 0,
                at,
                source: None,
                agent: None,
                code: None,
            }),
        };
        tally.at = tally.at.max(at);
        // Callers rarely change: no allocation for the same one again.
        if tally.source != caller.source {
            tally.source.clone_from(&caller.source);
        }
        if tally.agent != caller.agent {
            tally.agent.clone_from(&caller.agent);
        }
        add(tally);
    }

    /// Writes every count that waits in memory.
    pub async fn flush(&self) -> Result<(), StoreError> {
        flush(&self.db, &self.tallies).await
    }
}

async fn run(
    mut queue: mpsc::Receiver<Order>,
    db: Db,
    node: Arc<Node>,
    tallies: std::sync::Weak<Mutex<HashMap<TokenId, Tally>>>,
) {
    let mut flush_due = tokio::time::interval(FLUSH_EVERY);
    flush_due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            received = queue.recv_many(&mut batch, BATCH) => {
                if received == 0 {
                    return;
                }
                let full = received == BATCH;
                write(&db, &node, std::mem::take(&mut batch)).await;
                if full {
                    // Lets a command beside a busy server get at SQLite's one writer.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            _ = flush_due.tick() => {
                let Some(tallies) = tallies.upgrade() else { return };
                if let Err(error) = flush(&db, &tallies).await {
                    tracing::warn!(%error, "last uses could not be written; they are kept and tried again");
                }
            }
        }
    }
}

async fn flush(db: &Db, tallies: &Arc<Mutex<HashMap<TokenId, Tally>>>) -> Result<(), StoreError> {
    let taken: Vec<Tally> = {
        let mut tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *tallies).into_values().collect()
    };
    if taken.is_empty() {
        return Ok(());
    }
    let written = taken.clone();
    let result = db
        .write(Lock::Shared, move |tx| {
            async move {
                let recording = tx.state().target.and(tx.state().rotation_id.clone());
                usage::flush(tx, &written, recording.as_ref()).await
            }
            .boxed()
        })
        .await;
    if result.is_err() {
        let mut tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
        for tally in taken {
            match tallies.get_mut(&tally.token) {
                Some(newer) => {
                    newer.uses += tally.uses;
                    newer.refused += tally.refused;
                    newer.code = newer.code.or(tally.code);
                }
                None => {
                    tallies.insert(tally.token.clone(), tally);
                }
            }
        }
    }
    result
}

/// What one batch did.
struct Batch {
    captured: HashSet<TokenId>,
    first_used: HashSet<TokenId>,
    /// The version the batch was written at.
    version: i64,
    target: Option<Generation>,
    /// Whether other nodes must learn of it.
    published: bool,
}

/// Writes a batch in one transaction, then fills the index, then lets every waiter go.
async fn write(db: &Db, node: &Arc<Node>, orders: Vec<Order>) {
    // Many requests with one token wait for one write. In id order, against deadlocks.
    let mut tokens: BTreeMap<TokenId, (Token, Caller)> = BTreeMap::new();
    for order in &orders {
        tokens
            .entry(order.token.id.clone())
            .or_insert_with(|| (order.token.clone(), order.caller.clone()));
    }
    let result = db
        .write(Lock::Shared, move |tx| {
            async move { write_batch(tx, &tokens).await }.boxed()
        })
        .await;
    match result {
        Ok(batch) => {
            if batch.published
                && let Err(error) = node.refresh().await
            {
                tracing::warn!(%error, "the view could not be refreshed after a write");
            }
            for order in orders {
                release(node, order, &batch);
            }
        }
        Err(error) => {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "captures could not be written");
            for order in orders {
                let _ = order.done.send(Err(StoreError::Cut));
            }
        }
    }
}

fn release(node: &Node, order: Order, batch: &Batch) {
    let captured = batch.captured.contains(&order.token.id);
    let first = batch.first_used.contains(&order.token.id);
    if (captured || first) && batch.version == order.read_at {
        let generation =
            if captured { batch.target } else { None }.unwrap_or(order.token.generation);
        node.index.insert(
            order.token.digest,
            Entry::of(&order.token, generation),
            order.read_at,
        );
    }
    let written = match (captured, first) {
        (true, _) => Written::Captured,
        (false, true) => Written::FirstUse,
        (false, false) => Written::Unchanged,
    };
    // A client that went away does not listen; what was written stays.
    let _ = order.done.send(Ok(written));
}

async fn write_batch(
    tx: &mut Tx,
    orders: &BTreeMap<TokenId, (Token, Caller)>,
) -> Result<Batch, StoreError> {
    let state = tx.state().clone();
    let mut captured = HashSet::new();
    if let (Some(target), Some(rotation)) = (state.target, &state.rotation_id) {
        let ids: Vec<TokenId> = orders.keys().cloned().collect();
        captured.extend(tokens::carry_over(tx, &ids, target).await?);
        let evidence: Vec<NewCapture> = orders
            .iter()
            .filter(|(id, _)| captured.contains(*id))
            .map(|(id, (_, caller))| NewCapture {
                subject: id.to_string(),
                how: "use",
                source: caller.source.clone(),
                agent: caller.agent.clone(),
            })
            .collect();
        captures::insert(tx, rotation, &evidence).await?;
    }
    let mut first_used = HashSet::new();
    let mut retired = Vec::new();
    for (id, (token, caller)) in orders {
        if token.first_used_at.is_some() || token.generation < state.current {
            continue;
        }
        if let Some(first) = tokens::first_use(tx, id, caller.source.as_deref()).await? {
            if let Ok(Retirement::AfterFirstUse { overlap }) =
                Retirement::parse(&first.retires, first.overlap_ms)
            {
                retired.extend(tokens::retire_predecessors(tx, id, state.now.plus(overlap)).await?);
            }
            first_used.insert(first.id);
        }
    }
    if !retired.is_empty() {
        let changes: Vec<Change> = retired.iter().copied().map(Change::Token).collect();
        state::publish(tx, &changes).await?;
    }
    Ok(Batch {
        captured,
        first_used,
        version: state.version,
        target: state.target,
        published: !retired.is_empty(),
    })
}
