use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use super::examine::{Stranger, examine};
use super::keyring::{self, Claims};
use super::master::MasterKeys;
use super::{outbox, standing, undo};
use crate::model::{
    AccountId, Acts, Digest, Expiry, IntegrationId, Letter, PlainToken, Random, Retirement, Stage,
    Steers, TokenId, TokenState, UnixMs,
};
use crate::store::accounts::{self, Integration};
use crate::store::state::{self, Change};
use crate::store::tokens::{self, Key, NewToken, Token, TokenWithAccount};
use crate::store::{Lock, StoreError, Tx, captures, keys};

/// How many live tokens an integration may have.
pub(super) const MOST_LIVE_TOKENS: i64 = 50;

/// What a new token is to be.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose it is.
    pub integration: IntegrationId,
    /// When it expires.
    pub expiry: Expiry,
    /// What it does to its predecessors.
    pub retirement: Retirement,
    /// The single-use id of the form that asks, so that a repeated submit makes no second token.
    pub form_id: Option<String>,
    /// A token that was shown and not kept: it is revoked in the same step.
    pub instead_of: Option<TokenId>,
}

/// A token that was just issued. The text exists here and nowhere else.
#[derive(Debug)]
pub struct Issued {
    /// The token, to be shown once.
    pub token: PlainToken,
    /// What the registry knows of it.
    pub row: Token,
    /// Its integration.
    pub integration: Integration,
}

/// A token as it stands.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What the registry knows of it.
    pub row: Token,
    /// Where it stands.
    pub state: TokenState,
}

/// What a pasted token turned out to be.
#[derive(Debug)]
pub struct Inspection {
    /// The verdict, without any effect on the token.
    pub verdict: super::decide::Verdict,
    /// Which token it is, when it is one of ours.
    pub row: Option<Token>,
    /// What is known of it, when an imported key made it and it is not registered.
    pub stranger: Option<Stranger>,
}

impl Engine {
    /// Issues a token. Its digest is on disk before the text is returned. The newest key signs.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] for an integration that is not the asker's;
    /// [`RotationError::Invalid`] for an end that does not lie ahead; [`Rule::AlreadySubmitted`] for a form that was submitted before; [`Rule::NotLost`] when the
    /// token it is to stand for has made a request.
    pub async fn issue_token(&self, by: &impl Acts, order: Order) -> Result<Issued> {
        let confined = by.confined_to().cloned();
        let (by, masters, random) = (actor(by), self.masters.clone(), self.random.clone());
        let settings = self.settings.clone();
        let (issued, version) = self
            .db
            .write(Lock::Shared, move |tx| {
                async move {
                    let integration = integration(tx, &order.integration, confined.as_ref()).await?;
                    let account = accounts::find(tx, integration.account_id.as_str()).await?;
                    if account.is_none_or(|account| account.disabled_at.is_some()) {
                        return Err(RotationError::from(Rule::AccountDisabled));
                    }
                    if let Some(form) = &order.form_id
                        && tokens::find(tx, Key::Form(form)).await?.is_some()
                    {
                        return Err(Rule::AlreadySubmitted.into());
                    }
                    let mut changes = Vec::new();
                    if let Some(lost) = &order.instead_of {
                        changes.extend(take_back(tx, lost, &integration, &by, &random).await?);
                    }
                    if tokens::count_live(tx, &integration.id).await? >= MOST_LIVE_TOKENS {
                        return Err(Rule::TooManyTokens(MOST_LIVE_TOKENS).into());
                    }
                    let (new, token) =
                        mint(tx, &integration, &order, (&settings.public_url, settings.audience.as_deref()), &by, &masters, &random)
                            .await?;
                    tokens::insert(tx, &new).await.map_err(|error| match error {
                        // The same form, sent twice at once: the other one has made the token.
                        StoreError::Duplicate(_) if order.form_id.is_some() => Rule::AlreadySubmitted.into(),
                        other => RotationError::from(other),
                    })?;
                    if order.retirement == Retirement::AtOnce {
                        let now = tx.state().now;
                        let ended = tokens::retire_predecessors(tx, &new.id, now).await?;
                        changes.extend(ended.into_iter().map(Change::Token));
                    }
                    let detail = json!({ "integration": integration.id, "expires_at": new.expires_at,
                        "retires": order.retirement.slug() });
                    note(tx, &random, &by, "token.issue", new.id.as_str(), detail).await?;
                    tell(tx, &random, &integration, by).await?;
                    let row = find(tx, &new.id, None).await?.token;
                    let version = if changes.is_empty() { None } else { Some(state::publish(tx, &changes).await?) };
                    Ok((Issued { token, row, integration }, version))
                }
                .boxed()
            })
            .await?;
        if let Some(version) = version {
            self.node.settle(version).await?;
        }
        Ok(issued)
    }

    /// Revokes a token, or says that it was revoked before (`false`). Returns when no node accepts it.
    pub async fn revoke_token(&self, by: &impl Acts, id: &TokenId) -> Result<bool> {
        let confined = by.confined_to().cloned();
        let undo_for = undo::undo_for(by);
        let (by, id, random) = (actor(by), id.clone(), self.random.clone());
        let version = self
            .db
            .write(Lock::Shared, move |tx| {
                async move {
                    let token = find(tx, &id, confined.as_ref()).await?.token;
                    if !tokens::revoke(tx, &id, &by, undo_for).await? {
                        return Ok::<_, RotationError>(None);
                    }
                    note(tx, &random, &by, "token.revoke", id.as_str(), json!({})).await?;
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

    /// Lets one dormant token work again, as if it had been captured: an admin's exception.
    ///
    /// # Errors
    /// [`Rule::NotDormant`] when there is nothing to readmit.
    pub async fn readmit_token(&self, by: &impl Steers, id: &TokenId) -> Result<()> {
        let (by, id, random) = (actor(by), id.clone(), self.random.clone());
        let version = self
            .db
            .write(Lock::Shared, move |tx| {
                async move {
                    let token = find(tx, &id, None).await?.token;
                    let state = tx.state().clone();
                    let required = state.stage().required();
                    if !tokens::readmit(tx, &id, required).await? {
                        return Err(RotationError::from(Rule::NotDormant));
                    }
                    if let Some(rotation) = &state.rotation_id {
                        let evidence = captures::NewCapture {
                            subject: id.to_string(),
                            how: "readmit",
                            requests: 0,
                            source: None,
                            agent: None,
                        };
                        captures::insert(tx, rotation, &[evidence]).await?;
                    }
                    note(tx, &random, &by, "token.readmit", id.as_str(), json!({})).await?;
                    Ok(state::publish(tx, &[Change::Token(token.digest)]).await?)
                }
                .boxed()
            })
            .await?;
        Ok(self.node.settle(version).await?)
    }

    /// One token as it stands.
    pub async fn show_token(&self, by: &impl Acts, id: &TokenId) -> Result<Shown> {
        let mut tx = self.db.read().await?;
        let state = state::load(&mut tx).await?;
        let row = find(&mut tx, id, by.confined_to()).await?.token;
        Ok(shown(row, state.stage(), state.now))
    }

    /// The integration that a `/fix?ref=` link is about, if it is the asker's.
    pub async fn integration_of_ref(&self, by: &impl Acts, fix_ref: &str) -> Result<IntegrationId> {
        let mut tx = self.db.read().await?;
        let found = tokens::find(&mut tx, Key::FixRef(fix_ref)).await?;
        found
            .map(|found| found.token)
            .filter(|token| {
                by.confined_to()
                    .is_none_or(|account| *account == token.account_id)
            })
            .map(|token| token.integration_id)
            .ok_or(RotationError::NotFound("link"))
    }

    /// The token that a form has already made.
    pub async fn token_of_form(&self, by: &impl Acts, form_id: &str) -> Result<Option<TokenId>> {
        let mut tx = self.db.read().await?;
        let found = tokens::find(&mut tx, Key::Form(form_id)).await?;
        Ok(found
            .map(|found| found.token)
            .filter(|token| {
                by.confined_to()
                    .is_none_or(|account| *account == token.account_id)
            })
            .map(|token| token.id))
    }

    /// Says what a token is and whether it would pass, without touching it.
    pub async fn inspect_token(&self, _by: &impl Steers, text: &str) -> Result<Inspection> {
        use super::decide::{Verdict, decide};
        if !keyring::is_well_formed(text) {
            let verdict = Verdict::Refuse(crate::model::Reason::Malformed);
            return Ok(Inspection {
                verdict,
                row: None,
                stranger: None,
            });
        }
        let mut tx = self.db.read().await?;
        let digest = Digest::of(text.as_bytes());
        let examined = examine(&mut tx, text, &digest, &self.masters).await?;
        Ok(Inspection {
            verdict: decide(&examined.facts()),
            row: examined.row.map(|found| found.token),
            stranger: examined.stranger,
        })
    }
}

/// An integration, if it is the asker's. A stranger's does not exist.
pub(super) async fn integration(
    tx: &mut Tx,
    id: &IntegrationId,
    confined: Option<&AccountId>,
) -> Result<Integration> {
    accounts::integration(tx, id)
        .await?
        .filter(|integration| confined.is_none_or(|account| *account == integration.account_id))
        .ok_or(RotationError::NotFound("integration"))
}

/// Revokes a token that was shown once and that nobody has. It must not have made a request: this is
/// asked after its row is ours, so that a first use in the same moment is not overlooked.
async fn take_back(
    tx: &mut Tx,
    lost: &TokenId,
    integration: &Integration,
    by: &str,
    random: &Random,
) -> Result<Option<Change>> {
    let of_this = |found: TokenWithAccount| {
        let token = found.token;
        (token.integration_id == integration.id)
            .then_some(token)
            .ok_or(RotationError::NotFound("token"))
    };
    of_this(find(tx, lost, None).await?)?;
    if !tokens::revoke(tx, lost, by, None).await? {
        return Ok(None);
    }
    let token = of_this(find(tx, lost, None).await?)?;
    if token.first_used_at.is_some() {
        return Err(Rule::NotLost.into());
    }
    let detail = json!({ "because": "shown once and not kept" });
    note(tx, random, by, "token.revoke", lost.as_str(), detail).await?;
    Ok(Some(Change::Token(token.digest)))
}

/// A token, if it is the asker's.
pub(super) async fn find(
    tx: &mut Tx,
    id: &TokenId,
    confined: Option<&AccountId>,
) -> Result<TokenWithAccount> {
    tokens::find(tx, Key::Id(id))
        .await?
        .filter(|found| confined.is_none_or(|account| *account == found.token.account_id))
        .ok_or(RotationError::NotFound("token"))
}

pub(super) fn shown(row: Token, stage: Stage, now: UnixMs) -> Shown {
    Shown {
        state: standing::token_state(&row, stage, now),
        row,
    }
}

/// The people of an account learn of each new token: it may have been nobody they know.
async fn tell(
    tx: &mut Tx,
    random: &Random,
    integration: &Integration,
    by: String,
) -> Result<(), StoreError> {
    let letter = Letter::TokenIssued {
        integration: integration.id.clone(),
        name: integration.name.clone(),
        by,
    };
    outbox::order_for_members(tx, random, &integration.account_id, &letter).await
}

/// Signs a token with the newest key and makes the row that will stand for it.
async fn mint(
    tx: &mut Tx,
    integration: &Integration,
    order: &Order,
    (issuer, audience): (&str, Option<&str>),
    by: &str,
    masters: &MasterKeys,
    random: &Random,
) -> Result<(NewToken, PlainToken)> {
    let now = tx.state().now;
    let key = keys::signing(tx)
        .await?
        .ok_or_else(|| StoreError::Corrupt("no key signs".to_owned()))?;
    let expires_at = order.expiry.ends_at(now)?;
    let token = keyring::sign(
        &key,
        &Claims {
            iss: issuer,
            aud: audience,
            sub: integration.id.as_str(),
            iat: now.seconds(),
            exp: expires_at.map(UnixMs::seconds),
            jti: URL_SAFE_NO_PAD.encode(random.bytes::<16>()),
        },
        masters,
    )?;
    let new = NewToken {
        id: TokenId::generate(now, random),
        digest: token.digest(),
        integration_id: integration.id.clone(),
        account_id: integration.account_id.clone(),
        kid: key.kid,
        born: key.generation,
        hint: token.hint(),
        fix_ref: URL_SAFE_NO_PAD.encode(random.bytes::<15>()),
        form_id: order.form_id.clone(),
        issued_at: now,
        issued_by: by.to_owned(),
        expires_at,
        retirement: order.retirement,
    };
    Ok((new, token))
}
