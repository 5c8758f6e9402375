use std::collections::HashMap;

use serde::Serialize;

use super::cadence::{self, Cadence};
use super::engine::Engine;
use super::error::{Result, RotationError};
use super::status::read_now;
use crate::model::{AccountId, IntegrationId, Standing, Steers, TokenId, UnixMs};
use crate::store::rehearsal::{self, Hit};
use crate::store::rotations::{self, Rotation};
use crate::store::usage::{self, Of};
use crate::store::{Tx, captures};

pub use crate::store::rehearsal::{AccountFate, AccountQuery, Show, Sort};

/// How far back use is read for a cadence, in days.
const CADENCE_DAYS: i64 = 120;

/// An account that a cutover hits, with its dormant integrations.
#[derive(Clone, Debug, Serialize)]
pub struct AffectedAccount {
    /// Its id.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// Whom to warn.
    pub contact: String,
    /// What stops working.
    pub integrations: Vec<AffectedIntegration>,
}

/// An integration that a cutover hits.
#[derive(Clone, Debug, Serialize)]
pub struct AffectedIntegration {
    /// Its id.
    pub id: IntegrationId,
    /// Its name.
    pub name: String,
    /// Where it stands now.
    pub standing: Standing,
    /// Its last request; unknown is null.
    pub last_used_at: Option<UnixMs>,
    /// Days from one day of use to the next; unknown is null.
    pub cadence_days: Option<f64>,
    /// The tokens that are refused, or would be.
    pub token_ids: Vec<TokenId>,
    /// The cadence in words.
    #[serde(skip)]
    pub cadence: Option<Cadence>,
}

/// The recording phase as a curve: captures summed up over time.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The start.
    pub from: UnixMs,
    /// Now, or the cutover.
    pub to: UnixMs,
    /// Moments and how many tokens were captured by then.
    pub points: Vec<(UnixMs, i64)>,
}

impl Engine {
    /// Who would break if the rotation were finalised now; after the cutover, who is broken still.
    /// Exactly the tokens that answer 401, by account and integration. An admin's or operator's.
    pub async fn rehearse(&self, _by: &impl Steers) -> Result<Vec<AffectedAccount>> {
        let mut tx = self.db.read().await?;
        affected(&mut tx, None).await
    }

    /// How one account fares: its dormant integrations; empty when it has none.
    pub async fn rehearse_account(
        &self,
        _by: &impl Steers,
        account: &AccountId,
    ) -> Result<Option<AffectedAccount>> {
        let mut tx = self.db.read().await?;
        Ok(affected(&mut tx, Some(account)).await?.pop())
    }

    /// The affected accounts as asked for, and how many there are in all.
    pub async fn affected_accounts(
        &self,
        _by: &impl Steers,
        ask: &AccountQuery,
    ) -> Result<(Vec<AccountFate>, i64)> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        Ok(rehearsal::accounts(&mut tx, &now.cutover, ask).await?)
    }

    /// One rotation by its id.
    ///
    /// # Errors
    /// [`RotationError::NotFound`].
    pub async fn rotation(
        &self,
        _by: &impl Steers,
        id: &crate::model::RotationId,
    ) -> Result<Rotation> {
        let mut tx = self.db.read().await?;
        rotations::find(&mut tx, id)
            .await?
            .ok_or(RotationError::NotFound("rotation"))
    }

    /// Captures over time in at most `steps` steps.
    pub async fn capture_curve(&self, rotation: &Rotation, steps: i64) -> Result<Curve> {
        let mut tx = self.db.read().await?;
        let to = match rotation.finalised_at {
            Some(at) => at,
            None => tx.now().await?,
        };
        let from = rotation.started_at;
        let step_ms = (to.since(from) / steps.max(1)).max(1_000);
        let counts = captures::curve(&mut tx, &rotation.id, from, step_ms).await?;
        let mut sum = 0;
        let mut points = vec![(from, 0)];
        for (step, count) in counts {
            sum += count;
            points.push((from.plus((step + 1) * step_ms), sum));
        }
        points.push((to, sum));
        Ok(Curve { from, to, points })
    }

    /// When each affected integration recovered, oldest first.
    pub async fn recoveries(&self, _by: &impl Steers) -> Result<Vec<UnixMs>> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        Ok(rehearsal::recoveries(&mut tx, &now.cutover).await?)
    }
}

async fn affected(tx: &mut Tx, account: Option<&AccountId>) -> Result<Vec<AffectedAccount>> {
    let now = read_now(tx).await?;
    let hits = rehearsal::hits(tx, &now.cutover, account).await?;
    let mut ids: Vec<IntegrationId> = hits.iter().map(|hit| hit.integration_id.clone()).collect();
    ids.dedup();
    let mut days: HashMap<IntegrationId, Vec<(i64, i64)>> = HashMap::new();
    for some in ids.chunks(500) {
        for row in usage::days_since(
            tx,
            Of::Integrations(some),
            now.state.now.day() - CADENCE_DAYS,
        )
        .await?
        {
            days.entry(row.integration_id)
                .or_default()
                .push((row.day, row.uses));
        }
    }
    let missed = if now.state.target.is_some() {
        Standing::NotSeen
    } else {
        Standing::NeedsToken
    };
    let mut accounts: Vec<AffectedAccount> = Vec::new();
    for hit in hits {
        if accounts
            .last()
            .is_none_or(|account| account.account_id != hit.account_id)
        {
            accounts.push(AffectedAccount {
                account_id: hit.account_id.clone(),
                account: hit.account.clone(),
                contact: hit.contact.clone(),
                integrations: Vec::new(),
            });
        }
        if let Some(account) = accounts.last_mut() {
            add(account, hit, missed, &days);
        }
    }
    Ok(accounts)
}

fn add(
    account: &mut AffectedAccount,
    hit: Hit,
    missed: Standing,
    days: &HashMap<IntegrationId, Vec<(i64, i64)>>,
) {
    if account
        .integrations
        .last()
        .is_none_or(|integration| integration.id != hit.integration_id)
    {
        let cadence = days
            .get(&hit.integration_id)
            .and_then(|days| cadence::of_days(days));
        account.integrations.push(AffectedIntegration {
            id: hit.integration_id,
            name: hit.integration,
            standing: if hit.waiting {
                Standing::Waiting
            } else {
                missed
            },
            last_used_at: None,
            cadence_days: cadence.map(|cadence| cadence.days),
            token_ids: Vec::new(),
            cadence,
        });
    }
    if let Some(integration) = account.integrations.last_mut() {
        integration.last_used_at = integration.last_used_at.max(hit.last_used_at);
        integration.token_ids.push(hit.token_id);
    }
}
