//! What each value takes: each function reads a text, or says in words what it takes.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use axum::http::Uri;
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::LogFormat;
use crate::auth::Mode;
use crate::model::Span;

/// What a public URL takes.
pub const PUBLIC_URL_TAKES: &str = "the https:// URL at which the dashboard is reached, without a path \
     (http:// only for this machine itself, such as http://127.0.0.1:3000)";

type Read<T> = Result<T, String>;

pub fn database_url(text: &str) -> Read<String> {
    let text = text.trim();
    let sqlite = text
        .strip_prefix("sqlite://")
        .is_some_and(|path| !path.is_empty() && !path.contains(['?', '#']));
    if sqlite || text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(text.to_owned())
    } else {
        Err("sqlite://FILE or postgres://USER@HOST/DATABASE".to_owned())
    }
}

pub fn direct_url(text: &str) -> Read<String> {
    match database_url(text) {
        Ok(url) if !url.starts_with("sqlite://") => Ok(url),
        _ => Err("postgres://USER@HOST/DATABASE, past the pooler".to_owned()),
    }
}

/// Whether a pooler stands before the database.
pub fn pooler(text: &str) -> Read<bool> {
    match text.trim() {
        "none" => Ok(false),
        "transaction" => Ok(true),
        _ => Err(
            "none, or transaction for a pooler such as PgBouncer in transaction mode".to_owned(),
        ),
    }
}

pub fn address(text: &str) -> Read<SocketAddr> {
    text.trim()
        .parse()
        .map_err(|_| "an IP address and a port, such as 127.0.0.1:3000 or [::]:3000".to_owned())
}

pub fn public_url(text: &str) -> Read<String> {
    let text = text.trim().trim_end_matches('/');
    let takes = || PUBLIC_URL_TAKES.to_owned();
    let uri: Uri = text.parse().map_err(|_| takes())?;
    let host = uri.host().ok_or_else(takes)?;
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let clean = bare && !text.contains(['@', '#', '?']);
    match uri.scheme_str() {
        Some("https") if clean => Ok(text.to_owned()),
        Some("http") if clean && is_this_machine(host) => Ok(text.to_owned()),
        _ => Err(takes()),
    }
}

/// Whether a browser treats this host as the machine it runs on.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

pub fn version_mark(text: &str) -> Read<PathBuf> {
    let path = PathBuf::from(text.trim());
    if path.file_name().is_some() && !path.is_dir() {
        Ok(path)
    } else {
        Err("the path of a file, in a folder of this machine that outlives the process".to_owned())
    }
}

pub fn lease(text: &str) -> Read<Span> {
    let takes = "a length of time from 500ms to 60s, such as 2s";
    match text.parse::<Span>() {
        Ok(span) if (500..=60_000).contains(&span.ms()) => Ok(span),
        _ => Err(takes.to_owned()),
    }
}

pub fn mode(text: &str) -> Read<Mode> {
    match text.trim() {
        "enforce" => Ok(Mode::Enforce),
        "observe" => Ok(Mode::Observe),
        _ => Err("enforce or observe".to_owned()),
    }
}

pub fn mail_url(text: &str) -> Read<String> {
    let text = text.trim();
    let known = ["file://", "smtp://", "smtps://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty())
    });
    if known {
        Ok(text.to_owned())
    } else {
        Err("file://FOLDER, smtp://HOST:PORT or smtps://USER:PASSWORD@HOST".to_owned())
    }
}

pub fn audience(text: &str) -> Read<String> {
    let text = text.trim();
    if text.chars().any(char::is_control) || text.chars().count() > 200 {
        return Err("the name of your API on one line, such as https://api.example.com".to_owned());
    }
    Ok(text.to_owned())
}

pub fn networks(text: &str) -> Read<Vec<IpNet>> {
    text.split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
        })
        .collect::<Result<_, _>>()
        .map_err(|_| {
            "addresses or networks with commas between, such as 10.0.0.0/8, 127.0.0.1".to_owned()
        })
}

pub fn log_filter(text: &str) -> Read<String> {
    // A bare word that is no level would be read as the one module that is logged.
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let mut parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let is_sound = parts.all(|part| part.contains(['=', '[']) || is_level(part));
    if is_sound && EnvFilter::builder().parse(text).is_ok() {
        Ok(text.trim().to_owned())
    } else {
        Err(
            "off, error, warn, info, debug or trace, also by module: rollcall=debug,warn"
                .to_owned(),
        )
    }
}

pub fn log_format(text: &str) -> Read<LogFormat> {
    match text.trim() {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("pretty or json".to_owned()),
    }
}
