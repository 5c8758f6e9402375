use std::collections::HashMap;

use serde::Serialize;

use super::cadence::{self, Cadence};
use super::engine::Engine;
use super::error::{Result, RotationError, Rule};
use super::phases::{MONTHLY_LOOKBACK_DAYS, check_look_back};
use super::status::{Now, read_now};
use crate::model::{
    AccountId, DAY_MS, IntegrationId, Span, Stage, Standing, Steers, TokenId, UnixMs,
};
use crate::store::rehearsal::{self, Cutover, Hit};
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
    /// How many integrations it has in all.
    #[serde(skip)]
    pub of: i64,
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
    /// The earliest last use among the refused tokens: a look-back that reaches it carries them
    /// all. `None` when one of them was never used.
    #[serde(skip)]
    pub reached_from: Option<UnixMs>,
}

impl AffectedIntegration {
    /// When it is due to call again by its own cadence; `None` when that is unknown, or past: what
    /// should have called already is not waited for.
    pub fn due(&self, now: UnixMs) -> Option<UnixMs> {
        #[expect(clippy::cast_possible_truncation, reason = "some hundred whole days")]
        let days = self.cadence_days? as i64;
        // A day of use is known to the day: what is due today is due until it ends.
        let due = self.last_used_at?.plus((days + 1) * DAY_MS);
        (due >= now).then_some(due)
    }

    /// Whether it calls about once a month.
    pub fn is_monthly(&self) -> bool {
        self.cadence_days
            .is_some_and(|days| (25.0..=35.0).contains(&days))
    }
}

/// The rehearsal, and what may change it.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Who would break, by name.
    pub accounts: Vec<AffectedAccount>,
    /// What is to be expected of them.
    pub forecast: Forecast,
    /// The moment it is of.
    pub now: UnixMs,
}

/// What is to be expected of the accounts that would break; unknown is counted as unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Accounts of which an integration that would break calls about once a month.
    pub monthly: i64,
    /// Accounts whose every such integration is due to call again.
    pub due: i64,
    /// When the last of those is due.
    pub due_by: Option<UnixMs>,
    /// Accounts with an integration whose cadence is not known.
    pub unknown: i64,
    /// Accounts that a look-back of [`MONTHLY_LOOKBACK_DAYS`] at the start would have kept; `None`
    /// when the rotation looked back as far.
    pub lookback_keeps: Option<i64>,
}

impl Forecast {
    fn of(accounts: &[AffectedAccount], rotation: Option<&Rotation>, now: UnixMs) -> Self {
        let reach = MONTHLY_LOOKBACK_DAYS * DAY_MS;
        let since = rotation
            .filter(|rotation| rotation.lookback_ms < reach)
            .map(|rotation| rotation.started_at.plus(-reach));
        let mut forecast = Self {
            lookback_keeps: since.map(|_| 0),
            ..Self::default()
        };
        for account in accounts {
            let all = || account.integrations.iter();
            forecast.monthly += i64::from(all().any(AffectedIntegration::is_monthly));
            forecast.unknown += i64::from(all().any(|one| one.cadence_days.is_none()));
            let dues: Option<Vec<UnixMs>> = all().map(|one| one.due(now)).collect();
            if let Some(last) = dues.and_then(|dues| dues.into_iter().max()) {
                forecast.due += 1;
                forecast.due_by = forecast.due_by.max(Some(last));
            }
            if let (Some(since), Some(keeps)) = (since, forecast.lookback_keeps.as_mut()) {
                let reached = |at: Option<UnixMs>| at.is_some_and(|at| at >= since);
                *keeps += i64::from(all().all(|one| reached(one.reached_from)));
            }
        }
        forecast
    }
}

/// Recovery as it went: accounts that the cutover hit, and when each worked again.
#[derive(Clone, Debug)]
pub struct BurnDown {
    /// The cutover.
    pub from: UnixMs,
    /// Now.
    pub to: UnixMs,
    /// Accounts that are affected still.
    pub affected: i64,
    /// When each recovered account worked again, oldest first.
    pub recovered: Vec<UnixMs>,
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
        let now = read_now(&mut tx).await?;
        affected(&mut tx, &now, None).await
    }

    /// Who would break if a rotation were started now with this look-back, and finalised at once: what
    /// an emergency would cost, asked before it begins.
    ///
    /// # Errors
    /// [`Rule::AlreadyOpen`] while a rotation is open: then [`Engine::rehearse`] tells.
    pub async fn rehearse_start(
        &self,
        _by: &impl Steers,
        lookback: Span,
    ) -> Result<Vec<AffectedAccount>> {
        check_look_back(lookback)?;
        // What this process has counted counts; of other nodes, all but the last second.
        self.recorder.flush().await?;
        let mut tx = self.db.read().await?;
        let mut now = read_now(&mut tx).await?;
        if let Some(open) = now.rotation {
            return Err(Rule::AlreadyOpen {
                name: open.name,
                phase: open.phase,
            }
            .into());
        }
        now.cutover = Cutover {
            required: now.state.newest.next(),
            at: now.state.now,
            // Without a look-back nothing is kept.
            kept_since: (lookback.ms() > 0).then(|| now.state.now.plus(-lookback.ms())),
            ..now.cutover
        };
        affected(&mut tx, &now, None).await
    }

    /// The rehearsal with what may change it: who is due to call, what is unknown.
    pub async fn rehearsal(&self, _by: &impl Steers) -> Result<Rehearsal> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        let accounts = affected(&mut tx, &now, None).await?;
        Ok(Rehearsal {
            forecast: Forecast::of(&accounts, now.rotation.as_ref(), now.state.now),
            accounts,
            now: now.state.now,
        })
    }

    /// How one account fares: its dormant integrations; empty when it has none.
    pub async fn rehearse_account(
        &self,
        _by: &impl Steers,
        account: &AccountId,
    ) -> Result<Option<AffectedAccount>> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        Ok(affected(&mut tx, &now, Some(account)).await?.pop())
    }

    /// The accounts as asked for, each with how it fares, and how many there are in all.
    pub async fn affected_accounts(
        &self,
        _by: &impl Steers,
        ask: &AccountQuery,
    ) -> Result<(Vec<AccountFate>, i64)> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        Ok(match ask.show {
            Show::Every => rehearsal::every_account(&mut tx, &now.cutover, ask).await?,
            _ => rehearsal::accounts(&mut tx, &now.cutover, ask).await?,
        })
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

    /// How the accounts that the cutover hit have recovered.
    pub async fn burn_down(&self, _by: &impl Steers) -> Result<BurnDown> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        Ok(BurnDown {
            from: now.cutover.at,
            to: now.state.now,
            affected: rehearsal::count_accounts(&mut tx, &now.cutover).await?.0,
            recovered: rehearsal::account_recoveries(&mut tx, &now.cutover).await?,
        })
    }
}

async fn affected(
    tx: &mut Tx,
    now: &Now,
    account: Option<&AccountId>,
) -> Result<Vec<AffectedAccount>> {
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
                of: hit.of,
            });
        }
        if let Some(account) = accounts.last_mut() {
            add(account, hit, now.state.stage(), &days);
        }
    }
    Ok(accounts)
}

fn add(
    account: &mut AffectedAccount,
    hit: Hit,
    stage: Stage,
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
            standing: Standing::Waiting,
            last_used_at: None,
            cadence_days: cadence.map(|cadence| cadence.days),
            token_ids: Vec::new(),
            cadence,
            reached_from: hit.last_used_at,
        });
    }
    let standing = if hit.waiting {
        Standing::Waiting
    } else if hit.generation < stage.current {
        Standing::NeedsToken
    } else {
        Standing::NotSeen
    };
    if let Some(integration) = account.integrations.last_mut() {
        integration.standing = integration.standing.min(standing);
        integration.last_used_at = integration.last_used_at.max(hit.last_used_at);
        // `None` is less than any moment: one token never used, and no look-back reaches them all.
        integration.reached_from = integration.reached_from.min(hit.last_used_at);
        integration.token_ids.push(hit.token_id);
    }
}
