use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::Settings;
use crate::cli::failure::{Failure, Result};
use crate::cli::opening::{Installation, within};
use crate::cli::words;
use crate::config::read_key;
use crate::rotation::MasterKey;
use crate::rotation::reseal::Resealed;

/// More than any master key; what is longer is not one.
const MOST_INPUT: u64 = 1_024;

/// `rollcall key reseal`
#[derive(Debug, Args)]
#[command(
    after_help = "Where the master key stands in a file beside a SQLite database, a new one is generated there, \
running nodes find it, and it takes the old one's place when everything has moved.

Where it is given as ROLLCALL_MASTER_KEY, first restart every node, one by one, with the new one and the old one: \
as ROLLCALL_MASTER_KEY and ROLLCALL_MASTER_KEY_PREVIOUS. Then run this with both. Nothing moves while a serving \
node does not hold the new one. Afterwards drop the old one, node by node.

Cut short anywhere, it is finished by running it again. Backups made before can be opened with the old master key \
alone: make a new one.

Examples:
  rollcall key reseal
  rollcall key reseal --new-key-file /run/secrets/new-master-key
  openssl rand -base64 32 | rollcall key reseal --new-key-file -"
)]
pub struct Reseal {
    /// The new master key: 32 bytes in standard base64, in a file, or - for stdin
    #[arg(long, value_name = "FILE|-")]
    new_key_file: Option<PathBuf>,
}

impl Reseal {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let wanted = self.new_key_file.as_deref().map(read_wanted).transpose()?;
        within(settings, async |at| {
            let new = choose(at, wanted.as_ref())?;
            let done = at.engine.reseal(&at.by, &new).await?;
            at.config.master_key.adopt(&new)?;
            let output = settings.output();
            output.say(&done_in_words(&done));
            if at.config.master_key.file().is_none() {
                output.say(
                    "From now on ROLLCALL_MASTER_KEY is the new one on every node; then drop ROLLCALL_MASTER_KEY_PREVIOUS.",
                );
            }
            output.data(&done, || done.master_key.clone())
        })
        .await
    }
}

/// The master key that everything is to move to.
fn choose(at: &Installation, wanted: Option<&MasterKey>) -> Result<MasterKey> {
    let source = &at.config.master_key;
    if let Some(new) = prepare(at, wanted)? {
        return Ok(new);
    }
    if source.has_previous() {
        return Ok(at.engine.master_keys().first());
    }
    Err(Failure::usage(
        "there is no new master key to move to: set ROLLCALL_MASTER_KEY to the new one and \
         ROLLCALL_MASTER_KEY_PREVIOUS to the one in force, on every node and here, or name a file with --new-key-file",
    ))
}

fn prepare(at: &Installation, wanted: Option<&MasterKey>) -> Result<Option<MasterKey>> {
    Ok(at.config.master_key.prepare(wanted, at.engine.random())?)
}

fn read_wanted(path: &Path) -> Result<MasterKey> {
    if path == Path::new("-") {
        let mut text = Zeroizing::new(String::new());
        io::stdin()
            .take(MOST_INPUT)
            .read_to_string(&mut text)
            .map_err(|error| Failure::failed(format!("stdin cannot be read: {error}")))?;
        return Ok(MasterKey::from_base64(&text)?);
    }
    read_key(path)?.ok_or_else(|| {
        Failure::usage(format!(
            "--new-key-file: {} does not exist; `openssl rand -base64 32` makes a key",
            path.display()
        ))
    })
}

fn done_in_words(done: &Resealed) -> String {
    if done.moved.is_empty() && done.second_factors == 0 {
        return format!(
            "Everything was sealed with master key {} before.",
            done.master_key
        );
    }
    let files = if done.scrubbed {
        "The database's files hold no trace of the old copies."
    } else {
        "The database's files still hold the old copies, because someone reads an older state; a serving node cleans \
         them as soon as it can (`rollcall key list`)."
    };
    format!(
        "{} moved from master key {} to {}, {} with them. {files} A backup made before now opens with the old master key alone: \
         make a new backup, then destroy the old key.",
        words::counted(i64::try_from(done.moved.len()).unwrap_or(i64::MAX), "key"),
        done.from.join(", "),
        done.master_key,
        words::counted(
            i64::try_from(done.second_factors).unwrap_or(i64::MAX),
            "second factor"
        ),
    )
}
