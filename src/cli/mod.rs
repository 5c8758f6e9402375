//! The `rollcall` command: `rollcall <noun> <verb>`. Data goes to stdout, talk to stderr; with
//! `--json` stdout holds one JSON value or nothing; nothing prompts unless it sits on a terminal.

/// Accounts: create, list, show, disable, enable.
mod account;
/// The platform's admins.
mod admin;
/// A copy of the database while it is in use.
pub(crate) mod backup;
/// A cast, a past and live traffic, to look around in.
mod demo;
/// Whether everything is as it should be.
mod doctor;
/// Why a command ends as it does: exit codes.
mod failure;
/// Finds what people name in words.
mod find;
/// Integrations: create, rename, archive, list.
mod integration;
/// Signing keys: list, import, compromised, alarm, reseal.
mod key;
/// Log lines: what is written, and how.
mod logging;
/// An opened installation: settings, engine, and who asks.
mod opening;
/// What goes to stdout and what to stderr.
mod output;
/// Passwords on stdin, and links that set one.
mod passwords;
/// Rotations: start, rehearse, finalise and the rest.
mod rotation;
/// Answers requests until it is told to stop.
mod serve;
/// What a shell and a manual reader want to know.
mod shell;
/// Access tokens: issue, show, revoke, inspect; those that were issued elsewhere.
mod token;
/// Members of accounts.
mod user;
/// Times and lengths of time as people say them.
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use failure::{Failure, Result};
use output::Output;

use crate::config::Flags;

const EXAMPLES: &str = "\x1b[1mExamples:\x1b[0m
  rollcall demo                                       look around, without setting anything up
  rollcall serve                                      answer requests at http://127.0.0.1:3000
  rollcall admin create --email priya@example.com     prints a link that sets the password
  rollcall account create --name Northwind --contact ops@northwind.example
  rollcall integration create --account Northwind --name 'Order sync'
  rollcall token issue --integration 'Northwind/Order sync'
  rollcall rotation start --window 14d                record use from now on
  rollcall rotation rehearse                          who breaks if we finalise now?

\x1b[1mExit codes:\x1b[0m
  0 done · 1 failed · 2 usage · 3 refused by a rule · 4 not found · 5 database unreachable";

/// Rotates an API's signing key without breaking the customers who are using it
#[derive(Debug, Parser)]
#[command(
    name = "rollcall",
    version,
    after_help = EXAMPLES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Rollcall {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    noun: Noun,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
struct Settings {
    /// Write one JSON value to stdout
    #[arg(long, global = true)]
    json: bool,
    /// As `ROLLCALL_CONFIG`.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Settings",
        help = "The settings file [env: ROLLCALL_CONFIG] [default: rollcall.toml, if there is one]"
    )]
    config: Option<PathBuf>,
    /// As `ROLLCALL_DATABASE_URL`.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help_heading = "Settings",
        help = "The database [env: ROLLCALL_DATABASE_URL] [default: sqlite://data/rollcall.db]"
    )]
    database_url: Option<String>,
    /// Accept, once, a database that is older than the one last used here: it was restored from a
    /// backup. It is written in the audit
    #[arg(long, global = true, help_heading = "Settings")]
    accept_older_database: bool,
}

impl Settings {
    fn flags(&self) -> Flags {
        Flags {
            file: self.config.clone(),
            database_url: self.database_url.clone(),
            ..Flags::default()
        }
    }

    fn output(&self) -> Output {
        Output::new(self.json)
    }
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Answer requests until told to stop
    Serve(serve::Serve),
    /// Look around in a believable platform with live traffic; touches nothing of yours
    Demo(demo::Demo),
    /// Bring the database up to date with this release
    Migrate,
    /// Check settings, database, keys, clock and assets; say what to do
    Doctor,
    /// Admins of the platform
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Accounts: your customers
    #[command(subcommand)]
    Account(account::Account),
    /// Users: the people of an account who log in
    #[command(subcommand)]
    User(user::User),
    /// Integrations: the API clients of an account
    #[command(subcommand)]
    Integration(integration::Integration),
    /// Access tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Rotations of the signing key
    #[command(subcommand)]
    Rotation(rotation::Rotation),
    /// Signing keys
    #[command(subcommand)]
    Key(key::Key),
    /// Copy the database into a new file, while it is in use
    Backup(backup::Backup),
    /// Print a completion script for a shell
    Completions(shell::Completions),
    /// Print the manual page
    Man,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let Rollcall { settings, noun } = Rollcall::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::failed(format!("no threads can be started: {error}")).tell(),
    };
    let outcome = runtime.block_on(run(&settings, noun));
    // What still runs has had its time.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

async fn run(settings: &Settings, noun: Noun) -> Result<()> {
    match noun {
        Noun::Serve(serve) => return serve.run(settings).await,
        Noun::Demo(demo) => return demo.run(settings).await,
        _ => logging::start_quiet(),
    }
    match noun {
        Noun::Serve(_) | Noun::Demo(_) => Ok(()),
        Noun::Migrate => opening::migrate(settings).await,
        Noun::Doctor => doctor::run(settings).await,
        Noun::Admin(command) => command.run(settings).await,
        Noun::Account(command) => command.run(settings).await,
        Noun::User(command) => command.run(settings).await,
        Noun::Integration(command) => command.run(settings).await,
        Noun::Token(command) => command.run(settings).await,
        Noun::Rotation(command) => command.run(settings).await,
        Noun::Key(command) => command.run(settings).await,
        Noun::Backup(command) => command.run(settings).await,
        Noun::Completions(command) => command.run(),
        Noun::Man => shell::man(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_is_put_together_soundly() {
        super::Rollcall::command().debug_assert();
    }
}
