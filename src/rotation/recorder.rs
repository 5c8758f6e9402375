use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::index::Entry;
use super::nodes::Node;
use super::tallies::Tallies;
use super::verify::Caller;
use crate::model::{Generation, Reason, Retirement, TokenId, UnixMs};
use crate::store::captures::{self, NewCapture};
use crate::store::state::{self, Change};
use crate::store::tokens::{self, FirstUser, Token};
use crate::store::usage::{self, Tally};
use crate::store::{Db, Lock, StoreError, Tx};

/// How many may wait to be written; beyond that the answer is 503.
pub const QUEUE: usize = 10_000;
/// How many are written in one transaction at the most.
const BATCH: usize = 512;
/// How many counts are flushed in one transaction at the most: captures get in between.
const FLUSH_BATCH: usize = 500;
/// How long counts and last uses wait in memory at the most.
const FLUSH_EVERY: Duration = Duration::from_millis(800);
/// How long one transaction may take before its waiters are told 503. A connection whose other end
/// is silent would otherwise hold up every capture.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// After so many batches without a pause, or after a full one, SQLite's one writer is left alone for
/// a moment, so that a command beside a busy server gets in.
const BATCHES_IN_A_ROW: u32 = 16;
/// How long it is left alone; whoever waits for it looks more often than that.
const PAUSE: Duration = Duration::from_millis(5);

/// Something that must be on disk before its request is answered.
struct Order {
    token: Token,
    caller: Caller,
    /// The version at which the token's row was read.
    read_at: i64,
    done: oneshot::Sender<Result<Written, StoreError>>,
}

/// Whoever waits for all counts to be on disk.
type Asker = oneshot::Sender<Result<(), StoreError>>;

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
    askers: mpsc::Sender<Asker>,
    tallies: Arc<Tallies>,
}

impl Recorder {
    /// Starts the task; so many orders may wait. It ends when the last `Recorder` is dropped.
    pub fn start(db: Db, node: Arc<Node>, most: usize) -> Self {
        let (orders, queue) = mpsc::channel(most);
        let (askers, asked) = mpsc::channel(16);
        let tallies = Arc::new(Tallies::default());
        let task = Task {
            db,
            node,
            tallies: tallies.clone(),
            taken: Vec::new(),
            waiting: None,
        };
        tokio::spawn(task.run(queue, asked));
        Self {
            orders,
            askers,
            tallies,
        }
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
        self.tallies.count_use(token, caller, at, false);
    }

    /// Counts a request that was answered, and that its capture counts already.
    pub fn count_captured_use(&self, token: &TokenId, caller: &Caller, at: UnixMs) {
        self.tallies.count_use(token, caller, at, true);
    }

    /// Counts a request that was refused.
    pub fn count_refusal(&self, token: &TokenId, caller: &Caller, at: UnixMs, reason: Reason) {
        self.tallies.count_refusal(token, caller, at, reason);
    }

    /// Returns when everything that was counted before the call is on disk: also what a flush that
    /// runs already has in its hands.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.askers.send(done).await.map_err(|_| StoreError::Cut)?;
        answer.await.map_err(|_| StoreError::Cut)?
    }
}

/// What the recorder's task works with.
struct Task {
    db: Db,
    node: Arc<Node>,
    tallies: Arc<Tallies>,
    /// Counts that are being flushed.
    taken: Vec<Tally>,
    /// Who waits for them.
    waiting: Option<Asker>,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Order>, mut asked: mpsc::Receiver<Asker>) {
        let mut flush_due = tokio::time::interval(FLUSH_EVERY);
        flush_due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        let mut in_a_row = 0;
        loop {
            let flushing = !self.taken.is_empty();
            tokio::select! {
                received = queue.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        return;
                    }
                    write(&self.db, &self.node, std::mem::take(&mut batch)).await;
                    in_a_row = if queue.is_empty() { 0 } else { in_a_row + 1 };
                    if received == BATCH || in_a_row >= BATCHES_IN_A_ROW {
                        in_a_row = 0;
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                _ = flush_due.tick(), if !flushing => self.take(None),
                Some(done) = asked.recv(), if !flushing => self.take(Some(done)),
                () = std::future::ready(()), if flushing => self.flush_some().await,
            }
        }
    }

    /// Takes in hand what was counted so far.
    fn take(&mut self, asker: Option<Asker>) {
        let (taken, lost) = self.tallies.take();
        if lost > 0 {
            tracing::error!(
                lost,
                "too much waited to be written: some last uses are lost"
            );
        }
        self.taken = taken;
        self.waiting = asker;
        if self.taken.is_empty() {
            self.tell(Ok(()));
        }
    }

    fn tell(&mut self, result: Result<(), StoreError>) {
        if let Some(asker) = self.waiting.take() {
            // Whoever asked may have gone away.
            let _ = asker.send(result);
        }
    }

    /// Writes some of what was taken. What cannot be written is put back.
    async fn flush_some(&mut self) {
        let from = self.taken.len().saturating_sub(FLUSH_BATCH);
        let some = self.taken.split_off(from);
        match write_counts(&self.db, some.clone()).await {
            Ok(()) if self.taken.is_empty() => self.tell(Ok(())),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "last uses could not be written; they are kept and tried again");
                self.tallies.give_back(some);
                self.tallies.give_back(std::mem::take(&mut self.taken));
                self.tell(Err(error));
            }
        }
    }
}

async fn write_counts(db: &Db, some: Vec<Tally>) -> Result<(), StoreError> {
    let write = db.write(Lock::Shared, move |tx| {
        async move {
            let recording = tx.state().target.and(tx.state().rotation_id.clone());
            usage::flush(tx, &some, recording.as_ref()).await
        }
        .boxed()
    });
    // Cut off, it may still be committed, and is then counted twice: better than not at all.
    tokio::time::timeout(WRITE_PATIENCE, write)
        .await
        .unwrap_or(Err(StoreError::Cut))
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

/// What is to be written of one token: many requests with it wait for one write.
struct Wanted {
    token: Token,
    caller: Caller,
    requests: i64,
}

/// In id order, so that two batches seldom wait for each other in a circle.
type Wants = BTreeMap<TokenId, Wanted>;

/// Writes a batch in one transaction, then fills the index, then lets every waiter go.
async fn write(db: &Db, node: &Arc<Node>, orders: Vec<Order>) {
    let mut wants = Wants::new();
    for order in &orders {
        wants
            .entry(order.token.id.clone())
            .and_modify(|wanted| wanted.requests += 1)
            .or_insert_with(|| Wanted {
                token: order.token.clone(),
                caller: order.caller.clone(),
                requests: 1,
            });
    }
    match commit(db, Arc::new(wants)).await {
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

/// Commits a batch. Where it and another node's wait for each other, the database gives one up, and
/// that one is tried again.
async fn commit(db: &Db, wants: Arc<Wants>) -> Result<Batch, StoreError> {
    let mut tries = 0;
    loop {
        let wants = wants.clone();
        let write = db.write(Lock::Shared, move |tx| {
            async move { write_batch(tx, &wants).await }.boxed()
        });
        let result = tokio::time::timeout(WRITE_PATIENCE, write)
            .await
            .unwrap_or(Err(StoreError::Cut));
        tries += 1;
        match result {
            Err(StoreError::Conflict(_)) if tries < 3 => {}
            other => return other,
        }
    }
}

fn release(node: &Node, order: Order, batch: &Batch) {
    let captured = batch.captured.contains(&order.token.id);
    let first = batch.first_used.contains(&order.token.id);
    if (captured || first) && !batch.published && batch.version == order.read_at {
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

async fn write_batch(tx: &mut Tx, wants: &Wants) -> Result<Batch, StoreError> {
    let state = tx.state().clone();
    let mut captured = HashSet::new();
    if let (Some(target), Some(rotation)) = (state.target, &state.rotation_id) {
        let ids: Vec<TokenId> = wants.keys().cloned().collect();
        captured.extend(tokens::carry_over(tx, &ids, target).await?);
        let evidence: Vec<NewCapture> = wants
            .iter()
            .filter(|(id, _)| captured.contains(*id))
            .map(|(id, wanted)| NewCapture {
                subject: id.to_string(),
                how: "use",
                requests: wanted.requests,
                source: wanted.caller.source.clone(),
                agent: wanted.caller.agent.clone(),
            })
            .collect();
        captures::insert(tx, rotation, &evidence).await?;
    }
    let unused: Vec<FirstUser> = wants
        .iter()
        .filter(|(_, wanted)| wanted.token.first_used_at.is_none())
        .map(|(id, wanted)| FirstUser {
            id: id.clone(),
            source: wanted.caller.source.clone(),
            agent: wanted.caller.agent.clone(),
        })
        .collect();
    let mut first_used = HashSet::new();
    let mut retired = Vec::new();
    for first in tokens::first_uses(tx, &unused).await? {
        if let Ok(Retirement::AfterFirstUse { overlap }) =
            Retirement::parse(&first.retires, first.overlap_ms)
        {
            let ends_at = state.now.plus(overlap);
            retired.extend(tokens::retire_predecessors(tx, &first.id, ends_at).await?);
        }
        first_used.insert(first.id);
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
