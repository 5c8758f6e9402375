use super::engine::Engine;
use super::error::{Result, RotationError};
use super::registry::{self, Shown, shown};
use crate::model::{Acts, IntegrationId, TokenId, TokenState, UnixMs};
use crate::store::accounts::Integration;
use crate::store::callers::{self, TokenCaller};
use crate::store::state;
use crate::store::tokens::{self, Token};

/// What is known of a new token's way into its owner's code.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its integration.
    pub integration: Integration,
    /// The new token as it stands.
    pub token: Shown,
    /// Who calls with it, heard last first.
    pub callers: Vec<TokenCaller>,
    /// An older token of the integration that was refused since the new one was issued: the code
    /// still sends that one.
    pub stray: Option<Stray>,
    /// The older tokens that still work and have been used, newest first.
    pub old: Vec<Old>,
    /// The database's time.
    pub now: UnixMs,
}

/// An older token that is refused since a new one was issued.
#[derive(Clone, Debug)]
pub struct Stray {
    /// The token.
    pub row: Token,
    /// Who has sent it since, heard last first.
    pub callers: Vec<TokenCaller>,
}

/// How long an old token makes no request before it counts as silent, in milliseconds.
pub const SILENT_AFTER_MS: i64 = 10 * 60_000;

/// An older token that still works, while the new one takes its place.
#[derive(Clone, Debug)]
pub struct Old {
    /// The token.
    pub row: Token,
    /// Who calls with it, heard last first; once it should fall silent, who has not changed over.
    pub callers: Vec<TokenCaller>,
    /// Whether it is still heard of.
    pub voice: Voice,
}

/// Whether an old token is still heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The new token has made no request: nothing can be said yet.
    Early,
    /// It made a request after the new one's first.
    Speaking,
    /// It has made none since, for less than [`SILENT_AFTER_MS`].
    Pausing,
    /// Both have been in use and it has made no request for [`SILENT_AFTER_MS`].
    Silent,
}

impl Old {
    fn new(row: &Token, new: &Token, callers: &[TokenCaller], now: UnixMs) -> Self {
        let voice = voice(row, new, now);
        let since = new.first_used_at.filter(|_| voice == Voice::Speaking);
        Self {
            callers: of(row, callers, |caller| {
                caller.used_at.is_some() && caller.used_at > since
            }),
            row: row.clone(),
            voice,
        }
    }
}

/// The callers of one token that are asked for.
fn of(
    token: &Token,
    callers: &[TokenCaller],
    wanted: impl Fn(&TokenCaller) -> bool,
) -> Vec<TokenCaller> {
    let its = |caller: &&TokenCaller| caller.token_id == token.id && wanted(caller);
    callers.iter().filter(its).cloned().collect()
}

fn voice(old: &Token, new: &Token, now: UnixMs) -> Voice {
    let Some(first) = new.first_used_at else {
        return Voice::Early;
    };
    let last = old.last_used_at.unwrap_or(first);
    if now.since(last.max(first)) >= SILENT_AFTER_MS {
        Voice::Silent
    } else if last > first {
        Voice::Speaking
    } else {
        Voice::Pausing
    }
}

impl Arrival {
    /// The arrival of one of an integration's tokens; `None` when it is not among them.
    pub fn of(
        integration: &Integration,
        tokens: &[Shown],
        callers: &[TokenCaller],
        id: &TokenId,
        now: UnixMs,
    ) -> Option<Self> {
        let token = tokens.iter().find(|token| token.row.id == *id)?.clone();
        Some(Self::new(integration.clone(), token, tokens, callers, now))
    }

    /// The arrival of a token beside the others of its integration.
    pub fn new(
        integration: Integration,
        token: Shown,
        others: &[Shown],
        callers: &[TokenCaller],
        now: UnixMs,
    ) -> Self {
        let id = &token.row.id;
        let stray = others
            .iter()
            .map(|other| &other.row)
            .filter(|other| other.id != *id && other.last_refused_at >= Some(token.row.issued_at))
            .max_by_key(|other| other.last_refused_at)
            .map(|row| Stray {
                row: row.clone(),
                callers: of(row, callers, |caller| {
                    caller.refused_at >= Some(token.row.issued_at)
                }),
            });
        let old = others
            .iter()
            .filter(|other| other.row.id != *id && other.row.issued_at <= token.row.issued_at)
            .filter(|other| other.state == TokenState::Active && other.row.last_used_at.is_some())
            .map(|other| Old::new(&other.row, &token.row, callers, now))
            .collect();
        Self {
            callers: of(&token.row, callers, |caller| caller.used_at.is_some()),
            integration,
            token,
            stray,
            old,
            now,
        }
    }

    /// Whether an old token that works is still heard of, or may be.
    pub fn is_handing_over(&self) -> bool {
        self.old.iter().any(|old| old.voice != Voice::Silent)
    }
}

impl Engine {
    /// Whether a new token has made its first request, for a page that waits for it.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when the token is not of this integration, or not the asker's.
    pub async fn arrival(
        &self,
        by: &impl Acts,
        integration: &IntegrationId,
        token: &TokenId,
    ) -> Result<Arrival> {
        let mut tx = self.db.read().await?;
        let state = state::load(&mut tx).await?;
        let integration = registry::integration(&mut tx, integration, by.confined_to()).await?;
        let tokens: Vec<Shown> = tokens::of_integration(&mut tx, &integration.id)
            .await?
            .into_iter()
            .map(|row| shown(row, state.stage(), state.now))
            .collect();
        let callers = callers::of_integration(&mut tx, &integration.id).await?;
        Arrival::of(&integration, &tokens, &callers, token, state.now)
            .ok_or(RotationError::NotFound("token"))
    }
}
