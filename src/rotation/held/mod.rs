use futures_util::FutureExt as _;
use serde_json::json;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use super::placing::{Maker, Named, Places};
use crate::model::{
    AccountId, EmailAddress, IntegrationId, InvalidInput, Random, Retirement, Steers, TokenId,
    UnixMs,
};
use crate::store::captures::{self, NewCapture};
use crate::store::held::{self, Held};
use crate::store::ledger::{self, Registered};
use crate::store::state::{self, Change, State};
use crate::store::tokens::NewToken;
use crate::store::{Lock, StoreError, Tx, keys};

mod risk;
mod sightings;

pub use crate::store::held::{Held as HeldToken, Overflow, Which};
pub use risk::{Breaking, BreakingIntegration, HeldAccount, with_held};
pub use sightings::{MOST_AT_ONCE, MOST_HELD, Sightings};

/// How many are approved in one transaction by the rule.
const BATCH: i64 = 200;
/// How many of those that the rule could not approve are named.
const MOST_NAMED: usize = 200;

/// The held tokens as they stand.
#[derive(Clone, Debug)]
pub struct HeldList {
    /// A page of them, first seen first.
    pub tokens: Vec<Held>,
    /// How many wait for an admin in all.
    pub waiting: i64,
    /// What could not be listed.
    pub overflow: Option<Overflow>,
    /// The database's time.
    pub now: UnixMs,
}

/// Where an approved token is to belong; what is left out is read from its claims.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The account, by id or name.
    pub account: Option<String>,
    /// The integration, by id or name; made when the account has none of that name.
    pub integration: Option<String>,
    /// Whom to warn, of an account that is made for it.
    pub contact: Option<EmailAddress>,
}

/// A token that was approved.
#[derive(Clone, Debug)]
pub struct Approved {
    /// The token, which is an ordinary one now.
    pub token: TokenId,
    /// Its account.
    pub account: AccountId,
    /// Its integration.
    pub integration: IntegrationId,
}

/// What an approval by the rule did.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    /// How many were approved.
    pub approved: i64,
    /// How many could not be.
    pub left: i64,
    /// The first of those, and why.
    pub named: Vec<(TokenId, String)>,
}

impl Engine {
    /// Held tokens after the place `after`, at most `limit`.
    pub async fn held(
        &self,
        _by: &impl Steers,
        which: Which,
        after: Option<(UnixMs, TokenId)>,
        limit: i64,
    ) -> Result<HeldList> {
        let mut tx = self.db.read().await?;
        let now = tx.now().await?;
        let after = after.as_ref().map(|(at, id)| (*at, id));
        Ok(HeldList {
            tokens: held::list(&mut tx, which, after, None, limit).await?,
            waiting: held::count(&mut tx, now).await?,
            overflow: held::overflow(&mut tx).await?,
            now,
        })
    }

    /// One held token.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when it is not on the list: never seen, or registered since.
    pub async fn held_token(&self, _by: &impl Steers, id: &TokenId) -> Result<Held> {
        let mut tx = self.db.read().await?;
        find(&mut tx, id).await
    }

    /// Approves a held token: it becomes a registered one, and is carried over while a rotation is
    /// open. Returns when every node knows it.
    ///
    /// # Errors
    /// [`Rule::NoAccountNamed`] and [`Rule::NoAccount`] when it is not known whose it is;
    /// [`Rule::HeldExpired`]; [`Rule::AccountDisabled`]; [`Rule::TooManyTokens`].
    pub async fn approve_held(
        &self,
        by: &impl Steers,
        id: &TokenId,
        choice: Choice,
    ) -> Result<Approved> {
        let (id, maker) = (id.clone(), self.maker(by));
        let (approved, version) = self
            .db
            .write(Lock::Shared, move |tx| {
                async move {
                    let token = find(tx, &id).await?;
                    let change = Change::Token(token.digest);
                    let mut places = Places::default();
                    let approved = approve(tx, token, &choice, &mut places, &maker).await?;
                    Ok::<_, RotationError>((approved, state::publish(tx, &[change]).await?))
                }
                .boxed()
            })
            .await?;
        self.node.settle(version).await?;
        Ok(approved)
    }

    /// Approves every held token that was first seen here before `freeze` and that nobody refused:
    /// what came before a leak could be used. When it says it was issued proves nothing. A contact is
    /// for accounts that are made; without one, tokens of unknown accounts stay held.
    pub async fn approve_held_before(
        &self,
        by: &impl Steers,
        freeze: UnixMs,
        contact: Option<EmailAddress>,
    ) -> Result<Approvals> {
        if freeze > self.now() {
            return Err(InvalidInput::new(
                "freeze",
                "lies in the past: what is seen later is not approved unseen",
            )
            .into());
        }
        let mut done = Approvals::default();
        let mut after: Option<(UnixMs, TokenId)> = None;
        let mut last_version = None;
        loop {
            let (from, maker, contact) = (after.clone(), self.maker(by), contact.clone());
            let batch = self
                .db
                .write(Lock::Shared, move |tx| {
                    async move { approve_batch(tx, from, freeze, contact, &maker).await }.boxed()
                })
                .await?;
            done.approved += batch.approved;
            for (id, why) in batch.left {
                done.left += 1;
                if done.named.len() < MOST_NAMED {
                    done.named.push((id, why));
                }
            }
            last_version = batch.version.or(last_version);
            match batch.last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        if let Some(version) = last_version {
            self.node.settle(version).await?;
        }
        Ok(done)
    }

    /// Says that a held token must not pass: it is refused from now on, on every node. False when
    /// that was said before.
    pub async fn refuse_held(&self, by: &impl Steers, id: &TokenId) -> Result<bool> {
        let (id, Maker { by, random }) = (id.clone(), self.maker(by));
        let version = self
            .db
            .write(Lock::Shared, move |tx| {
                async move {
                    let token = find(tx, &id).await?;
                    if !held::refuse(tx, &id, &by).await? {
                        return Ok::<_, RotationError>(None);
                    }
                    let detail = claims(&token);
                    note(tx, &random, &by, "token.refuse", id.as_str(), detail).await?;
                    let change = Change::Token(token.digest);
                    Ok(Some(state::publish(tx, &[change]).await?))
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

    /// Forgets that tokens found no room on the list: an admin has read it.
    pub async fn forget_overflow(&self, _by: &impl Steers) -> Result<()> {
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, |tx| held::clear_overflow(tx).boxed())
            .await?)
    }

    pub(super) fn maker(&self, by: &impl Steers) -> Maker {
        Maker {
            by: actor(by),
            random: self.random.clone(),
        }
    }
}

async fn find(tx: &mut Tx, id: &TokenId) -> Result<Held> {
    held::find(tx, id)
        .await?
        .ok_or(RotationError::NotFound("held token"))
}

struct Batch {
    approved: i64,
    left: Vec<(TokenId, String)>,
    last: Option<(UnixMs, TokenId)>,
    version: Option<i64>,
}

async fn approve_batch(
    tx: &mut Tx,
    after: Option<(UnixMs, TokenId)>,
    freeze: UnixMs,
    contact: Option<EmailAddress>,
    maker: &Maker,
) -> Result<Batch> {
    let after = after.as_ref().map(|(at, id)| (*at, id));
    let tokens = held::list(tx, Which::Waiting, after, Some(freeze), BATCH).await?;
    let last = tokens
        .last()
        .map(|last| (last.first_seen_at, last.id.clone()));
    let choice = Choice {
        contact,
        ..Choice::default()
    };
    let (mut left, mut changes) = (Vec::new(), Vec::new());
    let mut places = Places::default();
    for token in tokens {
        let (id, digest) = (token.id.clone(), token.digest);
        match approve(tx, token, &choice, &mut places, maker).await {
            Ok(_) => changes.push(Change::Token(digest)),
            // What a rule stands against stays held, and the rest goes on.
            Err(error) if error.is_of_the_asker() => left.push((id, error.to_string())),
            Err(error) => return Err(error),
        }
    }
    let version = match changes.as_slice() {
        [] => None,
        some => Some(state::publish(tx, some).await?),
    };
    Ok(Batch {
        approved: i64::try_from(changes.len()).unwrap_or(0),
        left,
        last,
        version,
    })
}

/// Registers a held token where it belongs. What may fail fails before anything is written.
async fn approve(
    tx: &mut Tx,
    token: Held,
    choice: &Choice,
    places: &mut Places,
    maker: &Maker,
) -> Result<Approved> {
    let state = tx.state().clone();
    if token.expires_at.is_some_and(|end| end <= state.now) {
        return Err(Rule::HeldExpired.into());
    }
    let account = choice
        .account
        .as_deref()
        .or(token.account_claim.as_deref())
        .ok_or(Rule::NoAccountNamed)?;
    let named = Named {
        account,
        integration: choice
            .integration
            .as_deref()
            .or(token.integration_claim.as_deref()),
        contact: choice.contact.as_ref(),
    };
    let place = places.place(tx, named, Some(maker)).await?;
    let (Some(account), Some(integration)) = (place.account, place.integration) else {
        return Err(RotationError::NotFound("account"));
    };
    let row = registered(tx, &token, &account, &integration, &state, maker).await?;
    ledger::register(tx, &[row]).await?;
    held::remove(tx, std::slice::from_ref(&token.id)).await?;
    if let Some(rotation) = &state.rotation_id {
        let evidence = NewCapture {
            subject: token.id.to_string(),
            how: "approve",
            requests: 0,
            source: token.last_source.clone(),
            agent: token.first_agent.clone(),
        };
        captures::insert(tx, rotation, &[evidence]).await?;
    }
    let mut detail = claims(&token);
    detail["account"] = json!(account);
    detail["integration"] = json!(integration);
    note(
        tx,
        &maker.random,
        &maker.by,
        "token.approve",
        token.id.as_str(),
        detail,
    )
    .await?;
    Ok(Approved {
        token: token.id,
        account,
        integration,
    })
}

/// The row that stands for a held token from now on: of the old key, and living in the generation
/// that is required, so that the cutover does not end it.
async fn registered(
    tx: &mut Tx,
    token: &Held,
    account: &AccountId,
    integration: &IntegrationId,
    state: &State,
    maker: &Maker,
) -> Result<Registered> {
    let key = keys::find(tx, &token.kid).await?;
    let born = key.map_or(state.current, |key| key.generation);
    // A date that whoever has the key writes is believed only where it says less than we saw.
    let issued_at = token.issued_at.unwrap_or(token.first_seen_at);
    Ok(Registered {
        token: NewToken {
            id: token.id.clone(),
            digest: token.digest,
            integration_id: integration.clone(),
            account_id: account.clone(),
            kid: token.kid.clone(),
            born,
            hint: token.hint.clone(),
            fix_ref: fix_ref(&maker.random),
            form_id: None,
            issued_at: issued_at.clamp(UnixMs(0), token.first_seen_at),
            issued_by: "another platform".to_owned(),
            expires_at: token.expires_at,
            retirement: Retirement::Keep,
        },
        generation: state.stage().required(),
        first_used_at: Some(token.first_seen_at),
        first_source: token.first_source.clone(),
        last_used_at: Some(token.last_seen_at),
        last_source: token.last_source.clone(),
        uses: token.uses,
    })
}

/// A reference for a link in a refusal: random, says nothing by itself.
pub(super) fn fix_ref(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<15>())
}

/// What the audit keeps of a held token.
fn claims(token: &Held) -> serde_json::Value {
    json!({ "kid": token.kid, "claims": { "account": token.account_claim, "integration": token.integration_claim,
        "issuer": token.issuer, "subject": token.subject }, "first_seen_at": token.first_seen_at,
        "first_source": token.first_source })
}

/// Gives the list of held tokens room for `most` alone, so that a test need not fill it.
#[cfg(test)]
pub(crate) fn limit_for_tests(engine: &Engine, most: i64) {
    engine.sightings.limit(most);
}
