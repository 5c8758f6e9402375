use serde::Serialize;

use crate::model::{AccountId, IntegrationId, Standing, Steers, TokenId, UnixMs};
use crate::rotation::Engine;
use crate::rotation::error::Result;
use crate::rotation::rehearsal::AffectedAccount;
use crate::store::held::{self, Held, Which};

/// How many held tokens are read at a time.
const PAGE: i64 = 1_000;

/// Held tokens that the cutover would end, of one account, as far as their claims tell.
#[derive(Clone, Debug)]
pub struct HeldAccount {
    /// The account that the claims are found to name.
    pub account_id: Option<AccountId>,
    /// Its name; what the claims say where there is no such account; nothing where they say nothing.
    pub account: Option<String>,
    /// Whom to warn.
    pub contact: Option<String>,
    /// By integration.
    pub integrations: Vec<HeldIntegration>,
}

/// Held tokens of one integration, as far as their claims tell.
#[derive(Clone, Debug)]
pub struct HeldIntegration {
    /// The integration that the claims are found to name.
    pub id: Option<IntegrationId>,
    /// Its name, or what the claims say.
    pub name: Option<String>,
    /// When the last of them was seen.
    pub last_seen_at: UnixMs,
    /// The tokens.
    pub token_ids: Vec<TokenId>,
}

impl HeldAccount {
    /// How many tokens it is about.
    pub fn count(&self) -> usize {
        let tokens = |one: &HeldIntegration| one.token_ids.len();
        self.integrations.iter().map(tokens).sum()
    }
}

impl Engine {
    /// The held tokens that nobody approved, by account: what the cutover ends beside the registered
    /// tokens that a rehearsal names.
    pub async fn held_by_account(&self, _by: &impl Steers) -> Result<Vec<HeldAccount>> {
        let mut tx = self.db.read().await?;
        let mut tokens: Vec<Held> = Vec::new();
        loop {
            let after = tokens
                .last()
                .map(|last| (last.first_seen_at, last.id.clone()));
            let after = after.as_ref().map(|(at, id)| (*at, id));
            let page = held::list(&mut tx, Which::Waiting, after, None, PAGE).await?;
            if page.is_empty() {
                break;
            }
            tokens.extend(page);
        }
        Ok(grouped(tokens))
    }
}

fn grouped(mut tokens: Vec<Held>) -> Vec<HeldAccount> {
    let account = |token: &Held| {
        token
            .account
            .clone()
            .or_else(|| token.account_claim.clone())
    };
    let integration = |token: &Held| {
        let claim = || token.integration_claim.clone();
        token.integration.clone().or_else(claim)
    };
    // Whose they are not known to be comes last.
    tokens.sort_by_cached_key(|token| {
        let name = account(token).map(|name| name.to_lowercase());
        let of = token.account_id.clone();
        (
            of.is_none(),
            name.is_none(),
            name,
            of,
            integration(token),
            token.first_seen_at,
        )
    });
    let mut accounts: Vec<HeldAccount> = Vec::new();
    for token in tokens {
        let (account, integration) = (account(&token), integration(&token));
        let same =
            |known: &HeldAccount| known.account_id == token.account_id && known.account == account;
        if !accounts.last().is_some_and(same) {
            accounts.push(HeldAccount {
                account_id: token.account_id,
                account,
                contact: token.contact,
                integrations: Vec::new(),
            });
        }
        let Some(of) = accounts.last_mut() else {
            continue;
        };
        match of.integrations.last_mut() {
            Some(last) if last.name == integration && last.id == token.integration_id => {
                last.last_seen_at = last.last_seen_at.max(token.last_seen_at);
                last.token_ids.push(token.id);
            }
            _ => of.integrations.push(HeldIntegration {
                id: token.integration_id,
                name: integration,
                last_seen_at: token.last_seen_at,
                token_ids: vec![token.id],
            }),
        }
    }
    accounts
}

/// An account that a cutover hits, registered tokens and held ones together: what a script reads.
#[derive(Clone, Debug, Serialize)]
pub struct Breaking {
    /// Its id; null where held tokens name an account that does not exist.
    pub account_id: Option<AccountId>,
    /// Its name, or what the claims say.
    pub account: Option<String>,
    /// Whom to warn.
    pub contact: Option<String>,
    /// What stops working.
    pub integrations: Vec<BreakingIntegration>,
}

/// An integration that a cutover hits.
#[derive(Clone, Debug, Serialize)]
pub struct BreakingIntegration {
    /// Its id; null where held tokens name one that does not exist.
    pub id: Option<IntegrationId>,
    /// Its name, or what the claims say.
    pub name: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// Its last request; unknown is null.
    pub last_used_at: Option<UnixMs>,
    /// Days from one day of use to the next; unknown is null.
    pub cadence_days: Option<f64>,
    /// The tokens that are refused, or would be.
    pub token_ids: Vec<TokenId>,
    /// Whether they are held: issued elsewhere, not registered, not approved.
    pub held: bool,
}

/// What a rehearsal names, and the held tokens beside it, in one list.
pub fn with_held(
    accounts: Vec<AffectedAccount>,
    held: Vec<HeldAccount>,
    cut_over: bool,
) -> Vec<Breaking> {
    let mut all: Vec<Breaking> = accounts.into_iter().map(Breaking::from).collect();
    let standing = if cut_over {
        Standing::NeedsToken
    } else {
        Standing::NotSeen
    };
    for of in held {
        let integrations = of.integrations.into_iter().map(|one| BreakingIntegration {
            id: one.id,
            name: one.name,
            standing,
            last_used_at: Some(one.last_seen_at),
            cadence_days: None,
            token_ids: one.token_ids,
            held: true,
        });
        let known = all
            .iter_mut()
            .find(|known| known.account_id.is_some() && known.account_id == of.account_id);
        match known {
            Some(known) => known.integrations.extend(integrations),
            None => all.push(Breaking {
                account_id: of.account_id,
                account: of.account,
                contact: of.contact,
                integrations: integrations.collect(),
            }),
        }
    }
    all
}

impl From<AffectedAccount> for Breaking {
    fn from(hit: AffectedAccount) -> Self {
        let integrations = hit.integrations.into_iter().map(|one| BreakingIntegration {
            id: Some(one.id),
            name: Some(one.name),
            standing: one.standing,
            last_used_at: one.last_used_at,
            cadence_days: one.cadence_days,
            token_ids: one.token_ids,
            held: false,
        });
        Self {
            account_id: Some(hit.account_id),
            account: Some(hit.account),
            contact: Some(hit.contact),
            integrations: integrations.collect(),
        }
    }
}
