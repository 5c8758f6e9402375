use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Logs as the settings say, to stderr.
pub fn start(config: &Config) {
    let filter = EnvFilter::new(&config.log);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(has_colour());
    let started = match config.log_format {
        LogFormat::Pretty => lines.with_target(false).compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    // Already started: what logs already goes on.
    drop(started);
}

/// For commands that do one thing and end: what went wrong, and nothing else.
pub fn start_quiet() {
    let started = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("error"))
        .with_writer(io::stderr)
        .with_ansi(has_colour())
        .with_target(false)
        .without_time()
        .compact()
        .try_init();
    drop(started);
}

/// Whether stderr shows colours, and wants them (no-color.org).
fn has_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
