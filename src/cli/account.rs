use clap::Subcommand;
use serde::Serialize;

use super::failure::Result;
use super::opening::{Installation, within};
use super::output::{facts, table};
use super::{Settings, words};
use crate::model::{AccountId, UnixMs};
use crate::store::accounts;

/// `rollcall account …`
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Create an account; print its id
    #[command(after_help = "Example:
  rollcall account create --name Northwind --contact ops@northwind.example")]
    Create {
        /// Its name
        #[arg(long, value_name = "N")]
        name: String,
        /// The e-mail address that is warned before a cutover
        #[arg(long, value_name = "E")]
        contact: String,
    },
    /// List every account
    List,
    /// Show one account
    Show {
        /// Its id or name
        #[arg(value_name = "A")]
        account: String,
    },
    /// Refuse every token and session of an account, until it is enabled
    Disable {
        /// Its id or name
        #[arg(value_name = "A")]
        account: String,
    },
    /// Accept its tokens and sessions again
    Enable {
        /// Its id or name
        #[arg(value_name = "A")]
        account: String,
    },
}

/// An account in JSON.
#[derive(Serialize)]
struct Shown {
    id: AccountId,
    name: String,
    contact: String,
    disabled: bool,
    created_at: UnixMs,
    disabled_at: Option<UnixMs>,
}

impl From<accounts::Account> for Shown {
    fn from(account: accounts::Account) -> Self {
        Self {
            disabled: account.disabled_at.is_some(),
            id: account.id,
            name: account.name,
            contact: account.contact,
            created_at: account.created_at,
            disabled_at: account.disabled_at,
        }
    }
}

impl Account {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        within(settings, async |at| self.run_at(at, settings).await).await
    }

    async fn run_at(self, at: &Installation, settings: &Settings) -> Result<()> {
        let (engine, by, output) = (&at.engine, &at.by, settings.output());
        match self {
            Self::Create { name, contact } => {
                let account = engine
                    .create_account(by, name.parse()?, contact.parse()?)
                    .await?;
                let shown = Shown::from(account);
                output.say(&format!("Created the account {}:", shown.name));
                output.data(&shown, || shown.id.to_string())
            }
            Self::List => {
                let list: Vec<Shown> = engine
                    .accounts(by)
                    .await?
                    .into_iter()
                    .map(Shown::from)
                    .collect();
                if list.is_empty() {
                    output.say(
                        "There is no account yet: rollcall account create --name N --contact E",
                    );
                }
                output.data(&list, || list_text(&list))
            }
            Self::Show { account } => {
                let shown = Shown::from(engine.account(by, &account).await?);
                output.data(&shown, || shown.text(engine.now()))
            }
            Self::Disable { account } => {
                let shown = Shown::from(engine.set_account_disabled(by, &account, true).await?);
                output.say(&format!(
                    "{} is disabled: its tokens and sessions are refused from now on",
                    shown.name
                ));
                output.data(&shown, String::new)
            }
            Self::Enable { account } => {
                let shown = Shown::from(engine.set_account_disabled(by, &account, false).await?);
                output.say(&format!("{} is enabled", shown.name));
                output.data(&shown, String::new)
            }
        }
    }
}

impl Shown {
    fn text(&self, now: UnixMs) -> String {
        facts(&[
            ("id", self.id.to_string()),
            ("name", self.name.clone()),
            ("contact", self.contact.clone()),
            ("created", words::when(self.created_at, now)),
            (
                "disabled",
                match self.disabled_at {
                    Some(at) => words::when(at, now),
                    None => "no".to_owned(),
                },
            ),
        ])
    }
}

fn list_text(list: &[Shown]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 4]> = list
        .iter()
        .map(|account| {
            [
                account.id.to_string(),
                account.name.clone(),
                account.contact.clone(),
                if account.disabled { "disabled" } else { "" }.to_owned(),
            ]
        })
        .collect();
    table(["ID", "NAME", "CONTACT", ""], &rows)
}
