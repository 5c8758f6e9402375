use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use super::registry::{self, MOST_LIVE_TOKENS};
use crate::model::{Acts, HOUR_MS, Member, Retirement, TokenId, UnixMs};
use crate::store::Lock;
use crate::store::state::{self, Change};
use crate::store::tokens::{self, Restored, Token, TokenWithAccount};

/// How long a revocation made on the dashboard can be undone, in milliseconds.
pub const UNDO_MS: i64 = HOUR_MS;

/// How long a revocation by `by` can be undone, in milliseconds: a customer's on the dashboard may be a
/// wrong click. What a command, an admin or a policy ends stays ended.
pub(super) fn undo_for(by: &impl Acts) -> Option<i64> {
    by.is_customer().then_some(UNDO_MS)
}

/// Whether a page may offer to undo the revocation of this token; [`Engine::undo_revocation`] has the
/// last word.
pub fn may_be_undone(token: &Token, now: UnixMs) -> bool {
    token.revoked_at.is_some() && refusal(token, None, now).is_none()
}

/// Why the revocation of a token stands, if it does; `end` is what its successors have made of it.
fn refusal(token: &Token, end: Option<UnixMs>, now: UnixMs) -> Option<Rule> {
    let over = |end: Option<UnixMs>| end.is_some_and(|end| end <= now);
    if token.undo_until.is_none_or(|until| until <= now) {
        Some(Rule::UndoOver)
    } else if over(end) || over(token.ends_at) {
        Some(Rule::UndoReplaced)
    } else if over(token.expires_at) {
        Some(Rule::UndoExpired)
    } else {
        None
    }
}

/// What the tokens issued after this one would have made of it by now, had it not been revoked: which
/// of them ends it first, and when. Whoever chose the end of the old token chose it for this one too.
fn successor(token: &Token, all: &[Token]) -> Option<(TokenId, UnixMs)> {
    all.iter()
        .filter(|other| other.id != token.id && other.issued_at >= token.issued_at)
        .filter_map(|other| {
            let end = match Retirement::parse(&other.retires, other.overlap_ms).ok()? {
                Retirement::AtOnce => other.issued_at,
                Retirement::AfterFirstUse { overlap } => other.first_used_at?.plus(overlap),
                Retirement::Keep => return None,
            };
            Some((other.id.clone(), end))
        })
        .filter(|(_, end)| token.ends_at.is_none_or(|known| *end < known))
        .min_by_key(|(_, end)| *end)
}

impl Engine {
    /// Undoes the revocation of a token that its own account revoked on the dashboard within the last
    /// [`UNDO_MS`]; `false` when it is not revoked. The token stands as if it had not been revoked: its
    /// expiry and the end that a newer token set for it count, and what is dormant stays dormant.
    /// Returns when every node knows.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] for a token that is not the asker's, or whose integration is gone;
    /// [`Rule::UndoOver`], [`Rule::UndoReplaced`], [`Rule::UndoExpired`], [`Rule::AccountDisabled`] and
    /// [`Rule::TooManyTokens`] where it stays revoked.
    pub async fn undo_revocation(&self, by: &Member, id: &TokenId) -> Result<bool> {
        let confined = by.confined_to().cloned();
        let (by, id, random) = (actor(by), id.clone(), self.random.clone());
        // Exclusive: a token that is issued or first used at this moment would not see the one that
        // comes back, and would leave it alive.
        let version = self
            .db
            .write(Lock::Exclusive, move |tx| {
                async move {
                    let found = registry::find(tx, &id, confined.as_ref()).await?;
                    let TokenWithAccount {
                        token,
                        account_disabled_at,
                    } = found;
                    registry::integration(tx, &token.integration_id, confined.as_ref()).await?;
                    if account_disabled_at.is_some() {
                        return Err(RotationError::from(Rule::AccountDisabled));
                    }
                    let Some(revoked_at) = token.revoked_at else {
                        return Ok(None);
                    };
                    let all = tokens::of_integration(tx, &token.integration_id).await?;
                    let successor = successor(&token, &all);
                    let end = successor.as_ref().map(|(_, end)| *end);
                    if let Some(rule) = refusal(&token, end, tx.state().now) {
                        return Err(rule.into());
                    }
                    if tokens::count_live(tx, &token.integration_id).await? >= MOST_LIVE_TOKENS {
                        return Err(Rule::TooManyTokens(MOST_LIVE_TOKENS).into());
                    }
                    let restored = Restored {
                        revoked_at,
                        successor,
                    };
                    if !tokens::restore(tx, &id, &restored).await? {
                        return Err(Rule::UndoOver.into());
                    }
                    let detail =
                        json!({ "revoked_at": revoked_at, "revoked_by": token.revoked_by });
                    note(tx, &random, &by, "token.undo-revoke", id.as_str(), detail).await?;
                    Ok(Some(
                        state::publish(tx, &[Change::Token(token.digest)]).await?,
                    ))
                }
                .boxed()
            })
            .await?;
        let Some(version) = version else {
            return Ok(false);
        };
        self.node.settle(version).await?;
        Ok(true)
    }
}
