use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::alarm::Alarm;
use super::error::{Result, RotationError};
use super::held::Sightings;
use super::jwk::{self, Jwk};
use super::keyring;
use super::master::MasterKeys;
use super::nodes::{Node, POLL_EVERY};
use super::recorder::{self, Recorder};
use super::upkeep;
use crate::model::{AccountId, Acts, Clock, Generation, Random, Steers, UnixMs};
use crate::store::keys::{self, NewKey};
use crate::store::state::{self, Change, Step};
use crate::store::users::User;
use crate::store::{Db, Lock, StoreError, Tx, audit};

/// What an installation is called from outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer in tokens and the start of links: where the dashboard is reached.
    pub public_url: String,
    /// The audience in tokens.
    pub audience: Option<String>,
}

/// Every use case. Cheap to clone: a handle on one engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) db: Db,
    pub(super) node: Arc<Node>,
    pub(super) recorder: Recorder,
    pub(super) sightings: Sightings,
    pub(super) masters: MasterKeys,
    /// The master keys that this node has said it holds.
    pub(super) announced: Arc<tokio::sync::Mutex<Vec<String>>>,
    /// Forged tokens that were seen.
    pub(super) alarm: Arc<Alarm>,
    pub(super) settings: Arc<Settings>,
    /// What a serving node does beside answering, until it stops.
    duties: Arc<Mutex<JoinSet<()>>>,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

impl Engine {
    /// Opens an installation whose schema is up to date. The first time, its first key is made.
    ///
    /// # Errors
    /// [`RotationError::Sealed`] when no master key is the one its keys were sealed with.
    pub async fn open(
        db: Db,
        masters: impl Into<MasterKeys>,
        settings: Settings,
        clock: Clock,
        random: Random,
    ) -> Result<Self> {
        let masters = masters.into();
        make_first_key(&db, &masters, &random).await?;
        let mut tx = db.read().await?;
        for key in keys::list(&mut tx).await? {
            if !keyring::opens(&key, &masters) {
                return Err(RotationError::Sealed { kid: key.kid });
            }
        }
        drop(tx);
        let id = random.hex::<8>();
        let node = Arc::new(Node::join(db.clone(), clock.clone(), id).await?);
        let recorder = Recorder::start(db.clone(), node.clone(), recorder::QUEUE);
        let sightings = Sightings::start(db.clone());
        Ok(Self {
            db,
            node,
            recorder,
            sightings,
            masters,
            announced: Arc::default(),
            alarm: Arc::default(),
            settings: Arc::new(settings),
            duties: Arc::default(),
            clock,
            random,
        })
    }

    /// Takes part: phase steps wait for this process from now on, and tasks keep its view true and
    /// do what is left to do until `stop` is called. Call once, in a process that answers requests.
    pub async fn serve(&self) -> Result<()> {
        self.node.serve().await?;
        self.announce_master_keys().await?;
        self.beat().await?;
        let mut duties = self.duties();
        duties.spawn(self.clone().poll());
        duties.spawn(self.clone().flush_at_each_start());
        duties.spawn(upkeep::complete_starts(self.clone()));
        duties.spawn(upkeep::run(self.clone()));
        Ok(())
    }

    fn duties(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.duties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the view true. Nothing else happens here: whatever takes longer than the lease would
    /// make the node go to the database for every request.
    async fn poll(self) {
        let mut due = tokio::time::interval(POLL_EVERY);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut heard = true;
        loop {
            due.tick().await;
            match self.node.refresh().await {
                Ok(()) if heard => {}
                Ok(()) => tracing::info!("the database answers again"),
                Err(error) if heard => {
                    tracing::warn!(%error, source = ?std::error::Error::source(&error), "the database did not answer the poll");
                }
                Err(_) => {}
            }
            heard = self.is_ready();
        }
    }

    /// When a recording phase begins, what was counted before it is written at once: a look-back
    /// waits for that.
    async fn flush_at_each_start(self) {
        loop {
            self.node.recording.notified().await;
            while let Err(error) = self.flush_and_say().await {
                tracing::warn!(%error, "the uses before the start could not be written yet");
                tokio::time::sleep(POLL_EVERY).await;
            }
        }
    }

    /// Writes every count and says up to which version that is true.
    pub(super) async fn flush_and_say(&self) -> Result<()> {
        // Before the flush: whatever was answered by an older view has been counted by now.
        let version = self.node.view().state.version;
        self.recorder.flush().await?;
        Ok(self.node.say_flushed(version).await?)
    }

    /// Changes how long any node may answer without hearing from the database. Kept in the
    /// database, so that all agree; waits until whoever answered by the old lease has asked again.
    pub async fn set_lease(&self, lease_ms: i64) -> Result<()> {
        let before = self.lease_ms();
        if before == lease_ms {
            return Ok(());
        }
        let version = self
            .db
            .write::<_, StoreError, _>(Lock::Exclusive, move |tx| {
                async move {
                    state::set_lease(tx, lease_ms).await?;
                    state::publish(tx, &[Change::Phase]).await
                }
                .boxed()
            })
            .await?;
        // Who has not acknowledged it is waited for by the lease it answers by.
        Ok(self.node.settle(version).await?)
    }

    /// Writes what waits in memory and leaves. The process ends after this.
    pub async fn stop(&self) -> Result<()> {
        // While this goes on it still takes part, so that no step waits for it.
        self.flush().await?;
        // Ended before it leaves, or the next poll would bring it back. None leaves a transaction
        // half-done: those run in tasks of their own.
        let mut duties = std::mem::take(&mut *self.duties());
        duties.shutdown().await;
        self.node.leave().await?;
        self.db.close().await;
        Ok(())
    }

    /// Writes every count that waits in memory.
    pub async fn flush(&self) -> Result<()> {
        self.recorder.flush().await?;
        self.sightings.flush().await?;
        self.flush_alarm().await?;
        self.node.settle_mark().await;
        Ok(())
    }

    /// Whether the database was seen to go back in time: nothing is answered until someone accepts.
    pub fn went_back(&self) -> bool {
        self.node.went_back()
    }

    /// Refuses to work with a database that went back in time.
    pub(super) fn trust_database(&self) -> Result<()> {
        if self.went_back() {
            return Err(StoreError::WentBack.into());
        }
        Ok(())
    }

    /// Whether this process may answer: its view is fresh, and the database has not gone back.
    pub fn is_ready(&self) -> bool {
        self.node.is_fresh()
    }

    /// Learns now what has changed, without waiting for the next poll.
    pub async fn refresh(&self) -> Result<()> {
        Ok(self.node.refresh().await?)
    }

    /// The database's time, as far as this process can tell.
    pub fn now(&self) -> UnixMs {
        self.node.view().now(&self.clock)
    }

    /// What this installation is called from outside.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How long a node may answer without hearing from the database, in milliseconds.
    pub fn lease_ms(&self) -> i64 {
        self.node.view().state.lease_ms
    }

    /// The master keys that this process holds.
    pub fn master_keys(&self) -> &MasterKeys {
        &self.masters
    }

    /// The random source it was opened with.
    pub fn random(&self) -> &Random {
        &self.random
    }

    /// The database, for `auth`, `notify` and `doctor`.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Every public key that still verifies, newest first.
    pub async fn jwks(&self) -> Result<Vec<Jwk>> {
        let mut tx = self.db.read().await?;
        Ok(keys::list(&mut tx)
            .await?
            .iter()
            .filter_map(jwk::jwk)
            .collect())
    }

    /// Every signing key and what became of it, newest first.
    pub async fn keys(&self) -> Result<Vec<keys::SigningKey>> {
        let mut tx = self.db.read().await?;
        Ok(keys::list(&mut tx).await?)
    }

    /// The last lines of the audit, newest first; of one subject, or of all.
    pub async fn audit(&self, subject: Option<&str>, limit: i64) -> Result<Vec<audit::Entry>> {
        let mut tx = self.db.read().await?;
        Ok(audit::list(&mut tx, subject, limit).await?)
    }

    /// The audit before the line `before`, newest first, at most `limit` lines.
    pub async fn audit_page(
        &self,
        _by: &impl Steers,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<audit::Entry>> {
        let mut tx = self.db.read().await?;
        Ok(audit::page(&mut tx, before, limit).await?)
    }

    /// The last lines about an account and all that is its.
    pub async fn audit_of_account(
        &self,
        _by: &impl Steers,
        account: &AccountId,
        limit: i64,
    ) -> Result<Vec<audit::Entry>> {
        let mut tx = self.db.read().await?;
        Ok(audit::of_account(&mut tx, account, limit).await?)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("db", &self.db)
            .finish_non_exhaustive()
    }
}

/// Writes a line of the audit in the transaction of the deed.
pub(super) async fn note(
    tx: &mut Tx,
    random: &Random,
    by: &str,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), StoreError> {
    let id = format!("aud_{}", crate::model::sortable(tx.state().now, random));
    audit::note(tx, &id, by, action, subject, &detail.to_string()).await
}

/// Whoever acts, as the audit names them; for moving into a transaction.
pub(super) fn actor(by: &impl Acts) -> String {
    by.actor()
}

/// How the audit names a user who has shown who they are, and is not signed in yet.
pub(super) fn actor_of(user: &User) -> String {
    let role = user.account_id.as_ref().map_or("admin", |_| "member");
    format!("{role} {}", user.email)
}

async fn make_first_key(db: &Db, masters: &MasterKeys, random: &Random) -> Result<()> {
    let mut tx = db.read().await?;
    if state::load(&mut tx).await?.newest >= Generation::FIRST {
        return Ok(());
    }
    drop(tx);
    let (masters, random) = (masters.clone(), random.clone());
    db.write(Lock::Exclusive, move |tx| {
        async move {
            if tx.state().newest >= Generation::FIRST {
                return Ok(());
            }
            publish_key(tx, Generation::FIRST, &masters, &random).await?;
            keys::activate(tx, Generation::FIRST).await?;
            state::step(
                tx,
                Step {
                    current: Generation::FIRST,
                    newest: Generation::FIRST,
                    target: None,
                    rotation_id: None,
                },
            )
            .await?;
            note(
                tx,
                &random,
                "rollcall",
                "key.first",
                "",
                serde_json::json!({ "generation": 1 }),
            )
            .await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Generates the key of a generation and publishes it; it does not sign yet.
pub(super) async fn publish_key(
    tx: &mut Tx,
    generation: Generation,
    masters: &MasterKeys,
    random: &Random,
) -> Result<()> {
    let master = masters.sealing(tx).await?;
    let key = keyring::generate(generation, &master, random);
    Ok(keys::publish(
        tx,
        &NewKey {
            kid: &key.kid,
            generation,
            algorithm: keyring::ALGORITHM,
            public_key: &key.public,
            sealed: &key.sealed,
            sealed_by: &key.sealed_by,
        },
    )
    .await?)
}
