/// Master key, signing keys, forgeries, version mark.
mod keys;

use std::io::IsTerminal as _;

use axum::body::Body;
use axum::http::Request;
use serde::{Serialize, Serializer};
use tower::ServiceExt as _;

use super::failure::{Failure, Result};
use super::opening::{connect, is_sound};
use super::{Settings, words};
use crate::config::{Config, Mode, without_password};
use crate::model::Clock;
use crate::store::{Db, letters};
use crate::web::assets;

/// The clocks of node and database may differ this much, in milliseconds, before it is worth a word.
const MOST_SKEW_MS: i64 = 2_000;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Fine,
    Warning,
    Failed,
}

impl Outcome {
    const fn slug(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Line {
    check: &'static str,
    outcome: Outcome,
    found: String,
    /// What to do about it.
    todo: Option<String>,
}

/// The lines so far.
#[derive(Default)]
struct Report(Vec<Line>);

impl Report {
    fn fine(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Outcome::Fine, found.into(), None);
    }

    fn warn(&mut self, check: &'static str, found: impl Into<String>, todo: &str) {
        self.add(check, Outcome::Warning, found.into(), Some(todo));
    }

    fn fail(&mut self, check: &'static str, found: impl Into<String>, todo: &str) {
        self.add(check, Outcome::Failed, found.into(), Some(todo));
    }

    fn add(&mut self, check: &'static str, outcome: Outcome, found: String, todo: Option<&str>) {
        self.0.push(Line {
            check,
            outcome,
            found,
            todo: todo.map(str::to_owned),
        });
    }

    fn text(&self) -> String {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|line| {
                let todo = line
                    .todo
                    .as_ref()
                    .map_or_else(String::new, |todo| format!(" → {todo}"));
                format!(
                    "{:7}  {:8}  {}{todo}",
                    line.outcome.slug(),
                    line.check,
                    line.found
                )
            })
            .collect();
        lines.join("\n")
    }
}

/// `rollcall doctor`: looks at everything, changes nothing.
pub async fn run(settings: &Settings) -> Result<()> {
    let mut report = Report::default();
    match Config::load(&settings.flags(), std::io::stderr().is_terminal()) {
        Ok(config) => {
            let mode = match config.mode {
                Mode::Enforce => "enforcing",
                Mode::Observe => "observing only",
            };
            report.fine("config", format!("{}, {mode}", config.public_url));
            strange_variables(&mut report);
            database(&mut report, &config).await;
        }
        Err(error) => report.fail("config", error.to_string(), "correct the setting"),
    }
    assets_are_there(&mut report).await;
    settings.output().data(&report.0, || report.text())?;
    let failed = report
        .0
        .iter()
        .filter(|line| line.outcome == Outcome::Failed)
        .count();
    if failed > 0 {
        return Err(Failure::failed(format!(
            "{failed} of {} checks failed",
            report.0.len()
        )));
    }
    Ok(())
}

/// A name that was mistyped is not read, and nobody notices.
fn strange_variables(report: &mut Report) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("ROLLCALL_") && !crate::config::is_known_variable(&name) {
            report.warn(
                "config",
                format!("{name} is set, and there is no such setting"),
                "check its spelling",
            );
        }
    }
}

async fn database(report: &mut Report, config: &Config) {
    let url = without_password(&config.database_url);
    if let Some(file) = config.sqlite_file()
        && !file.exists()
    {
        let todo = "`rollcall serve` creates it, and its master key";
        return report.warn("database", format!("{url} does not exist yet"), todo);
    }
    let db = match connect(config).await {
        Ok(db) => db,
        Err(failure) => {
            let todo = "check ROLLCALL_DATABASE_URL, and that the database runs";
            return report.fail("database", format!("{url}: {}", failure.message()), todo);
        }
    };
    match db.pending_migrations().await {
        Ok(0) => report.fine("database", format!("{url} is up to date")),
        Ok(pending) => {
            return report.fail(
                "database",
                format!(
                    "{url} lacks {}",
                    words::counted(i64::try_from(pending).unwrap_or(i64::MAX), "migration")
                ),
                "run `rollcall migrate`",
            );
        }
        Err(error) => {
            let failure = Failure::from(error);
            return report.fail(
                "database",
                format!("{url}: {}", failure.message()),
                "check the database",
            );
        }
    }
    engine_version(report, &db).await;
    keys::look(report, config, &db).await;
    clock(report, &db).await;
    mail(report, config, &db).await;
    db.close().await;
}

/// Whether letters leave, and by which way.
async fn mail(report: &mut Report, config: &Config, db: &Db) {
    let unsent = async {
        let mut tx = db.read().await?;
        letters::count_unsent(&mut tx).await
    };
    let way = without_password(&config.mail_url);
    match unsent.await {
        Ok((_, given_up)) if given_up > 0 => report.warn(
            "mail",
            format!("{way}: {} given up", words::counted(given_up, "letter")),
            "see /admin/notify for what the mail server said",
        ),
        Ok(_) if way.starts_with("file://") && config.public_url.starts_with("https://") => report
            .warn(
                "mail",
                format!("letters go into files ({way}), and nobody gets them"),
                "set ROLLCALL_MAIL_URL to your mail server",
            ),
        Ok((waiting, _)) => report.fine(
            "mail",
            format!("{way}: {} waiting", words::counted(waiting, "letter")),
        ),
        Err(error) => {
            let failure = Failure::from(error);
            report.fail("mail", failure.message().to_owned(), "check the database");
        }
    }
}

async fn engine_version(report: &mut Report, db: &Db) {
    match db.version().await {
        Ok(version) => {
            let sound = is_sound(db, &version);
            // PostgreSQL tells its name, and how it was built.
            let told = version.trim_start_matches("PostgreSQL ");
            let number = told.split_whitespace().next().unwrap_or(told);
            let found = format!("{} {number}", db.engine());
            if sound {
                report.fine("engine", found);
            } else {
                let todo = "SQLite 3.51.3 or PostgreSQL 14 or newer is needed";
                report.fail("engine", format!("{found} is too old"), todo);
            }
        }
        Err(error) => report.fail(
            "engine",
            Failure::from(error).message(),
            "check the database",
        ),
    }
    if let Ok(Some(standbys)) = db.synchronous_standbys().await
        && standbys.is_empty()
    {
        report.warn(
            "engine",
            "no standby is synchronous: a failover may lose the last captures",
            "set synchronous_standby_names, if there is a standby",
        );
    }
}

async fn clock(report: &mut Report, db: &Db) {
    let local = Clock::system().wall();
    let theirs = match db.read().await {
        Ok(mut tx) => tx.now().await,
        Err(error) => Err(error),
    };
    match theirs {
        Ok(theirs) if theirs.since(local).abs() <= MOST_SKEW_MS => {
            report.fine("clock", format!("{theirs} in the database, and here"));
        }
        Ok(theirs) => report.warn(
            "clock",
            format!(
                "the database is {} ms away from this machine",
                theirs.since(local)
            ),
            "synchronise both (NTP): the database's time counts, but people read logs of both",
        ),
        Err(error) => report.fail(
            "clock",
            Failure::from(error).message(),
            "check the database",
        ),
    }
}

/// Asks for the stylesheet as a browser would.
async fn assets_are_there(report: &mut Report) {
    let path = assets::url("pkg/rollcall.css");
    let router: axum::Router = assets::router();
    let there = match Request::get(&path).body(Body::empty()) {
        Ok(request) => router
            .oneshot(request)
            .await
            .is_ok_and(|response| response.status().is_success()),
        Err(_) => false,
    };
    if there {
        report.fine(
            "assets",
            format!("the pages' assets are there ({})", assets::root()),
        );
    } else {
        report.fail(
            "assets",
            "the pages' stylesheet is missing",
            "build it: `make front`, or `make build` for one executable",
        );
    }
}
