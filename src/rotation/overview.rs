use std::collections::HashMap;

use super::cadence::{self, Cadence};
use super::engine::Engine;
use super::error::{Result, RotationError};
use super::registry::{self, Shown, shown};
use super::standing;
use super::status::read_now;
use crate::model::{AccountId, Acts, IntegrationId, Stage, Standing, TokenState, UnixMs};
use crate::store::Tx;
use crate::store::accounts::{self, Integration};
use crate::store::audit;
use crate::store::callers::{self, TokenCaller};
use crate::store::captures::{self, Capture};
use crate::store::rotations::{self, Rotation};
use crate::store::tokens::{self, Token};
use crate::store::usage::{self, DayOfUse, Of};

/// How many days of use are shown.
pub const DAYS_SHOWN: usize = 30;
/// How many days a cadence is read from.
const CADENCE_DAYS: i64 = 120;
/// How many archived integrations are listed, archived last first.
const MOST_ARCHIVED: i64 = 100;

/// An integration as its owner sees it.
#[derive(Clone, Debug)]
pub struct IntegrationView {
    /// The integration.
    pub integration: Integration,
    /// Where it stands.
    pub standing: Standing,
    /// Its tokens, newest first.
    pub tokens: Vec<Shown>,
    /// Requests on each of the last [`DAYS_SHOWN`] days, today last.
    pub days: Vec<i64>,
    /// How often it calls; `None` when that is not known.
    pub cadence: Option<Cadence>,
}

impl IntegrationView {
    /// The token used last.
    pub fn last_used(&self) -> Option<&Token> {
        self.tokens
            .iter()
            .map(|token| &token.row)
            .filter(|row| row.last_used_at.is_some())
            .max_by_key(|row| row.last_used_at)
    }

    /// The token that is refused, when one is: the newest dormant one.
    pub fn dormant(&self) -> Option<&Token> {
        self.tokens
            .iter()
            .find(|token| token.state == TokenState::Dormant)
            .map(|token| &token.row)
    }

    /// The newest token.
    pub fn newest(&self) -> Option<&Token> {
        self.tokens.first().map(|token| &token.row)
    }

    /// Its tokens that are neither revoked nor replaced nor expired, newest first.
    fn live(&self) -> impl Iterator<Item = &Token> {
        let is_live =
            |token: &&Shown| matches!(token.state, TokenState::Active | TokenState::Dormant);
        self.tokens.iter().filter(is_live).map(|token| &token.row)
    }

    /// The newest token that lives.
    pub fn newest_live(&self) -> Option<&Token> {
        self.live().next()
    }

    /// When an integration that works stops to: its last live token ends then for a newer one that lives no
    /// more, as one that was revoked. `None` while a token lives that nothing replaces.
    pub fn ends_at(&self) -> Option<UnixMs> {
        let ends: Option<Vec<UnixMs>> = self.live().map(|token| token.ends_at).collect();
        ends?
            .into_iter()
            .max()
            .filter(|_| self.standing.keeps_working())
    }

    /// Whether its requests are answered now and after the cutover, as long as nobody does anything.
    pub fn keeps_working(&self) -> bool {
        self.standing.keeps_working() && self.ends_at().is_none()
    }

    /// Its place among those that need something: one that works only until its token ends is as urgent as
    /// one that was not seen yet.
    fn urgency(&self) -> Standing {
        match self.ends_at() {
            Some(_) => Standing::NotSeen,
            None => self.standing,
        }
    }

    /// Whether an older token still works, so that its end is a question when a new one is made.
    pub fn has_active(&self) -> bool {
        self.tokens
            .iter()
            .any(|token| token.state == TokenState::Active)
    }

    /// Requests refused, of all its tokens.
    pub fn refused(&self) -> i64 {
        self.tokens.iter().map(|token| token.row.refused).sum()
    }
}

/// What every customer page says first: the rotation that is going on.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The open rotation.
    pub rotation: Option<Rotation>,
    /// What credentials are judged against.
    pub stage: Stage,
    /// The last cutover that stands: the rotation's name, and when. It may be of an earlier rotation
    /// than the open one.
    pub cutover: Option<(String, UnixMs)>,
    /// The database's time.
    pub now: UnixMs,
}

/// Reads the rotation now.
pub(super) async fn moment(tx: &mut Tx) -> Result<Moment> {
    let now = read_now(tx).await?;
    Ok(Moment {
        stage: now.state.stage(),
        now: now.state.now,
        rotation: now.rotation,
        cutover: rotations::last_cutover(tx).await?,
    })
}

/// An account's integrations and the rotation they stand in, of one state of the database.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The rotation.
    pub moment: Moment,
    /// The integrations, those that need something first.
    pub integrations: Vec<IntegrationView>,
    /// Those that were archived, archived last first.
    pub archived: Vec<Integration>,
}

/// One integration with its story.
#[derive(Clone, Debug)]
pub struct Story {
    /// The rotation.
    pub moment: Moment,
    /// The integration.
    pub view: IntegrationView,
    /// The evidence of captures, by token.
    pub captures: HashMap<String, Capture>,
    /// Who calls with its tokens, heard last first.
    pub callers: Vec<TokenCaller>,
    /// What was done to it and its tokens, newest first.
    pub deeds: Vec<audit::Entry>,
}

impl Engine {
    /// The rotation now, for pages that anyone may read.
    pub async fn moment(&self) -> Result<Moment> {
        let mut tx = self.db.read().await?;
        moment(&mut tx).await
    }

    /// The integrations of an account as they stand.
    pub async fn overview(&self, by: &impl Acts, account: &AccountId) -> Result<Overview> {
        self.account(by, account.as_str()).await?;
        let mut tx = self.db.read().await?;
        let moment = moment(&mut tx).await?;
        let integrations = accounts::integrations(&mut tx, Some(account)).await?;
        let tokens = tokens::of_account(&mut tx, account).await?;
        let days = usage::days_since(
            &mut tx,
            Of::Account(account),
            moment.now.day() - CADENCE_DAYS,
        )
        .await?;
        let mut views: Vec<IntegrationView> = integrations
            .into_iter()
            .map(|integration| {
                let tokens = tokens
                    .iter()
                    .filter(|token| token.integration_id == integration.id)
                    .cloned()
                    .collect();
                let days: Vec<_> = days
                    .iter()
                    .filter(|day| day.integration_id == integration.id)
                    .collect();
                view(integration, tokens, &days, &moment)
            })
            .collect();
        // The order of standings is the order of need; names settle the rest, as they were read.
        views.sort_by_key(IntegrationView::urgency);
        Ok(Overview {
            moment,
            integrations: views,
            archived: accounts::archived_integrations(&mut tx, account, MOST_ARCHIVED).await?,
        })
    }

    /// Every integration with its standing; of one account, or of all.
    pub async fn integrations(
        &self,
        by: &impl Acts,
        account: Option<&AccountId>,
    ) -> Result<Vec<(Integration, Standing)>> {
        let account = by.confined_to().or(account);
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        let mut list = Vec::new();
        for integration in accounts::integrations(&mut tx, account).await? {
            let tokens = tokens::of_integration(&mut tx, &integration.id).await?;
            let standing = standing::of_integration(&tokens, now.state.stage(), now.state.now);
            list.push((integration, standing));
        }
        Ok(list)
    }

    /// One integration with its story.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when it is not the asker's, or is archived.
    pub async fn integration(&self, by: &impl Acts, id: &IntegrationId) -> Result<Story> {
        let mut tx = self.db.read().await?;
        let moment = moment(&mut tx).await?;
        let integration = registry::integration(&mut tx, id, by.confined_to()).await?;
        story(&mut tx, moment, integration).await
    }

    /// The story of an archived integration: all that is left of it.
    ///
    /// # Errors
    /// [`RotationError::NotFound`] when it is not the asker's, or is not archived.
    pub async fn archived_integration(&self, by: &impl Acts, id: &IntegrationId) -> Result<Story> {
        let mut tx = self.db.read().await?;
        let moment = moment(&mut tx).await?;
        let integration = accounts::archived_integration(&mut tx, id)
            .await?
            .filter(|found| {
                by.confined_to()
                    .is_none_or(|account| *account == found.account_id)
            })
            .ok_or(RotationError::NotFound("integration"))?;
        story(&mut tx, moment, integration).await
    }

    /// Where an integration stands, for a page that waits for its first request: the standing and
    /// its newest token.
    pub async fn integration_standing(
        &self,
        by: &impl Acts,
        id: &IntegrationId,
    ) -> Result<(Standing, Option<Token>)> {
        let mut tx = self.db.read().await?;
        let now = read_now(&mut tx).await?;
        registry::integration(&mut tx, id, by.confined_to()).await?;
        let tokens = tokens::of_integration(&mut tx, id).await?;
        let standing = standing::of_integration(&tokens, now.state.stage(), now.state.now);
        Ok((standing, tokens.into_iter().next()))
    }
}

async fn story(tx: &mut Tx, moment: Moment, integration: Integration) -> Result<Story> {
    let id = integration.id.clone();
    let tokens = tokens::of_integration(tx, &id).await?;
    let since = moment.now.day() - CADENCE_DAYS;
    let days = usage::days_since(tx, Of::Integration(&id), since).await?;
    let mut evidence = HashMap::new();
    let mut deeds = audit::list(tx, Some(id.as_str()), 20).await?;
    for token in tokens.iter().take(10) {
        if let Some(capture) = captures::latest(tx, token.id.as_str()).await? {
            evidence.insert(token.id.to_string(), capture);
        }
        deeds.extend(audit::list(tx, Some(token.id.as_str()), 20).await?);
    }
    deeds.sort_by(|a, b| b.id.cmp(&a.id));
    let days: Vec<_> = days.iter().collect();
    Ok(Story {
        view: view(integration, tokens, &days, &moment),
        moment,
        captures: evidence,
        callers: callers::of_integration(tx, &id).await?,
        deeds,
    })
}

fn view(
    integration: Integration,
    tokens: Vec<Token>,
    days: &[&DayOfUse],
    moment: &Moment,
) -> IntegrationView {
    let today = moment.now.day();
    let mut shown_days = vec![0; DAYS_SHOWN];
    for day in days {
        let ago = usize::try_from(today - day.day).unwrap_or(usize::MAX);
        if ago < DAYS_SHOWN {
            shown_days[DAYS_SHOWN - 1 - ago] += day.uses;
        }
    }
    let pairs: Vec<(i64, i64)> = days.iter().map(|day| (day.day, day.uses)).collect();
    IntegrationView {
        standing: standing::of_integration(&tokens, moment.stage, moment.now),
        cadence: cadence::of_days(&pairs),
        tokens: tokens
            .into_iter()
            .map(|token| shown(token, moment.stage, moment.now))
            .collect(),
        days: shown_days,
        integration,
    }
}
