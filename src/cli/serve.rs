use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::failure::{Failure, Result};
use super::opening::Installation;
use super::{Settings, logging};
use crate::config::{Config, Flags};
use crate::notify::Delivery;
use crate::web;

/// How long requests in flight are waited for.
const DRAIN: Duration = Duration::from_secs(4);
/// How long it may take from the signal until everything that waits is written: what the drain did
/// not need is left for the last counts.
const LEAVE: Duration = Duration::from_millis(4700);

/// `rollcall serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from rollcall.toml, ROLLCALL_… in the environment, and flags, the last one \
counting. SIGTERM and Ctrl-C drain and end within 5 seconds; a second Ctrl-C ends at once.

Examples:
  rollcall serve
  rollcall serve --address 0.0.0.0:3000 --public-url https://keys.example.com"
)]
pub struct Serve {
    /// As `ROLLCALL_ADDR`.
    #[arg(
        long,
        value_name = "IP:PORT",
        help = "The address and port to listen on [env: ROLLCALL_ADDR] [default: 127.0.0.1:3000]"
    )]
    address: Option<String>,
    /// As `ROLLCALL_PUBLIC_URL`.
    #[arg(
        long,
        value_name = "URL",
        help = "Where people and gateways reach it [env: ROLLCALL_PUBLIC_URL] [default: http://ADDRESS]"
    )]
    public_url: Option<String>,
}

/// What is said when it answers.
#[derive(Serialize)]
struct Started {
    address: SocketAddr,
    public_url: String,
    /// Where the first admin is created; none when there is one.
    setup_url: Option<String>,
}

impl Serve {
    /// Answers requests until told to stop.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let flags = Flags {
            address: self.address,
            public_url: self.public_url,
            ..settings.flags()
        };
        let mut config = Config::load(&flags, io::IsTerminal::is_terminal(&io::stderr()))?;
        logging::start(&config);
        let mut signals = Signals::listen()?;
        let listener = bind(&mut config).await?;
        let at = Installation::open_migrated(config, settings.accept_older_database).await?;
        at.engine.set_lease(at.config.lease.ms()).await?;
        at.serve().await?;
        let link = at.engine.setup_link().await?;
        let started = Started {
            address: at.config.address,
            public_url: at.config.public_url.clone(),
            setup_url: link.map(|link| at.link("/setup", &link)),
        };
        settings.output().data(&started, || started.text())?;
        answer(listener, &at, &mut signals).await
    }
}

impl Started {
    fn text(&self) -> String {
        let mut text = format!("Rollcall answers at {}", self.public_url);
        if let Some(url) = &self.setup_url {
            text = format!(
                "{text}\nThere is no admin yet. Create one here, once, within a day:\n  {url}"
            );
        }
        text
    }
}

/// Takes the address of the settings; with port 0 the settings learn which one it became.
pub async fn bind(config: &mut Config) -> Result<TcpListener> {
    let refused = |error: io::Error| {
        let address = config.address;
        Failure::failed(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{address} is taken by another process: end it, or choose another with --address or ROLLCALL_ADDR"
            ),
            _ => format!("ROLLCALL_ADDR: {address} cannot be listened on: {error}"),
        })
    };
    let listener = TcpListener::bind(config.address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    config.listens_on(address);
    Ok(listener)
}

/// Answers requests until a signal; then drains, writes what waits, and leaves.
pub async fn answer(listener: TcpListener, at: &Installation, signals: &mut Signals) -> Result<()> {
    let config = &at.config;
    let app = web::AppState::new(
        at.engine.clone(),
        config.trusted_proxies.clone(),
        config.mode,
        config.address.port(),
        &config.mail_url,
    );
    let delivery = Delivery::begin(at.engine.clone(), app.mailer.clone());
    let service = web::router(&app).into_make_service_with_connect_info::<SocketAddr>();
    let (tell, told) = oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        // Dropped unsent, it also means stop.
        let _ = told.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tracing::info!(address = %config.address, public_url = config.public_url, "serving");
    tokio::select! {
        ended = &mut server => {
            return Err(Failure::failed(format!("the server ended by itself: {ended:?}")));
        }
        () = signals.next() => {}
    }
    tracing::info!("stopping: requests in flight are answered first");
    let mut end = pin!(tokio::time::sleep(LEAVE));
    drop(tell);
    let drained = async {
        tokio::join!(
            async {
                if tokio::time::timeout(DRAIN, &mut server).await.is_err() {
                    tracing::warn!("some requests took too long and were cut");
                }
            },
            delivery.end(DRAIN),
        )
    };
    tokio::select! {
        _ = drained => {}
        () = signals.next() => return Err(Failure::failed("ended at once, as asked")),
    }
    tokio::select! {
        stopped = at.engine.stop() => Ok(stopped?),
        () = &mut end => Err(Failure::failed("the last counts could not be written in time")),
    }
}

/// What asks a process to stop: SIGTERM and SIGINT.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub fn listen() -> Result<Self> {
        let failed =
            |error: io::Error| Failure::failed(format!("signals cannot be heard: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
