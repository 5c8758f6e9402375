use super::engine::Engine;
use super::error::{Result, RotationError};
use super::registry::{self, Shown, shown};
use crate::model::{Acts, IntegrationId, TokenId, UnixMs};
use crate::store::accounts::Integration;
use crate::store::state;
use crate::store::tokens::{self, Token};

/// What is known of a new token's way into its owner's code.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its integration.
    pub integration: Integration,
    /// The new token as it stands.
    pub token: Shown,
    /// An older token of the integration that was refused since the new one was issued: the code
    /// still sends that one.
    pub stray: Option<Token>,
    /// The database's time.
    pub now: UnixMs,
}

impl Arrival {
    /// The arrival of one of an integration's tokens; `None` when it is not among them.
    pub fn of(
        integration: &Integration,
        tokens: &[Shown],
        id: &TokenId,
        now: UnixMs,
    ) -> Option<Self> {
        let token = tokens.iter().find(|token| token.row.id == *id)?;
        let stray = tokens
            .iter()
            .map(|other| &other.row)
            .filter(|other| other.id != *id && other.last_refused_at >= Some(token.row.issued_at))
            .max_by_key(|other| other.last_refused_at);
        Some(Self {
            integration: integration.clone(),
            token: token.clone(),
            stray: stray.cloned(),
            now,
        })
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
        Arrival::of(&integration, &tokens, token, state.now).ok_or(RotationError::NotFound("token"))
    }
}
