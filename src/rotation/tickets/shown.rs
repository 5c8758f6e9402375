use super::super::engine::Engine;
use super::super::error::Result;
use super::super::registry::{Shown, shown};
use super::find;
use crate::model::{AccountId, Acts, DAY_MS, TicketId, TicketState, TokenState, UnixMs};
use crate::store::tickets::{self, Count, Entry, Ticket};
use crate::store::tokens::{self, Key};
use crate::store::{Tx, state};

/// How many first answers tell how long one takes, and how few tell nothing.
const ANSWERS: (i64, usize) = (20, 3);
/// How old a first answer may be to tell anything, in milliseconds.
const ANSWERS_MS: i64 = 90 * DAY_MS;

/// How long support takes, as far as the last answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Of so many questions …
    pub questions: usize,
    /// … half were answered within this time, in milliseconds.
    pub half_within_ms: i64,
}

/// A ticket with all that was done in it.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The ticket.
    pub ticket: Ticket,
    /// What was done in it, the oldest first.
    pub entries: Vec<Entry>,
    /// The account's tokens that stood in it, as they stand now.
    pub tokens: Vec<Shown>,
    /// How long support takes.
    pub outlook: Option<Outlook>,
    /// The database's time.
    pub now: UnixMs,
}

impl Thread {
    /// The tokens that stood in it and that nothing but a cutover has ended.
    pub fn live_tokens(&self) -> impl Iterator<Item = &Shown> {
        let is_live =
            |token: &&Shown| matches!(token.state, TokenState::Active | TokenState::Dormant);
        self.tokens.iter().filter(is_live)
    }
}

/// Tickets as a list.
#[derive(Clone, Debug)]
pub struct TicketList {
    /// The tickets, those that wait for support first.
    pub tickets: Vec<Ticket>,
    /// How many stand where.
    pub counts: Vec<Count>,
    /// The database's time.
    pub now: UnixMs,
}

impl TicketList {
    /// How many tickets stand in a state.
    pub fn count(&self, state: TicketState) -> i64 {
        let of = self.counts.iter().find(|count| count.state == state);
        of.map_or(0, |count| count.tickets)
    }

    /// Since when the first of them waits for support.
    pub fn waiting_since(&self) -> Option<UnixMs> {
        let waiting = self.counts.iter().filter_map(|count| count.waiting_since);
        waiting.min()
    }
}

impl Engine {
    /// A ticket with all that was done in it, if it is the asker's.
    pub async fn ticket(&self, by: &impl Acts, id: &TicketId) -> Result<Thread> {
        let mut tx = self.db.read().await?;
        let state = state::load(&mut tx).await?;
        let ticket = find(&mut tx, id, by.confined_to()).await?;
        let entries = tickets::entries(&mut tx, id).await?;
        let mut tokens = Vec::new();
        for token in tickets::tokens(&mut tx, id).await? {
            if let Some(found) = tokens::find(&mut tx, Key::Id(&token)).await? {
                tokens.push(shown(found.token, state.stage(), state.now));
            }
        }
        Ok(Thread {
            ticket,
            entries,
            tokens,
            outlook: outlook(&mut tx, state.now).await?,
            now: state.now,
        })
    }

    /// The tickets of the asker's account; for an admin those of every account, or of one.
    pub async fn tickets(
        &self,
        by: &impl Acts,
        account: Option<&AccountId>,
        state: Option<TicketState>,
        offset: i64,
        limit: i64,
    ) -> Result<TicketList> {
        let account = by.confined_to().or(account);
        let mut tx = self.db.read().await?;
        Ok(TicketList {
            tickets: tickets::list(&mut tx, account, state, offset, limit).await?,
            counts: tickets::counts(&mut tx, account).await?,
            now: tx.now().await?,
        })
    }

    /// How long support takes; `None` while too few questions were answered to tell.
    pub async fn support_outlook(&self) -> Result<Option<Outlook>> {
        let mut tx = self.db.read().await?;
        let now = tx.now().await?;
        outlook(&mut tx, now).await
    }
}

async fn outlook(tx: &mut Tx, now: UnixMs) -> Result<Option<Outlook>> {
    let (most, fewest) = ANSWERS;
    let mut took = tickets::first_answers(tx, now.plus(-ANSWERS_MS), most).await?;
    if took.len() < fewest {
        return Ok(None);
    }
    took.sort_unstable();
    // Of an even number the longer of the two in the middle: at least half were answered within it.
    let half_within_ms = took[took.len() / 2];
    Ok(Some(Outlook {
        questions: took.len(),
        half_within_ms,
    }))
}
