//! What a member is told of a token of their own account, by its digest alone.

use super::decide::{Facts, Signature, Verdict, decide};
use super::engine::Engine;
use super::error::{Result, RotationError};
use super::overview::{self, Moment};
use crate::model::{Digest, Member};
use crate::store::accounts::{self, Integration};
use crate::store::tokens::{self, Key, Token};

/// A token of the asker's account, and whether it would pass.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The verdict, without any effect on the token.
    pub verdict: Verdict,
    /// The registry's row.
    pub token: Token,
    /// Its integration, which may be archived.
    pub integration: Integration,
    /// The token that took its place.
    pub successor: Option<Token>,
    /// The rotation now.
    pub moment: Moment,
}

impl Engine {
    /// Says what a token is and whether it would pass, by its digest, without touching it. `None` for
    /// one that was never issued and for one of another account alike.
    ///
    /// The signature is not looked at: a row found by the digest of the whole token is the row of
    /// exactly the token that was issued.
    pub async fn diagnose(&self, by: &Member, digest: &Digest) -> Result<Option<Diagnosis>> {
        let mut tx = self.db.read().await?;
        let moment = overview::moment(&mut tx).await?;
        let found = tokens::find(&mut tx, Key::Digest(digest)).await?;
        let Some(found) = found.filter(|found| found.token.account_id == *by.account()) else {
            return Ok(None);
        };
        let token = found.token;
        let verdict = decide(&Facts {
            stage: moment.stage,
            now: moment.now,
            token: Some(&token),
            account_disabled: found.account_disabled_at.is_some(),
            signature: Signature::NoKey,
            foreign: None,
        });
        let live = accounts::integration(&mut tx, &token.integration_id).await?;
        let integration = match live {
            Some(live) => live,
            None => accounts::archived_integration(&mut tx, &token.integration_id)
                .await?
                .ok_or(RotationError::NotFound("integration"))?,
        };
        let successor = match &token.replaced_by {
            Some(id) => tokens::find(&mut tx, Key::Id(id)).await?,
            None => None,
        };
        Ok(Some(Diagnosis {
            verdict,
            token,
            integration,
            successor: successor.map(|found| found.token),
            moment,
        }))
    }
}
