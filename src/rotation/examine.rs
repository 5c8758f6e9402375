//! Everything a verdict depends on, read of one state of the database.

use super::decide::{self, Facts, Foreign, Signature};
use super::elsewhere::{self, Claims};
use super::master::MasterKeys;
use crate::model::{AccountId, Digest, IntegrationId, TokenId};
use crate::store::held::NewHeld;
use crate::store::state::State;
use crate::store::tokens::{self, Key, TokenWithAccount};
use crate::store::{StoreError, Tx, accounts, held, ledger, state};

/// What was found out about a token.
pub struct Examined {
    /// The state it was judged in.
    pub state: State,
    /// The registry's row.
    pub row: Option<TokenWithAccount>,
    /// Where there is none and an imported key made it.
    pub stranger: Option<Stranger>,
    /// The key that it names, or that was found to have made it.
    kid: Option<String>,
    signature: Signature,
}

/// A token issued elsewhere that has no row.
#[derive(Debug)]
pub struct Stranger {
    /// What the list of held tokens keeps of it.
    pub token: NewHeld,
    /// The account that its claims are found to name.
    pub account: Option<AccountId>,
    /// The integration that its claims are found to name.
    pub integration: Option<IntegrationId>,
    account_disabled: bool,
    foreign: Foreign,
}

impl Examined {
    /// The key of ours that signed it, when it is a forgery.
    pub fn forged(&self) -> Option<String> {
        self.kid
            .clone()
            .filter(|_| decide::is_forgery(&self.facts()))
    }

    /// What the verdict is made from.
    pub fn facts(&self) -> Facts<'_> {
        let stranger = self.stranger.as_ref();
        let row = self.row.as_ref();
        Facts {
            stage: self.state.stage(),
            now: self.state.now,
            token: row.map(|row| &row.token),
            account_disabled: row.is_some_and(|row| row.account_disabled_at.is_some())
                || stranger.is_some_and(|stranger| stranger.account_disabled),
            signature: self.signature,
            foreign: stranger.map(|stranger| stranger.foreign),
        }
    }
}

/// Looks a well-formed token up and checks its signature.
pub async fn examine(
    tx: &mut Tx,
    text: &str,
    digest: &Digest,
    masters: &MasterKeys,
) -> Result<Examined, StoreError> {
    let state = state::load(tx).await?;
    let mut row = tokens::find(tx, Key::Digest(digest)).await?;
    let (signature, key) = elsewhere::signature(tx, text, masters).await?;
    // The same token with its other signature is the same token: what was revoked stays so.
    let twin = match (&row, signature, &key) {
        (None, Signature::Elsewhere, Some(key)) => elsewhere::twin(text, key),
        _ => None,
    };
    if let Some(twin) = &twin {
        row = tokens::find(tx, Key::Digest(twin)).await?;
    }
    if let Some(found) = &mut row
        && found.token.expires_at.is_none()
    {
        // A ledger of digests need not say when its tokens end: they say it themselves.
        found.token.expires_at = Claims::expiry(text);
    }
    let stranger = match (&row, signature, &key) {
        (None, Signature::Elsewhere, Some(key)) => match Claims::of(text, key) {
            Some(claims) => {
                let digests = (digest, twin.as_ref());
                Some(stranger(tx, text, digests, claims, key).await?)
            }
            None => None,
        },
        _ => None,
    };
    Ok(Examined {
        state,
        row,
        stranger,
        kid: key.map(|key| key.kid),
        signature,
    })
}

/// Reads what is known of a token without a row: an admin's refusal, and whom its claims name.
async fn stranger(
    tx: &mut Tx,
    text: &str,
    (digest, twin): (&Digest, Option<&Digest>),
    claims: Claims,
    key: &crate::store::keys::SigningKey,
) -> Result<Stranger, StoreError> {
    let id = TokenId::of_digest(digest);
    let mut refused = held::is_refused(tx, &id).await?.unwrap_or(false);
    if let Some(twin) = twin {
        let twin = TokenId::of_digest(twin);
        refused |= held::is_refused(tx, &twin).await?.unwrap_or(false);
    }
    let account = match &claims.account {
        Some(named) => accounts::find(tx, named).await?,
        None => None,
    };
    let integration = match (&account, &claims.integration) {
        (Some(account), Some(named)) => ledger::integration(tx, &account.id, named).await?,
        _ => None,
    };
    Ok(Stranger {
        foreign: Foreign {
            generation: key.generation,
            starts_at: claims.starts_at,
            expires_at: claims.expires_at,
            refused,
        },
        account_disabled: account
            .as_ref()
            .is_some_and(|account| account.disabled_at.is_some()),
        account: account.map(|account| account.id),
        integration,
        token: NewHeld {
            id,
            digest: *digest,
            kid: key.kid.clone(),
            hint: text
                .get(text.len().saturating_sub(4)..)
                .unwrap_or_default()
                .to_owned(),
            account: claims.account,
            integration: claims.integration,
            issuer: claims.issuer,
            subject: claims.subject,
            audience: claims.audience,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        },
    })
}
