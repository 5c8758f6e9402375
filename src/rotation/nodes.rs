use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use tokio::sync::Mutex;

use super::index::Index;
use crate::model::{Clock, UnixMs};
use crate::store::state::{self, State};
use crate::store::{Db, Lock, StoreError};

/// How often a node asks the database what has changed.
pub const POLL_EVERY: Duration = Duration::from_millis(250);

/// What a node believes, and when it last heard it from the database.
#[derive(Clone, Debug)]
pub struct View {
    /// The state as it was then.
    pub state: State,
    /// The node's clock before the question was asked.
    heard: Duration,
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
        let lease = Duration::from_millis(u64::try_from(self.state.lease_ms).unwrap_or(0));
        clock.elapsed().saturating_sub(self.heard) <= lease
    }
}

/// One process's part in what all agree on: its view, its index, and the questions that keep both
/// true.
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
}

impl Node {
    /// Asks the database for the first view.
    pub async fn join(db: Db, clock: Clock, id: String) -> Result<Self, StoreError> {
        let heard = clock.elapsed();
        let mut tx = db.read().await?;
        let state = state::load(&mut tx).await?;
        drop(tx);
        Ok(Self {
            index: Index::new(state.version),
            view: ArcSwap::from_pointee(View { state, heard }),
            asking: Mutex::new(()),
            serves: AtomicBool::new(false),
            went_back: AtomicBool::new(false),
            db,
            clock,
            id,
        })
    }

    /// What the node believes now.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Whether the view may be answered from.
    pub fn is_fresh(&self) -> bool {
        !self.went_back.load(Ordering::Acquire) && self.view.load().is_fresh(&self.clock)
    }

    /// Whether the database was seen to go back in time.
    pub fn went_back(&self) -> bool {
        self.went_back.load(Ordering::Acquire)
    }

    /// From now on phase steps wait for this node.
    pub async fn serve(&self) -> Result<(), StoreError> {
        self.serves.store(true, Ordering::Release);
        self.refresh().await?;
        self.acknowledge(self.view().state.version).await
    }

    /// Leaves: phase steps wait no more.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.serves.store(false, Ordering::Release);
        let id = self.id.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move { state::forget_nodes(tx, std::slice::from_ref(&id)).await }.boxed()
            })
            .await
    }

    /// Asks the database what has changed and applies it: first to the index, then to the view.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let _alone = self.asking.lock().await;
        // Counted from before the question, so that a slow answer makes the lease shorter.
        let heard = self.clock.elapsed();
        let mut tx = self.db.read().await?;
        if !tx.is_primary().await? {
            return Err(StoreError::Schema(
                "the database is a replica, not the primary".to_owned(),
            ));
        }
        let state = state::load(&mut tx).await?;
        let known = self.view().state.version;
        if state.version < known || state.instance != self.view().state.instance {
            self.went_back.store(true, Ordering::Release);
            tracing::error!(
                known,
                found = state.version,
                "the database went back in time: refusing to answer"
            );
            return Err(StoreError::Schema(
                "the database went back in time".to_owned(),
            ));
        }
        let version = state.version;
        if version > known {
            let changes = state::changes_after(&mut tx, known, version).await?;
            self.index.apply(changes.as_deref(), version);
        }
        drop(tx);
        self.view.store(Arc::new(View { state, heard }));
        if version > known && self.serves.load(Ordering::Acquire) {
            self.acknowledge(version).await?;
        }
        Ok(())
    }

    async fn acknowledge(&self, version: i64) -> Result<(), StoreError> {
        let id = self.id.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move { state::acknowledge(tx, &id, version).await }.boxed()
            })
            .await
    }

    /// Waits until every live node obeys `version`: it has said so, or its lease has run out since
    /// and it can answer nothing without asking.
    pub async fn settle(&self, version: i64) -> Result<(), StoreError> {
        let committed = self.clock.elapsed();
        self.refresh().await?;
        let lease = Duration::from_millis(u64::try_from(self.view().state.lease_ms).unwrap_or(0));
        loop {
            let mut tx = self.db.read().await?;
            let behind = state::nodes_behind(&mut tx, version).await?;
            drop(tx);
            if behind.is_empty() {
                return Ok(());
            }
            if self.clock.elapsed().saturating_sub(committed) > lease {
                return self
                    .db
                    .write(Lock::Shared, move |tx| {
                        async move {
                            // A node that has spoken meanwhile is kept.
                            let silent = state::nodes_behind(tx, version).await?;
                            state::forget_nodes(tx, &silent).await
                        }
                        .boxed()
                    })
                    .await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
