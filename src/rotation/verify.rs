use std::time::Duration;

use super::decide::{self, Needs, Verdict};
use super::engine::Engine;
use super::examine::{Stranger, examine};
use super::index::Entry;
use super::keyring;
use super::recorder::Written;
use crate::model::{AccountId, Digest, IntegrationId, Reason, Standing, TokenId, UnixMs};
use crate::store::state;
use crate::store::tokens::Token;
use crate::store::{StoreError, rotations};

/// How long a request waits for the database before it is told to try again.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// Who made a request, as far as the gateway tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The address it came from.
    pub source: Option<String>,
    /// What it said it was: the start of its `User-Agent`.
    pub agent: Option<String>,
}

/// What a request with a token is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It may pass.
    Accepted(Accepted),
    /// It may not.
    Refused(Refusal),
    /// The truth, or the capture, could not be reached: 503, never a guess (invariant I8).
    Unavailable,
}

/// A token that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The token's public id.
    pub token: TokenId,
    /// Its integration; unknown of a held token whose claims name none of ours.
    pub integration: Option<IntegrationId>,
    /// Its account; unknown likewise.
    pub account: Option<AccountId>,
    /// Where it stands.
    pub standing: Standing,
    /// While recording: whether it is captured.
    pub receipt: Option<Receipt>,
}

/// What a request is told of its capture while recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// This request did it, and it is on disk.
    Recorded,
    /// It was captured before.
    Already,
    /// Signed by the new key: safe from birth.
    NewKey,
    /// Issued elsewhere and not registered: it stops at the cutover unless an admin approves it.
    Held,
}

impl Receipt {
    /// The value of the header `Rollcall-Capture`.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Already => "already",
            Self::NewKey => "new-key",
            Self::Held => "held",
        }
    }
}

/// A token that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Which token it was, when it was one of ours.
    pub token: Option<TokenId>,
    /// What `/fix?ref=` names, when it was one of ours.
    pub fix_ref: Option<String>,
    /// The cutover that made it dormant.
    pub cutover: Option<Cutover>,
}

/// The cutover a dormant token missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutover {
    /// The rotation's name.
    pub rotation: String,
    /// When it was finalised.
    pub at: UnixMs,
}

impl Refusal {
    fn plain(reason: Reason) -> Self {
        Self {
            reason,
            token: None,
            fix_ref: None,
            cutover: None,
        }
    }
}

/// What was read about a token in one transaction, and the verdict on it.
struct Judged {
    verdict: Verdict,
    token: Option<Token>,
    stranger: Option<Stranger>,
    state: state::State,
    /// The key that signed it, when it is a forgery.
    forged: Option<String>,
    cutover: Option<Cutover>,
}

impl Engine {
    /// Judges the token of a request, and captures it before it is answered when it is due.
    ///
    /// A token that is known, settled and used costs a look into memory; anything else is read
    /// from the database, and what must be on disk is awaited.
    pub async fn verify(&self, token: &str, caller: &Caller) -> Answer {
        if !keyring::is_well_formed(token) {
            return Answer::Refused(Refusal::plain(Reason::Malformed));
        }
        let digest = Digest::of(token.as_bytes());
        if let Some(accepted) = self.verify_from_view(&digest, caller) {
            return Answer::Accepted(accepted);
        }
        let answer = self.verify_from_database(token, &digest, caller);
        tokio::time::timeout(ANSWER_WITHIN, answer)
            .await
            .unwrap_or(Answer::Unavailable)
    }

    async fn verify_from_database(&self, token: &str, digest: &Digest, caller: &Caller) -> Answer {
        // Between reading and writing something may change: then it is judged anew.
        for _ in 0..4 {
            let judged = match self.judge(token, digest).await {
                Ok(judged) => judged,
                Err(error) => {
                    tracing::error!(%error, source = ?std::error::Error::source(&error), "a token could not be looked up");
                    return Answer::Unavailable;
                }
            };
            if let Some(answer) = self.carry_out(judged, caller).await {
                return answer;
            }
        }
        Answer::Unavailable
    }

    /// The fast way: from memory alone, while the lease runs.
    fn verify_from_view(&self, digest: &Digest, caller: &Caller) -> Option<Accepted> {
        let view = self.node.view();
        if !view.is_fresh(&self.clock) {
            return None;
        }
        let entry = self.node.index.get(digest)?;
        let required = view.state.stage().required();
        let now = view.now(&self.clock);
        if entry.generation < required || entry.ends_at.is_some_and(|end| end <= now) {
            return None;
        }
        let accepted = Accepted {
            standing: entry.standing(required),
            receipt: view.state.target.map(|target| {
                if entry.born >= target {
                    Receipt::NewKey
                } else {
                    Receipt::Already
                }
            }),
            token: entry.token.clone(),
            integration: Some(entry.integration.clone()),
            account: Some(entry.account.clone()),
        };
        // Counted before it is known that it holds, so that a flush that follows a start has every
        // use that was answered by the state before it. In the rare case that something changes at
        // this very moment the request is judged anew, and counted once too often.
        self.recorder.count_use(&entry.token, caller, now);
        self.node.still_holds(&view).then_some(accepted)
    }

    /// Reads everything the verdict depends on in one transaction, and decides.
    async fn judge(&self, text: &str, digest: &Digest) -> Result<Judged, StoreError> {
        if self.node.went_back() {
            return Err(StoreError::WentBack);
        }
        let mut tx = self.db.read().await?;
        if !tx.is_primary().await? {
            return Err(StoreError::Schema(
                "the database is a replica, not the primary".to_owned(),
            ));
        }
        let examined = examine(&mut tx, text, digest, &self.masters).await?;
        let verdict = decide::decide(&examined.facts());
        let forged = examined.forged();
        let cutover = match verdict {
            Verdict::Refuse(Reason::NotCaptured) => rotations::last_cutover(&mut tx)
                .await?
                .map(|(rotation, at)| Cutover { rotation, at }),
            _ => None,
        };
        Ok(Judged {
            verdict,
            token: examined.row.map(|row| row.token),
            stranger: examined.stranger,
            state: examined.state,
            forged,
            cutover,
        })
    }

    /// Does what the verdict needs; `None` when it must be judged anew.
    async fn carry_out(&self, judged: Judged, caller: &Caller) -> Option<Answer> {
        let Judged {
            verdict,
            token,
            stranger,
            state,
            forged,
            cutover,
        } = judged;
        if let Some(kid) = forged {
            self.alarm.raise(&kid, caller, state.now, &self.clock);
        }
        let Some(token) = token else {
            return Some(self.answer_stranger(verdict, stranger, &state, cutover, caller));
        };
        let needs = match verdict {
            Verdict::Accept(needs) => needs,
            // Only a token without a row is held.
            Verdict::Hold => return None,
            Verdict::Refuse(reason) => {
                self.recorder
                    .count_refusal(&token.id, caller, state.now, reason);
                return Some(Answer::Refused(Refusal {
                    reason,
                    token: Some(token.id),
                    fix_ref: Some(token.fix_ref),
                    cutover,
                }));
            }
        };
        let captured = match needs {
            Needs::Nothing => {
                let entry = Entry::of(&token, token.generation);
                self.node.index.insert(token.digest, entry, state.version);
                false
            }
            Needs::FirstUse | Needs::Capture => {
                match self
                    .recorder
                    .record(token.clone(), caller.clone(), state.version)
                    .await
                {
                    Ok(Written::Captured) => true,
                    Ok(Written::FirstUse) if needs == Needs::FirstUse => false,
                    Ok(Written::FirstUse | Written::Unchanged) => return None,
                    Err(_) => return Some(Answer::Unavailable),
                }
            }
        };
        if captured {
            self.recorder
                .count_captured_use(&token.id, caller, state.now);
        } else {
            self.recorder.count_use(&token.id, caller, state.now);
        }
        let required = state.stage().required();
        Some(Answer::Accepted(Accepted {
            standing: Entry::of(&token, token.generation).standing(required),
            receipt: state.target.map(|target| match captured {
                true => Receipt::Recorded,
                false if token.born >= target => Receipt::NewKey,
                false => Receipt::Already,
            }),
            token: token.id,
            integration: Some(token.integration_id),
            account: Some(token.account_id),
        }))
    }

    /// Answers a token without a row. What an imported key made is listed for an admin, whatever the
    /// answer; nobody waits for that.
    fn answer_stranger(
        &self,
        verdict: Verdict,
        stranger: Option<Stranger>,
        state: &state::State,
        cutover: Option<Cutover>,
        caller: &Caller,
    ) -> Answer {
        let refused = |reason| {
            Answer::Refused(Refusal {
                cutover,
                ..Refusal::plain(reason)
            })
        };
        let stranger = match (verdict, stranger) {
            (Verdict::Hold, Some(stranger)) => stranger,
            (Verdict::Refuse(Reason::NotCaptured), Some(stranger)) => {
                self.sightings.see(stranger.token, caller, state.now);
                return refused(Reason::NotCaptured);
            }
            (Verdict::Refuse(reason), _) => return refused(reason),
            (Verdict::Hold | Verdict::Accept(_), _) => return refused(Reason::Unknown),
        };
        let accepted = Accepted {
            token: stranger.token.id.clone(),
            integration: stranger.integration,
            account: stranger.account,
            // It works as far as the cutover, and nothing carries it over.
            standing: match state.target {
                Some(_) => Standing::NotSeen,
                None => Standing::Working,
            },
            receipt: state.target.map(|_| Receipt::Held),
        };
        self.sightings.see(stranger.token, caller, state.now);
        Answer::Accepted(accepted)
    }
}
