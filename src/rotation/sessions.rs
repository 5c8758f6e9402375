use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, note};
use super::error::Result;
use super::outbox;
use super::verify::{Caller, Cutover};
use crate::model::{Acts, DAY_MS, Digest, HOUR_MS, Letter, SessionId, UserId, device};
use crate::store::captures::{self, NewCapture};
use crate::store::sessions::{self, Session, Which};
use crate::store::{Lock, StoreError, Tx, keys, rotations, state, users};

/// How long a session lives without being used, in milliseconds.
pub const IDLE_MS: i64 = 7 * DAY_MS;
/// How long a session lives whatever happens, in milliseconds.
pub const ABSOLUTE_MS: i64 = 30 * DAY_MS;
/// A last use younger than this is not written again, in milliseconds.
const TOUCH_EVERY_MS: i64 = HOUR_MS / 60;

/// What became of a session.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It lives.
    Live(Box<Session>),
    /// A cutover ended it: nothing was wrong with it but that it was not seen in time.
    EndedByCutover(Cutover),
    /// It expired, was ended, or never was.
    Gone,
}

/// Whether a session begins with a browser or from an address that none of the user's had before, as
/// far as sessions are remembered. Their very first is not: they have just been let in.
async fn is_new_way(tx: &mut Tx, session: &Session) -> Result<bool, StoreError> {
    let ways = sessions::ways(tx, &session.user_id).await?;
    let here = device(session.agent.as_deref());
    let knows_device = ways.iter().any(|way| device(way.agent.as_deref()) == here);
    let knows_source = ways.iter().any(|way| way.source == session.source);
    let is_first = ways.is_empty();
    let is_known = knows_device && knows_source;
    Ok(!is_first && !is_known)
}

impl Engine {
    /// Begins a session for a user; false when the digest is taken and another id must be drawn.
    /// It belongs to the generation of the key that signs, as a token issued now would.
    pub async fn begin_session(
        &self,
        user: UserId,
        digest: Digest,
        data: String,
        caller: Caller,
    ) -> Result<bool> {
        self.trust_database()?;
        let random = self.random.clone();
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let now = tx.state().now;
                    let generation = match keys::signing(tx).await? {
                        Some(key) => key.generation,
                        None => tx.state().current,
                    };
                    let session = Session {
                        id: SessionId::generate(now, &random),
                        digest,
                        user_id: user,
                        generation,
                        data,
                        created_at: now,
                        seen_at: now,
                        idle_until: now.plus(IDLE_MS),
                        expires_at: now.plus(ABSOLUTE_MS),
                        ended_at: None,
                        ended_by: None,
                        source: caller.source,
                        agent: caller.agent,
                    };
                    let is_new = is_new_way(tx, &session).await?;
                    let begun = sessions::insert(tx, &session).await?;
                    if begun && is_new {
                        let letter = Letter::SignedIn {
                            device: device(session.agent.as_deref()),
                            source: session.source,
                        };
                        outbox::order(tx, &random, &session.user_id, &letter).await?;
                    }
                    Ok(begun)
                }
                .boxed()
            })
            .await?)
    }

    /// What became of a session. Reads only.
    pub async fn session(&self, digest: &Digest) -> Result<Fate> {
        self.trust_database()?;
        let mut tx = self.db.read().await?;
        let state = state::load(&mut tx).await?;
        let Some(session) = sessions::find(&mut tx, digest).await? else {
            return Ok(Fate::Gone);
        };
        if session.ended_at.is_some()
            || session.expires_at <= state.now
            || session.idle_until <= state.now
        {
            return Ok(Fate::Gone);
        }
        if session.generation < state.current {
            let cutover = rotations::last_cutover(&mut tx).await?;
            return Ok(cutover.map_or(Fate::Gone, |(rotation, at)| {
                Fate::EndedByCutover(Cutover { rotation, at })
            }));
        }
        Ok(Fate::Live(Box::new(session)))
    }

    /// Notes that a session was used. While recording, one that is not carried over yet is captured,
    /// and this returns when that is on disk.
    ///
    /// # Errors
    /// When it could not be written: the request must not be answered as signed in.
    pub async fn use_session(&self, session: &Session, caller: &Caller) -> Result<()> {
        let view = self.node.view();
        let now = view.now(&self.clock);
        let settled =
            view.is_fresh(&self.clock) && session.generation >= view.state.stage().required();
        if settled && now.since(session.seen_at) < TOUCH_EVERY_MS {
            return Ok(());
        }
        let (session, caller) = (session.clone(), caller.clone());
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let state = tx.state().clone();
                    let idle_until = state.now.plus(IDLE_MS).min(session.expires_at);
                    let captured = sessions::touch(tx, &session, idle_until, state.target).await?;
                    if captured && let Some(rotation) = &state.rotation_id {
                        let evidence = NewCapture {
                            subject: session.id.to_string(),
                            how: "use",
                            requests: 1,
                            source: caller.source,
                            agent: caller.agent,
                        };
                        captures::insert(tx, rotation, &[evidence]).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await?)
    }

    /// Changes what a live session holds; one that has ended stays ended.
    pub async fn save_session(&self, digest: Digest, data: String) -> Result<()> {
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move { sessions::save(tx, &digest, &data).await }.boxed()
            })
            .await?)
    }

    /// Ends one session: its browser signed out.
    pub async fn end_session(&self, digest: Digest) -> Result<()> {
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    sessions::end(tx, Which::Digest(&digest), "signed out")
                        .await
                        .map(drop)
                }
                .boxed()
            })
            .await?)
    }

    /// Ends one session of a user by its public id; false when there was none.
    pub async fn end_session_of(
        &self,
        by: &impl Acts,
        user: &UserId,
        id: &SessionId,
    ) -> Result<bool> {
        let (actor, user, id, random) = (by.actor(), user.clone(), id.clone(), self.random.clone());
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let ended =
                        sessions::end(tx, Which::Id(&id, &user), "ended on the activity page")
                            .await?;
                    if ended > 0 {
                        note(tx, &random, &actor, "session.end", id.as_str(), json!({})).await?;
                    }
                    Ok(ended > 0)
                }
                .boxed()
            })
            .await?)
    }

    /// Ends every session of a user but the one named; gives how many.
    pub async fn end_other_sessions(
        &self,
        by: &impl Acts,
        user: &UserId,
        but: Option<Digest>,
    ) -> Result<u64> {
        let (actor, user, random) = (by.actor(), user.clone(), self.random.clone());
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let which = Which::OthersOf(&user, but.as_ref());
                    let ended = sessions::end(tx, which, "signed out everywhere else").await?;
                    note(
                        tx,
                        &random,
                        &actor,
                        "session.end-others",
                        user.as_str(),
                        json!({ "ended": ended }),
                    )
                    .await?;
                    Ok(ended)
                }
                .boxed()
            })
            .await?)
    }

    /// The live sessions of a user, last used first.
    pub async fn sessions_of(&self, user: &UserId) -> Result<Vec<Session>> {
        let mut tx = self.db.read().await?;
        let state = state::load(&mut tx).await?;
        let mut sessions = sessions::of_user(&mut tx, user).await?;
        sessions.retain(|session| {
            session.generation >= state.current
                && session.expires_at > state.now
                && session.idle_until > state.now
        });
        Ok(sessions)
    }

    /// A user by id, for whoever holds a live session of theirs.
    pub async fn user(&self, id: &UserId) -> Result<Option<users::User>> {
        let mut tx = self.db.read().await?;
        Ok(users::find(&mut tx, id).await?)
    }
}
