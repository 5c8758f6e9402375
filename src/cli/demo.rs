/// Who is who in the demo, and how each of them calls.
mod cast;
/// The folder that holds the demo, and nothing else.
mod folder;
/// Two months of history, lived through by the engine itself.
mod past;
/// What its customers have asked support.
mod questions;
/// Requests through the real `/verify`, as a gateway would send them.
mod traffic;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::failure::{Failure, Result};
use super::opening::Installation;
use super::serve::{Signals, answer, bind};
use super::{Settings, logging};
use crate::auth;
use crate::config::{Config, Flags};
use cast::{LOGINS, Login};
use folder::Folder;

/// The password of every login of the demo. Fixed, because nobody but this machine can reach it.
const PASSWORD: &str = "rollcall-demo-login";

/// `rollcall demo`
#[derive(Debug, Args)]
#[command(
    after_help = "It listens on this machine alone, keeps its data apart in a folder of its own, reads no \
rollcall.toml, and begins afresh at every start. Ctrl-C ends it.

Examples:
  rollcall demo
  rollcall demo --address 127.0.0.1:3100"
)]
pub struct Demo {
    /// The address and port to listen on; this machine only
    #[arg(
        long,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:3000",
        env = "ROLLCALL_ADDR"
    )]
    address: SocketAddr,
    /// Where its data goes: a folder that is empty or was made by a demo [default: demo-data/PORT]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// What is said when it answers.
#[derive(Serialize)]
struct Started {
    public_url: String,
    database_url: String,
    password: &'static str,
    logins: [Login; 3],
    /// A command that is answered 401, with the explanation.
    refused: String,
}

impl Demo {
    /// Seeds, answers, and calls itself until told to stop.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        if !self.address.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "the demo has passwords that everybody knows, so it listens on this machine alone: \
                 --address takes 127.0.0.1:PORT, not {}",
                self.address
            )));
        }
        let mut signals = Signals::listen()?;
        let mut config = self.config(&PathBuf::new())?;
        let listener = bind(&mut config).await?;
        let path = self
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from("demo-data").join(config.address.port().to_string()));
        let folder = Folder::take(&path)?;
        let address = config.address;
        let mut config = self.config(&path)?;
        config.listens_on(address);
        logging::start(&config);
        settings
            .output()
            .say("Living through the last two months (some seconds) …");
        let mut at = Installation::open_moved(config, past::BEGINS_MS).await?;
        at.by = auth::operator("priya".to_owned());
        let tokens = tokio::select! {
            tokens = past::live_through(&at) => tokens?,
            () = signals.next() => return Err(Failure::failed("ended before it began")),
        };
        at.serve().await?;
        let started = Started::of(&at, &tokens);
        settings.output().data(&started, || started.text())?;
        let traffic = traffic::start(&at, tokens)?;
        let answered = answer(listener, &at, &mut signals).await;
        traffic.abort();
        drop(folder);
        answered
    }

    /// Settings of the demo's own: nothing of a real installation is read but how to log.
    fn config(&self, folder: &std::path::Path) -> Result<Config> {
        let flags = Flags {
            alone: true,
            address: Some(self.address.to_string()),
            database_url: Some(format!("sqlite://{}", folder.join("rollcall.db").display())),
            ..Flags::default()
        };
        let mail = format!("file://{}", folder.join("mail").display());
        let env = |name: &str| match name {
            "ROLLCALL_TRUSTED_PROXIES" => Some(OsString::from("127.0.0.0/8, ::1")),
            "ROLLCALL_MAIL_URL" => Some(OsString::from(&mail)),
            "ROLLCALL_LOG" => Some(
                std::env::var_os(name).unwrap_or_else(|| "warn,tower_sessions_core=error".into()),
            ),
            "ROLLCALL_LOG_FORMAT" => std::env::var_os(name),
            _ => None,
        };
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        Ok(Config::from_sources(&flags, env, on_terminal)?)
    }
}

impl Started {
    fn of(at: &Installation, tokens: &[traffic::Line]) -> Self {
        let url = &at.config.public_url;
        let dead = tokens.iter().find(|line| line.client.is_dead());
        let dead = dead.map_or("", |line| line.token.expose());
        Self {
            public_url: url.clone(),
            database_url: at.config.database_url.clone(),
            password: PASSWORD,
            logins: LOGINS,
            refused: format!("curl -i -H 'Authorization: Bearer {dead}' {url}/verify"),
        }
    }

    fn text(&self) -> String {
        let logins: Vec<String> = self
            .logins
            .iter()
            .map(|login| format!("  {:24} {:20} {}", login.email, PASSWORD, login.who))
            .collect();
        format!(
            "Rollcall's demo answers at {url}

  Sign in as               with                 who is
{logins}

What to try
  1. A customer's integration stopped at a cutover. This is answered 401, and says why:

{refused}

     Open its help_url, sign in as Ana, generate a new token, put it into the command above.
  2. As Mei: is anything wrong on a calm day?
  3. As Priya: who would break if the rotation were finalised now? Some of those not seen yet
     call for the first time within the next minutes.
  4. The same on the command line:

rollcall --database-url {database} rotation rehearse

Ctrl-C ends it; the next start begins afresh.",
            url = self.public_url,
            logins = logins.join("\n"),
            refused = self.refused,
            database = self.database_url,
        )
    }
}
