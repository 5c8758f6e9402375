use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::failure::{Failure, Result};
use crate::cli::opening::within;
use crate::cli::output::{facts, write_out};
use crate::cli::{Settings, words};
use crate::rotation::ledger::{Fate, RowFate, Sums, Terms};

/// How many refused rows are listed; all of them are counted.
const MOST_LISTED: usize = 1_000;

/// `rollcall token import`
#[derive(Debug, Args)]
#[command(
    after_help = "FILE is CSV in UTF-8. Its first line names the columns, in any order:
  digest       SHA-256 of the whole token in hexadecimal; or
  token        the token itself: hashed at once, neither stored nor shown
  account      id or name; one that does not exist is made if the row has a contact, else refused
  integration  id or name; made when the account has none of that name
  issued, expires, last_used   RFC 3339 or seconds since 1970; may be empty
  contact      whom to warn, of an account that is made; may be empty

Rows become ordinary tokens of the old generation: captured by use, or by a look-back that reaches their last use. \
All or nothing: one refused row, and nothing is written, unless --partial. Run again after an interruption: what is \
there is left alone.

Examples:
  rollcall token import ledger.csv --dry-run
  rollcall token import ledger.csv"
)]
pub struct Import {
    /// The ledger
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Tell every row's fate; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write what can be written although some rows are refused
    #[arg(long)]
    partial: bool,
    /// The imported key that signed the tokens; the only one when left out
    #[arg(long, value_name = "KID")]
    key: Option<String>,
}

/// What became of the ledger, in JSON.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    #[serde(flatten)]
    sums: Sums,
    /// Every row in a dry run; else the first of those refused.
    fates: Vec<RowFate>,
}

impl Import {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let terms = Terms {
            dry_run: self.dry_run,
            partial: self.partial,
            key: self.key,
        };
        let (file, json) = (&self.file, settings.json);
        // Before the database: a file that is not there is said at once.
        let open = || File::open(file);
        open().map_err(|error| {
            Failure::failed(format!("{} cannot be read: {error}", file.display()))
        })?;
        within(settings, async |at| {
            let mut fates = Vec::new();
            let mut unwritable = None;
            let tell = |fate: &RowFate| {
                if !json {
                    if unwritable.is_none() {
                        unwritable = write_out(&line(fate)).err();
                    }
                } else if self.dry_run || fates.len() < MOST_LISTED {
                    fates.push(fate.clone());
                }
            };
            let sums = at.engine.import_ledger(&at.by, open, &terms, tell).await?;
            if let Some(failure) = unwritable {
                return Err(failure);
            }
            let report = Report { dry_run: self.dry_run, sums, fates };
            settings.output().data(&report, || text(&sums))?;
            if sums.refused > 0 && !(sums.written && self.partial) {
                return Err(Failure::failed(format!(
                    "{} of {} refused: nothing was written. Correct them, or take the rest with --partial",
                    sums.refused,
                    words::counted(i64::try_from(sums.rows).unwrap_or(i64::MAX), "row")
                )));
            }
            Ok(())
        })
        .await
    }
}

fn line(fate: &RowFate) -> String {
    let more = match fate {
        RowFate {
            reason: Some(reason),
            ..
        } => format!(": {reason}"),
        RowFate {
            new_account: true, ..
        } => ", with a new account and integration".to_owned(),
        RowFate {
            new_integration: true,
            ..
        } => ", with a new integration".to_owned(),
        RowFate {
            fate: Fate::Already,
            ..
        } => ": known".to_owned(),
        RowFate { .. } => String::new(),
    };
    format!("line {}  {}{more}", fate.line, fate.fate.slug())
}

fn text(sums: &Sums) -> String {
    let would = if sums.written { "" } else { " (not written)" };
    facts(&[
        ("rows", sums.rows.to_string()),
        ("registered", format!("{}{would}", sums.registered)),
        ("already known", sums.already.to_string()),
        ("expired", sums.expired.to_string()),
        ("refused", sums.refused.to_string()),
        ("new accounts", format!("{}{would}", sums.new_accounts)),
        (
            "new integrations",
            format!("{}{would}", sums.new_integrations),
        ),
    ])
}
