use clap::Subcommand;

use super::Settings;
use super::failure::Result;
use super::passwords::{self, Person};

/// `rollcall admin …`
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Create an admin; without a password, print a one-time link that sets it
    #[command(after_help = "Examples:
  rollcall admin create --email priya@example.com
  pass show rollcall | rollcall admin create --email priya@example.com --password-stdin")]
    Create {
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

impl Admin {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let Self::Create {
            email,
            name,
            password_stdin,
        } = self;
        let person = Person {
            account: None,
            email,
            name,
            password_stdin,
        };
        passwords::create(settings, person).await
    }
}
