use clap::Subcommand;

use super::Settings;
use super::failure::Result;
use super::passwords::{self, Person};

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
}

impl User {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let Self::Create {
            account,
            email,
            name,
            password_stdin,
        } = self;
        let person = Person {
            account: Some(account),
            email,
            name,
            password_stdin,
        };
        passwords::create(settings, person).await
    }
}
