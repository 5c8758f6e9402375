use clap::Subcommand;
use serde::Serialize;

use super::Settings;
use super::failure::Result;
use super::find;
use super::opening::{Installation, within};
use super::output::table;
use crate::model::{AccountId, IntegrationId, Standing, UnixMs};
use crate::store::accounts;

/// `rollcall integration …`
#[derive(Debug, Subcommand)]
pub enum Integration {
    /// Create an integration of an account; print its id
    #[command(after_help = "Example:
  rollcall integration create --account Northwind --name 'Order sync'")]
    Create {
        /// The account, by id or name
        #[arg(long, value_name = "A")]
        account: String,
        /// Its name, unique within the account
        #[arg(long, value_name = "N")]
        name: String,
    },
    /// Give an integration another name
    #[command(after_help = "Example:
  rollcall integration rename 'Northwind/Order sync' --name 'Order export'")]
    Rename {
        /// The integration: an id, `Account/Name`, or a name that only one has
        #[arg(value_name = "I")]
        integration: String,
        /// Its new name, unique within the account
        #[arg(long, value_name = "N")]
        name: String,
    },
    /// Archive an integration for good: its live tokens are revoked, its story stays
    #[command(after_help = "Example:
  rollcall integration archive 'Northwind/Order sync'")]
    Archive {
        /// The integration: an id, `Account/Name`, or a name that only one has
        #[arg(value_name = "I")]
        integration: String,
    },
    /// List integrations and where they stand
    List {
        /// Only those of this account, by id or name
        #[arg(long, value_name = "A")]
        account: Option<String>,
    },
}

/// An integration in JSON.
#[derive(Serialize)]
struct Shown {
    id: IntegrationId,
    account_id: AccountId,
    name: String,
    standing: Standing,
    created_at: UnixMs,
    /// Only of one that was archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<UnixMs>,
}

impl Shown {
    fn of(integration: accounts::Integration, standing: Standing) -> Self {
        Self {
            id: integration.id,
            account_id: integration.account_id,
            name: integration.name,
            standing,
            created_at: integration.created_at,
            archived_at: integration.archived_at,
        }
    }
}

impl Integration {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        within(settings, async |at| match self {
            Self::Create { account, name } => create(at, settings, &account, &name).await,
            Self::Rename { integration, name } => rename(at, settings, &integration, &name).await,
            Self::Archive { integration } => archive(at, settings, &integration).await,
            Self::List { account } => list(at, settings, account.as_deref()).await,
        })
        .await
    }
}

async fn create(at: &Installation, settings: &Settings, account: &str, name: &str) -> Result<()> {
    let created = at
        .engine
        .create_integration(&at.by, account, name.parse()?)
        .await?;
    let shown = Shown::of(created, Standing::NoToken);
    let output = settings.output();
    output.say(&format!("Created the integration {}:", shown.name));
    output.data(&shown, || shown.id.to_string())
}

async fn rename(at: &Installation, settings: &Settings, named: &str, name: &str) -> Result<()> {
    let id = find::integration(at, named).await?;
    let renamed = at
        .engine
        .rename_integration(&at.by, &id, name.parse()?)
        .await?;
    let (standing, _) = at.engine.integration_standing(&at.by, &id).await?;
    let shown = Shown::of(renamed, standing);
    let output = settings.output();
    output.say(&format!("Renamed it to {}:", shown.name));
    output.data(&shown, || shown.id.to_string())
}

async fn archive(at: &Installation, settings: &Settings, named: &str) -> Result<()> {
    let id = find::integration(at, named).await?;
    let archived = at.engine.archive_integration(&at.by, &id).await?;
    let output = settings.output();
    output.say(&format!(
        "Archived {}; live tokens revoked: {}",
        archived.integration.name, archived.revoked
    ));
    let shown = Shown::of(archived.integration, archived.standing);
    output.data(&shown, || shown.id.to_string())
}

async fn list(at: &Installation, settings: &Settings, account: Option<&str>) -> Result<()> {
    let accounts = match account {
        Some(account) => vec![at.engine.account(&at.by, account).await?],
        None => at.engine.accounts(&at.by).await?,
    };
    let only = account.and(accounts.first()).map(|account| &account.id);
    let found = at.engine.integrations(&at.by, only).await?;
    let mut list = Vec::new();
    // By account and name, as people look for them.
    for account in &accounts {
        for (integration, standing) in &found {
            if integration.account_id == account.id {
                list.push((account, Shown::of(integration.clone(), *standing)));
            }
        }
    }
    let rows: Vec<[String; 4]> = list
        .iter()
        .map(|(account, shown)| {
            [
                shown.id.to_string(),
                account.name.clone(),
                shown.name.clone(),
                shown.standing.words().to_owned(),
            ]
        })
        .collect();
    let values: Vec<Shown> = list.into_iter().map(|(_, shown)| shown).collect();
    if values.is_empty() {
        settings
            .output()
            .say("There is no integration yet: rollcall integration create --account A --name N");
    }
    settings.output().data(&values, || {
        if rows.is_empty() {
            String::new()
        } else {
            table(["ID", "ACCOUNT", "NAME", "STANDING"], &rows)
        }
    })
}
