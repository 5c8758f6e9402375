use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use tokio::sync::{Mutex, Notify};

use super::index::Index;
use super::mark::Mark;
use crate::model::{Clock, UnixMs};
use crate::store::marks::{self, Reached};
use crate::store::state::{self, NodeRow, State};
use crate::store::{Db, Lock, StoreError, Tx, reseals};

/// How often a node asks the database what has changed.
pub const POLL_EVERY: Duration = Duration::from_millis(250);
/// How long one question may take. A connection whose other end is silent is given up then.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How often a step looks whether every node obeys.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a node believes, and how long it may answer from it.
#[derive(Clone, Debug)]
pub struct View {
    /// The state as it was when the database was last asked.
    pub state: State,
    /// The node's clock before the question was asked.
    heard: Duration,
    /// Until when, on the node's clock, the lease runs.
    good_until: Duration,
}

impl View {
    /// The database's time now, as far as the node can tell.
    pub fn now(&self, clock: &Clock) -> UnixMs {
        let since = clock.elapsed().saturating_sub(self.heard);
        self.state
            .now
            .plus(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Whether the lease still runs: the view may be answered from.
    pub fn is_fresh(&self, clock: &Clock) -> bool {
        clock.elapsed() < self.good_until
    }
}

/// One process's part in what all agree on: its view, its index, and the questions that keep both
/// true.
///
/// A node answers from memory only while steps wait for it: while the database has a row of it that
/// can be removed only after its lease. What holds that together:
/// - a step that published version V removes the row of a node that has not acknowledged V only when
///   that row's lease has run since the commit of V;
/// - a lease is counted from before a question whose answer showed the row at the newest version, or
///   after which the row was brought to that version. Any later V is committed after that question,
///   so the lease is over before the row can go;
/// - a node whose row is gone makes itself known and asks again before it answers from memory.
pub struct Node {
    db: Db,
    clock: Clock,
    id: String,
    /// What it knows of tokens in use.
    pub index: Index,
    view: ArcSwap<View>,
    asking: Mutex<()>,
    /// Whether it answers requests, so that phase steps wait for it.
    serves: AtomicBool,
    /// The database went back in time: nothing is answered until someone accepts that.
    went_back: AtomicBool,
    /// Where it is noted how far the database has come, if anywhere.
    mark: OnceLock<Mark>,
    /// Every use that it counted before it obeyed this version is on disk.
    flushed: AtomicI64,
    /// Told when a recording phase begins: what was counted before is to be flushed.
    pub recording: Notify,
}

impl Node {
    /// Asks the database for the first view. Nothing is answered from it: see [`Node::serve`].
    pub async fn join(db: Db, clock: Clock, id: String) -> Result<Self, StoreError> {
        let heard = clock.elapsed();
        let mut tx = db.read().await?;
        let state = state::load(&mut tx).await?;
        drop(tx);
        Ok(Self {
            index: Index::new(state.version),
            flushed: AtomicI64::new(state.version),
            view: ArcSwap::from_pointee(View {
                state,
                heard,
                good_until: Duration::ZERO,
            }),
            asking: Mutex::new(()),
            serves: AtomicBool::new(false),
            went_back: AtomicBool::new(false),
            mark: OnceLock::new(),
            recording: Notify::new(),
            db,
            clock,
            id,
        })
    }

    /// Which node this is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Notes from now on, in `file`, how far the database has come.
    pub fn keep_mark(&self, file: PathBuf, reached: Reached) {
        self.mark.get_or_init(|| Mark::keep(file)).note(reached);
    }

    /// Notes how far the database has come, where a mark is kept.
    pub fn note_mark(&self, reached: Reached) {
        if let Some(mark) = self.mark.get() {
            mark.note(reached);
        }
    }

    /// Waits until the mark is on disk.
    pub async fn settle_mark(&self) {
        if let Some(mark) = self.mark.get() {
            mark.settle().await;
        }
    }

    /// What the node believes now.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Whether the view may be answered from.
    pub fn is_fresh(&self) -> bool {
        !self.went_back() && self.view.load().is_fresh(&self.clock)
    }

    /// Whether what was decided by `view` may be answered: its lease still runs, and nothing has
    /// changed since. Asked after deciding, so that a node that slept in between does not answer.
    pub fn still_holds(&self, view: &View) -> bool {
        !self.went_back()
            && view.is_fresh(&self.clock)
            && self.view.load().state.version == view.state.version
    }

    /// Whether the database was seen to go back in time.
    pub fn went_back(&self) -> bool {
        self.went_back.load(Ordering::Acquire)
    }

    /// From now on steps wait for this node, and it may answer from memory.
    pub async fn serve(&self) -> Result<(), StoreError> {
        // It has answered nothing so far, so it holds no counts.
        let version = self.view().state.version;
        self.flushed.store(version, Ordering::Release);
        self.serves.store(true, Ordering::Release);
        self.refresh().await
    }

    /// Leaves: phase steps wait no more.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.serves.store(false, Ordering::Release);
        let id = self.id.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    reseals::forget(tx, &id).await?;
                    state::forget_node(tx, &id).await
                }
                .boxed()
            })
            .await
    }

    /// Asks the database what has changed and applies it: first to the index, then to the view; then
    /// says so.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let _alone = self.asking.lock().await;
        let ask = async {
            // Twice where it must make itself known: to learn what was missed until then.
            while !self.ask().await? {}
            Ok(())
        };
        tokio::time::timeout(ANSWER_WITHIN, ask)
            .await
            .unwrap_or(Err(StoreError::Cut))
    }

    /// One question. False when the database did not know this node, and must be asked again.
    async fn ask(&self) -> Result<bool, StoreError> {
        // Counted from before the question, so that a slow answer makes the lease shorter.
        let heard = self.clock.elapsed();
        let mut tx = self.db.poll().await?;
        if !tx.is_primary().await? {
            return Err(StoreError::Schema(
                "the database is a replica, not the primary".to_owned(),
            ));
        }
        let state = state::load(&mut tx).await?;
        let before = self.view();
        let resumes = self.resumes(&mut tx, &before.state, &state).await?;
        let version = state.version;
        if version > before.state.version {
            let changes = state::changes_after(&mut tx, before.state.version, version).await?;
            self.index
                .apply(changes.as_deref().filter(|_| !resumes), version);
            if self.mark.get().is_some() {
                self.note_mark(marks::reached(&mut tx).await?);
            }
        }
        let serves = self.serves.load(Ordering::Acquire);
        let row = if serves {
            state::node(&mut tx, &self.id).await?
        } else {
            None
        };
        drop(tx);
        if state.target.is_some() && state.target != before.state.target {
            self.recording.notify_one();
        }
        let lease_ms = state.lease_ms;
        let lease = Duration::from_millis(u64::try_from(lease_ms).unwrap_or(0));
        let said = row
            .as_ref()
            .is_some_and(|row| row.version == version && row.lease_ms == lease_ms);
        // Until the row says so, the lease is that of the question before.
        let good_until = match (serves, said) {
            (false, _) => Duration::ZERO,
            (true, true) => heard + lease,
            (true, false) => before.good_until.min(heard + lease),
        };
        let view = View {
            state,
            heard,
            good_until,
        };
        self.view.store(Arc::new(view.clone()));
        if resumes {
            self.went_back.store(false, Ordering::Release);
            tracing::warn!(version, "the older database was accepted: answering again");
        }
        if !serves || said {
            return Ok(true);
        }
        if row.is_some() && self.acknowledge(version, lease_ms).await? {
            self.view.store(Arc::new(View {
                good_until: heard + lease,
                ..view
            }));
            return Ok(true);
        }
        self.register(version, lease_ms).await?;
        Ok(false)
    }

    /// Refuses a database that is older than what is known of it, or another one. True when this node
    /// had refused it, and someone has accepted it since: then everything known is forgotten.
    async fn resumes(&self, tx: &mut Tx, known: &State, found: &State) -> Result<bool, StoreError> {
        let is_same = found.instance == known.instance;
        if is_same && found.version >= known.version && !self.went_back() {
            return Ok(false);
        }
        if is_same
            && found.version > known.version
            && marks::accepted_after(tx, known.version).await?
        {
            return Ok(true);
        }
        if !self.went_back.swap(true, Ordering::AcqRel) {
            tracing::error!(
                known = known.version,
                found = found.version,
                "the database went back in time: refusing to answer until someone accepts it with --accept-older-database"
            );
        }
        Err(StoreError::WentBack)
    }

    async fn acknowledge(&self, version: i64, lease_ms: i64) -> Result<bool, StoreError> {
        let id = self.id.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move { state::acknowledge(tx, &id, version, lease_ms).await }.boxed()
            })
            .await
    }

    async fn register(&self, version: i64, lease_ms: i64) -> Result<(), StoreError> {
        let row = NodeRow {
            id: self.id.clone(),
            version,
            lease_ms,
            flushed: self.flushed.load(Ordering::Acquire),
        };
        self.db
            .write(Lock::Shared, move |tx| {
                async move { state::register(tx, &row).await }.boxed()
            })
            .await
    }

    /// Says that every use that was counted before this node obeyed `version` is on disk.
    pub async fn say_flushed(&self, version: i64) -> Result<(), StoreError> {
        self.flushed.fetch_max(version, Ordering::AcqRel);
        if !self.serves.load(Ordering::Acquire) {
            return Ok(());
        }
        let id = self.id.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move { state::set_flushed(tx, &id, version).await }.boxed()
            })
            .await
    }

    /// Waits until every live node obeys `version`: it has said so, or its lease has run out since
    /// and it can answer nothing without asking. What is published stays published: where the
    /// database is away, the lease is waited for.
    ///
    /// # Errors
    /// When the database went back in time: then nothing can be said.
    pub async fn settle(self: &Arc<Self>, version: i64) -> Result<(), StoreError> {
        // In a task of its own: a caller that goes away would leave silent nodes for the next step to wait for.
        let node = self.clone();
        let task = tokio::spawn(async move { node.wait_for_all(version).await });
        task.await.unwrap_or(Err(StoreError::Cut))
    }

    async fn wait_for_all(&self, version: i64) -> Result<(), StoreError> {
        let committed = self.clock.elapsed();
        let mut lease = self.view().state.lease_ms;
        if let Err(error) = self.refresh().await {
            tracing::warn!(%error, "a step waits for the lease to run out");
        }
        loop {
            if self.went_back() {
                return Err(StoreError::WentBack);
            }
            let behind = tokio::time::timeout(ANSWER_WITHIN, self.behind(version))
                .await
                .unwrap_or(Err(StoreError::Cut));
            if let Ok(behind) = &behind {
                let Some(longest) = behind.iter().map(|node| node.lease_ms).max() else {
                    return Ok(());
                };
                lease = longest;
            }
            let waited = self.clock.elapsed().saturating_sub(committed);
            if i64::try_from(waited.as_millis()).unwrap_or(i64::MAX) > lease {
                return self.forget(behind.unwrap_or_default(), version).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn behind(&self, version: i64) -> Result<Vec<NodeRow>, StoreError> {
        let mut tx = self.db.poll().await?;
        state::nodes_behind(&mut tx, version).await
    }

    /// Forgets nodes whose lease has run out, so that the next step need not wait for them.
    async fn forget(&self, silent: Vec<NodeRow>, version: i64) -> Result<(), StoreError> {
        if silent.is_empty() {
            return Ok(());
        }
        let forgotten = self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    for node in &silent {
                        tracing::warn!(
                            node = node.id,
                            "a node is silent, and no longer waited for"
                        );
                        state::forget_silent(tx, node, version).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "silent nodes could not be forgotten; the next step waits for them again");
        }
        Ok(())
    }
}
