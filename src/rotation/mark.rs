use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use serde_json::json;
use tokio::sync::watch;

use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError};
use crate::model::{Acts, Operator, Random};
use crate::store::marks::{self, Reached};
use crate::store::state::{self, Change};
use crate::store::{Db, Lock, StoreError};

/// How far an accepted older database is lifted beyond what was known: further than any other node
/// can have been ahead of the mark, so that all of them notice.
const LEAP: i64 = 1_000;

/// A small file beside the data that says how far its database had come when it was last used. A
/// database that is behind it was restored from a backup.
#[derive(Debug)]
pub struct Mark {
    wanted: watch::Sender<Option<Reached>>,
    written: watch::Receiver<Option<Reached>>,
}

impl Mark {
    /// Keeps the mark in `file` from now on, in a task of its own: a slow disk holds up nobody.
    pub fn keep(file: PathBuf) -> Self {
        let (wanted, mut asked) = watch::channel::<Option<Reached>>(None);
        let (tell, written) = watch::channel(None);
        tokio::spawn(async move {
            while asked.changed().await.is_ok() {
                let next = asked.borrow_and_update().clone();
                let Some(next) = next else { continue };
                let (file, reached) = (file.clone(), next.clone());
                let done = tokio::task::spawn_blocking(move || advance(&file, &reached)).await;
                if let Ok(Err(error)) = done {
                    tracing::warn!(%error, "the version mark could not be written: an older database would not be noticed");
                }
                let _ = tell.send(Some(next));
            }
        });
        Self { wanted, written }
    }

    /// Notes how far the database has come.
    pub fn note(&self, reached: Reached) {
        self.wanted.send_if_modified(|wanted| {
            let is_new = wanted.as_ref() != Some(&reached);
            *wanted = Some(reached);
            is_new
        });
    }

    /// Waits until what was noted, or what was noted since, is on disk or could not be written.
    pub async fn settle(&self) {
        let Some(wanted) = self.wanted.borrow().clone() else {
            return;
        };
        let is_there = |written: &Option<Reached>| {
            let written = written.as_ref();
            written.is_some_and(|written| *written == wanted || is_ahead(written, &wanted))
        };
        let _ = self.written.clone().wait_for(is_there).await;
    }
}

/// Reads a mark; `None` where there is none.
pub fn read(file: &Path) -> io::Result<Option<Reached>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut words = text.split_whitespace();
    let mut number = || words.nth(1)?.parse::<i64>().ok();
    let (version, beat) = (number(), number());
    let instance = words.nth(1);
    match (version, beat, instance) {
        (Some(version), Some(beat), Some(instance)) => Ok(Some(Reached {
            instance: instance.to_owned(),
            version,
            beat,
        })),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it does not hold a version mark",
        )),
    }
}

/// Whether `mark` is of the same installation and further than `found`.
fn is_ahead(mark: &Reached, found: &Reached) -> bool {
    mark.instance == found.instance && (mark.version > found.version || mark.beat > found.beat)
}

/// Writes a mark, whole or not at all; never one that is behind the one that is there.
fn advance(file: &Path, reached: &Reached) -> io::Result<()> {
    if let Ok(Some(there)) = read(file)
        && (is_ahead(&there, reached) || there == *reached)
    {
        return Ok(());
    }
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut next = file.as_os_str().to_owned();
    next.push(format!(".{}", std::process::id()));
    let next = PathBuf::from(next);
    let Reached {
        instance,
        version,
        beat,
    } = reached;
    let mut new = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&next)?;
    writeln!(new, "version {version} beat {beat} instance {instance}")?;
    new.sync_all()?;
    fs::rename(&next, file)?;
    File::open(folder)?.sync_all()
}

/// Compares the database with its mark.
///
/// # Errors
/// [`RotationError::Older`] when it is behind; [`RotationError::Mark`] when the mark cannot be read.
pub async fn check(db: &Db, file: &Path) -> Result<()> {
    let Some((found, known)) = behind(db, file).await? else {
        return Ok(());
    };
    Err(RotationError::Older {
        found: found.version,
        known: known.version,
        mark: file.display().to_string(),
    })
}

async fn behind(db: &Db, file: &Path) -> Result<Option<(Reached, Reached)>> {
    let mark = read(file).map_err(|error| RotationError::Mark {
        file: file.display().to_string(),
        problem: error.to_string(),
    })?;
    let Some(known) = mark else {
        return Ok(None);
    };
    let found = db.reached().await?;
    Ok(is_ahead(&known, &found).then_some((found, known)))
}

/// Accepts a database that is behind its mark: it is lifted beyond everything that was known, so that
/// nodes that still run forget what they know and go on with it. False when it is not behind.
pub async fn accept(db: &Db, file: &Path, by: &Operator, random: &Random) -> Result<bool> {
    let Some((found, known)) = behind(db, file).await? else {
        return Ok(false);
    };
    let (by, random) = (by.actor(), random.clone());
    db.write::<_, StoreError, _>(Lock::Exclusive, move |tx| {
        async move {
            let version = known.version.max(found.version) + LEAP;
            marks::accept(tx, found.version, &known, version, &by).await?;
            marks::beat(tx).await?;
            let detail = json!({ "found": found.version, "known": known.version, "now": version });
            note(tx, &random, &by, "database.accept-older", "", detail).await?;
            state::publish(tx, &[Change::Phase]).await.map(drop)
        }
        .boxed()
    })
    .await?;
    Ok(true)
}

impl Engine {
    /// Keeps a version mark in `file` from now on.
    pub async fn keep_mark(&self, file: PathBuf) -> Result<()> {
        let reached = self.db.reached().await?;
        self.node.keep_mark(file, reached);
        Ok(())
    }

    /// Raises the beat: from now on a copy of the database that was made before is known to be older.
    pub(super) async fn beat(&self) -> Result<(), StoreError> {
        let reached = self
            .db
            .write::<_, StoreError, _>(Lock::Shared, |tx| {
                async move {
                    marks::beat(tx).await?;
                    marks::reached(tx).await
                }
                .boxed()
            })
            .await?;
        self.node.note_mark(reached);
        Ok(())
    }

    /// Copies the database into the new file `to`, as it is at one moment, while others use it. The
    /// file appears whole and on disk, or not at all, and never over another. From when this returns
    /// a restored copy is noticed where the version mark is.
    ///
    /// # Errors
    /// [`RotationError::File`] when it cannot be written, or exists; [`StoreError::Schema`] on
    /// PostgreSQL.
    pub async fn backup(&self, by: &Operator, to: &Path) -> Result<()> {
        let problem = |error: io::Error| RotationError::File {
            file: to.display().to_string(),
            problem: error.to_string(),
        };
        let part = super::backup::Part::begin(to).map_err(problem)?;
        self.flush().await?;
        self.db.copy_into(part.path()).await?;
        part.finish().map_err(problem)?;
        self.note_backup(by, to).await
    }

    /// Notes that a backup was made of this database.
    pub async fn note_backup(&self, by: &Operator, to: &Path) -> Result<()> {
        let (by, random) = (actor(by), self.random.clone());
        let name = to.display().to_string();
        self.db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move { note(tx, &random, &by, "backup.make", "", json!({ "file": name })).await }
                    .boxed()
            })
            .await?;
        self.beat().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(instance: &str, version: i64, beat: i64) -> Reached {
        Reached {
            instance: instance.to_owned(),
            version,
            beat,
        }
    }

    #[test]
    fn a_mark_never_goes_back_and_follows_another_installation() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/rollcall.mark");
        assert_eq!(read(&file).unwrap(), None);
        for next in [
            reached("a", 3, 10),
            reached("a", 5, 10),
            reached("a", 5, 11),
        ] {
            advance(&file, &next).unwrap();
            assert_eq!(read(&file).unwrap(), Some(next));
        }
        for behind in [reached("a", 4, 12), reached("a", 6, 10)] {
            advance(&file, &behind).unwrap();
            assert_eq!(read(&file).unwrap(), Some(reached("a", 5, 11)));
        }
        advance(&file, &reached("b", 1, 1)).unwrap();
        assert_eq!(read(&file).unwrap(), Some(reached("b", 1, 1)));
        fs::write(&file, "garbage").unwrap();
        assert!(read(&file).is_err());
    }
}
