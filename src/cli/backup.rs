/// PostgreSQL's own tool.
pub mod dump;

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Settings;
use super::failure::{Failure, Result};
use super::opening::within;

/// `rollcall backup FILE`
#[derive(Debug, Args)]
#[command(
    after_help = "It is the database as it is at one moment, for the owner's eyes alone (mode 0600), checked, on \
disk before its name appears, and never written over another file. On PostgreSQL it is pg_dump that makes it, in its \
custom format for pg_restore.

The private key in it is sealed: without the master key it signs nothing, and dies with it. So keep the master key \
elsewhere, and not only there.

To restore on SQLite: stop every node, put the file in place of the database and remove its -wal and -shm, then start \
with --accept-older-database. On PostgreSQL: pg_restore it into an empty database.

Examples:
  rollcall backup /var/backups/rollcall-$(date +%F).db"
)]
pub(super) struct Backup {
    /// The file to make; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// A backup in JSON.
#[derive(Serialize)]
struct Made {
    file: PathBuf,
    bytes: u64,
    /// The master key that opens what is sealed in it.
    master_keys: Vec<String>,
}

impl Backup {
    /// Does it.
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        within(settings, async |at| {
            if at.engine.db().file().is_some() {
                at.engine.backup(&at.by, &self.file).await?;
            } else {
                at.engine.flush().await?;
                dump::make(&at.config.database_url, &self.file).await?;
                at.engine.note_backup(&at.by, &self.file).await?;
            }
            let bytes = fs::metadata(&self.file)
                .map_err(|error| Failure::failed(format!("{}: {error}", self.file.display())))?;
            let mut master_keys: Vec<String> = at
                .engine
                .keys()
                .await?
                .into_iter()
                .filter(|key| key.sealed.is_some())
                .filter_map(|key| key.sealed_by)
                .collect();
            master_keys.dedup();
            let made = Made {
                file: self.file.clone(),
                bytes: bytes.len(),
                master_keys,
            };
            let output = settings.output();
            output.say(&format!(
                "{} bytes. Its private key is sealed with master key {}: keep that elsewhere.",
                made.bytes,
                made.master_keys.join(", ")
            ));
            output.data(&made, || made.file.display().to_string())
        })
        .await
    }
}
