use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::cli::failure::{Failure, Result};
use crate::rotation::Part;

/// Settings in a URL that PostgreSQL's own library knows; sqlx has others, which it refuses.
const KNOWN: [&str; 12] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
    "options",
    "connect_timeout",
];

/// A database's URL without its password, and the password.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    url: String,
    password: Option<String>,
}

impl Target {
    /// Takes a `postgres://` URL apart. A password never becomes part of a command line, which every
    /// process of the machine can read.
    fn of(url: &str) -> Self {
        let (bare, query) = url.split_once('?').unwrap_or((url, ""));
        let mut password = None;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "password" => password = Some(decode(value)),
                name if KNOWN.contains(&name) => kept.push(pair),
                _ => {}
            }
        }
        let mut url = bare.to_owned();
        if let Some((scheme, rest)) = bare.split_once("://")
            && let Some((user, host)) = rest.rsplit_once('@')
            && let Some((user, secret)) = user.split_once(':')
        {
            password = password.or_else(|| Some(decode(secret)));
            url = format!("{scheme}://{user}@{host}");
        }
        if !kept.is_empty() {
            url = format!("{url}?{}", kept.join("&"));
        }
        Self { url, password }
    }

    fn arguments(&self, file: &Path) -> [String; 4] {
        [
            "--format=custom".to_owned(),
            "--no-password".to_owned(),
            format!("--file={}", file.display()),
            format!("--dbname={}", self.url),
        ]
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1).
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        if let (b'%', Some(byte)) = (first, hex) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Has `pg_dump` write the database, as it is at one moment, into the new file `to`.
pub async fn make(url: &str, to: &Path) -> Result<()> {
    let target = Target::of(url);
    let failed = |error: io::Error| Failure::failed(format!("{}: {error}", to.display()));
    let part = Part::begin(to).map_err(failed)?;
    let mut command = Command::new("pg_dump");
    command
        .args(target.arguments(part.path()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(password) = &target.password {
        command.env("PGPASSWORD", password);
    }
    let by_hand = format!("pg_dump {}", quoted(&target.arguments(to)));
    let output = command.output().await.map_err(|error| {
        Failure::failed(match error.kind() {
            io::ErrorKind::NotFound => format!(
                "pg_dump is not here; install PostgreSQL's client programs, or run this where they are, with the \
                 password in PGPASSWORD or ~/.pgpass:\n  {by_hand}"
            ),
            _ => format!("pg_dump cannot be run: {error}"),
        })
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::failed(format!(
            "pg_dump made no backup: {}\nBy hand it is, with the password in PGPASSWORD or ~/.pgpass:\n  {by_hand}",
            said.trim()
        )));
    }
    part.finish().map_err(failed)
}

/// Arguments as a shell takes them.
fn quoted(arguments: &[String]) -> String {
    let quoted: Vec<String> = arguments
        .iter()
        .map(|argument| format!("'{}'", argument.replace('\'', r"'\''")))
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_no_argument() {
        for (url, without, password) in [
            ("postgres://u@h/d", "postgres://u@h/d", None),
            (
                "postgres://u:p%40s@h:5432/d",
                "postgres://u@h:5432/d",
                Some("p@s"),
            ),
            (
                "postgres://u@h/d?password=p%25&sslmode=require",
                "postgres://u@h/d?sslmode=require",
                Some("p%"),
            ),
            (
                "postgres://u@localhost/d?host=/run/pg&statement-cache-capacity=0",
                "postgres://u@localhost/d?host=/run/pg",
                None,
            ),
        ] {
            let target = Target::of(url);
            assert_eq!(target.url, without);
            assert_eq!(target.password.as_deref(), password);
        }
    }
}
