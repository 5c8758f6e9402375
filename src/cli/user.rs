use clap::Subcommand;
use serde::Serialize;

use super::Settings;
use super::failure::Result;
use super::opening;
use super::passwords::{self, Person};
use crate::model::{EmailAddress, UserId};

/// `rollcall user …`
#[derive(Debug, Subcommand)]
pub enum User {
    /// Create a member of an account; without a password, print a one-time link that sets it
    #[command(after_help = "Example:
  rollcall user create --account Northwind --email ana@northwind.example")]
    Create {
        /// The account, by id or name
        #[arg(long, value_name = "A")]
        account: String,
        /// The address used to sign in
        #[arg(long, value_name = "E")]
        email: String,
        /// The person's name; what stands before the @ when left out
        #[arg(long, value_name = "N")]
        name: Option<String>,
        /// Read the password from stdin: its first line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Take the second factor off a member or admin who has lost it and the recovery codes; they learn of it by mail
    #[command(
        after_help = "Make sure first that it is they who ask: from now on their password alone signs them in.

Example:
  rollcall user reset-second-factor --email ana@northwind.example"
    )]
    ResetSecondFactor {
        /// The address used to sign in
        #[arg(long, value_name = "E")]
        email: String,
    },
}

impl User {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Create {
                account,
                email,
                name,
                password_stdin,
            } => {
                let person = Person {
                    account: Some(account),
                    email,
                    name,
                    password_stdin,
                };
                passwords::create(settings, person).await
            }
            Self::ResetSecondFactor { email } => reset_second_factor(settings, &email).await,
        }
    }
}

/// What is said of a second factor that was taken off.
#[derive(Serialize)]
struct Reset {
    id: UserId,
    email: String,
}

async fn reset_second_factor(settings: &Settings, email: &str) -> Result<()> {
    opening::within(settings, async |at| {
        let email: EmailAddress = email.parse()?;
        let id = at.engine.reset_second_factor(&at.by, &email).await?;
        let output = settings.output();
        output.say(&format!(
            "{email} signs in with the password alone now, and gets a letter about it"
        ));
        let reset = Reset {
            id,
            email: email.to_string(),
        };
        output.data(&reset, || reset.id.to_string())
    })
    .await
}
