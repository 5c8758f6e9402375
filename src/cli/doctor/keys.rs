use std::os::unix::fs::PermissionsExt as _;

use super::Report;
use crate::cli::failure::Failure;
use crate::cli::words;
use crate::config::Config;
use crate::model::{Clock, Random};
use crate::rotation::destruction::{Danger, KeyRecord};
use crate::rotation::{self, Engine, mark};
use crate::store::Db;

/// Looks at the master key, the signing keys and what became of them, and the version mark.
pub async fn look(report: &mut Report, config: &Config, db: &Db) {
    version_mark(report, config, db).await;
    let random = Random::system();
    let masters = match config.master_key.resolve(&random) {
        Ok(masters) => masters,
        Err(error) => return report.fail("keys", error.to_string(), "put the master key back"),
    };
    master_key_file(report, config);
    let named = rotation::Settings {
        public_url: config.public_url.clone(),
        audience: config.audience.clone(),
    };
    let engine = match Engine::open(db.clone(), masters, named, Clock::system(), random).await {
        Ok(engine) => engine,
        Err(error) => {
            return report.fail(
                "keys",
                Failure::from(error).message(),
                "set the right master key; while moving to another, both (ROLLCALL_MASTER_KEY_PREVIOUS)",
            );
        }
    };
    match engine.key_records().await {
        Ok(records) => {
            signing_key(report, &records);
            for record in &records {
                history(report, record);
            }
            seals(report, &engine, &records);
        }
        Err(error) => report.fail("keys", Failure::from(error).message(), "check the database"),
    }
    if engine.lease_ms() != config.lease.ms() {
        let found = format!(
            "the lease in force is {}, ROLLCALL_LEASE says {}",
            crate::model::Span(engine.lease_ms()),
            config.lease
        );
        report.warn(
            "config",
            found,
            "the one in force was set when the database was created",
        );
    }
}

async fn version_mark(report: &mut Report, config: &Config, db: &Db) {
    let file = config.version_mark.display();
    match mark::check(db, &config.version_mark).await {
        Ok(()) if config.version_mark.exists() => {
            report.fine("mark", format!("the database is not behind {file}"));
        }
        Ok(()) => report.warn(
            "mark",
            format!("{file} is not there: an older database would not be noticed"),
            "`rollcall serve` writes it; ROLLCALL_VERSION_MARK says where",
        ),
        Err(error) => report.fail(
            "mark",
            Failure::from(error).message(),
            "find out who restored it, and when",
        ),
    }
}

fn master_key_file(report: &mut Report, config: &Config) {
    if let Some(file) = config.master_key.file()
        && let Ok(data) = std::fs::metadata(file)
        && data.permissions().mode() & 0o077 != 0
    {
        let found = format!("{} can be read by others", file.display());
        report.warn("keys", found, "chmod 600");
    }
    if let Some(next) = config.master_key.unfinished() {
        let found = format!(
            "{}: a move to a new master key was cut short",
            next.display()
        );
        report.warn("keys", found, "finish it: `rollcall key reseal`");
    }
}

fn signing_key(report: &mut Report, records: &[KeyRecord]) {
    let signing = records
        .iter()
        .map(|record| &record.key)
        .find(|key| key.activated_at.is_some() && key.sealed.is_some());
    match signing {
        Some(key) => report.fine(
            "keys",
            format!(
                "{} signs (generation {}), and the master key opens it",
                key.kid, key.generation
            ),
        ),
        None => report.fail("keys", "no key signs", "restore the database from a backup"),
    }
}

fn history(report: &mut Report, record: &KeyRecord) {
    let kid = &record.key.kid;
    if let Some(forgery) = &record.forgery {
        report.fail(
            "keys",
            format!(
                "ALARM: {kid} signed {} that never were issued here, the last at {}",
                words::counted(forgery.attempts, "token"),
                forgery.last_at
            ),
            "someone has the private key: rotate now, then `rollcall key close-alarm`",
        );
    }
    if let Some(danger) = record.danger {
        let still = match danger {
            Danger::Signs => "still signs",
            Danger::LetsIn => "what is made with it passes until the cutover",
        };
        report.fail(
            "keys",
            format!("{kid} is compromised, and {still}"),
            "rotate now: `rollcall rotation start --lookback 40d`",
        );
    }
    if record.is_unfinished() {
        report.warn(
            "keys",
            format!("what was destroyed of {kid} may still be in the database's files"),
            "a serving node cleans them; end whoever reads an old state, such as a backup that hangs",
        );
    }
}

fn seals(report: &mut Report, engine: &Engine, records: &[KeyRecord]) {
    let first = engine.master_keys().first().fingerprint();
    let sealed = records.iter().filter(|record| record.key.sealed.is_some());
    let others = sealed
        .filter(|record| record.key.sealed_by.as_deref() != Some(first.as_str()))
        .count();
    if others > 0 {
        report.warn(
            "keys",
            format!(
                "{} sealed with another master key than the first one given",
                words::counted(i64::try_from(others).unwrap_or(i64::MAX), "key")
            ),
            "`rollcall key reseal` moves everything to it",
        );
    }
}
