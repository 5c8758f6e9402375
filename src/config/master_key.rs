use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::ConfigError;
use super::layers::Layers;
use crate::model::Random;
use crate::rotation::{MasterKey, MasterKeys};

/// What a master key takes.
const TAKES: &str = "32 bytes in standard base64, such as `openssl rand -base64 32` prints";
/// The setting, for messages.
const NAME: &str = "ROLLCALL_MASTER_KEY";
/// Characters of a key in standard base64.
const LENGTH: usize = 44;

/// Where the master key comes from, and a second one that is held beside it while everything moves
/// from one to the other. Debug shows which keys they are, never what they are.
#[derive(Clone, Debug)]
pub struct MasterKeySource {
    place: Place,
    previous: Option<MasterKey>,
}

/// Where the master key stands.
#[derive(Clone, Debug)]
enum Place {
    /// It was given.
    Given(MasterKey),
    /// In a file beside the SQLite database; generated there together with a new database.
    Beside {
        /// The file of the key.
        file: PathBuf,
        /// The database it belongs to.
        database: PathBuf,
    },
}

impl MasterKeySource {
    pub(super) fn choose(layers: &Layers, database_url: &str) -> Result<Self, ConfigError> {
        let read = |text: &str| MasterKey::from_base64(text).map_err(|_| TAKES.to_owned());
        let given = layers.parse("master_key", read)?;
        let previous = layers.parse("master_key_previous", read)?;
        let place = match (given, database_url.strip_prefix("sqlite://")) {
            (Some(key), _) => Place::Given(key),
            (None, Some(path)) => Place::Beside {
                file: Path::new(path).with_extension("key"),
                database: PathBuf::from(path),
            },
            (None, None) => {
                return Err(ConfigError::Missing {
                    name: NAME,
                    why: format!("on PostgreSQL it is required: it takes {TAKES}"),
                });
            }
        };
        Ok(Self { place, previous })
    }

    /// The file beside the database that holds the key, unless it was given.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Given(_) => None,
            Place::Beside { file, .. } => Some(file),
        }
    }

    /// Whether two master keys were given: one to move from, one to move to.
    pub const fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// The keys themselves. Call it before the database is created: a key is generated only for a new
    /// one, because no other key than its own opens an old one.
    ///
    /// A key beside the database is looked for again when one is needed that is not held, also in the
    /// file that a move to a new one leaves beside it until everything has moved.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or written, or is missing beside a database.
    pub fn resolve(&self, random: &Random) -> Result<MasterKeys, ConfigError> {
        let previous: Vec<MasterKey> = self.previous.iter().cloned().collect();
        let (file, database) = match &self.place {
            Place::Given(key) => return Ok(MasterKeys::new(key.clone(), previous)),
            Place::Beside { file, database } => (file, database),
        };
        if !file.exists() {
            let has_data = std::fs::metadata(database).is_ok_and(|data| data.len() > 0);
            if has_data {
                return Err(problem(
                    file,
                    &format!(
                        "is missing, and {} was sealed with it: put it back, or set {NAME}",
                        database.display()
                    ),
                ));
            }
            match create(file, &MasterKey::generate(random)) {
                Ok(()) => {}
                // Another process was first: its key counts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(problem(file, &format!("cannot be written: {error}"))),
            }
        }
        let mut others: Vec<MasterKey> = read_key(&next(file))?.into_iter().collect();
        others.extend(previous.iter().cloned());
        let first = read_key(file)?.ok_or_else(|| problem(file, "went missing"))?;
        let place = file.clone();
        Ok(MasterKeys::new(first, others).found_again_by(move || {
            let found = [&place, &next(&place)].map(|file| read_key(file).ok().flatten());
            found
                .into_iter()
                .flatten()
                .chain(previous.iter().cloned())
                .collect()
        }))
    }

    /// Puts the master key that everything is to move to beside the one that is in force, where
    /// running nodes find it. One that a move cut short has left there is gone on with, unless another
    /// is wanted. Gives the key; `None` where keys are given to each process.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or written.
    pub fn prepare(
        &self,
        wanted: Option<&MasterKey>,
        random: &Random,
    ) -> Result<Option<MasterKey>, ConfigError> {
        let Some(file) = self.file() else {
            return Ok(wanted.cloned());
        };
        let next = next(file);
        if let Some(there) = read_key(&next)? {
            match wanted {
                Some(wanted) if wanted.fingerprint() != there.fingerprint() => {
                    return Err(problem(
                        &next,
                        "holds a new master key that everything was about to move to: run `rollcall key reseal` \
                         without another one first, which finishes that",
                    ));
                }
                _ => return Ok(Some(there)),
            }
        }
        let new = wanted.map_or_else(|| MasterKey::generate(random), MasterKey::clone);
        match create(&next, &new) {
            Ok(()) => Ok(Some(new)),
            // Another process was first: its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(&next),
            Err(error) => Err(problem(&next, &format!("cannot be written: {error}"))),
        }
    }

    /// After everything has moved to `new`: it takes the place of the old one.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be renamed.
    pub fn adopt(&self, new: &MasterKey) -> Result<(), ConfigError> {
        let Some(file) = self.file() else {
            return Ok(());
        };
        let next = next(file);
        let is_there = |file: &Path| {
            Ok(read_key(file)?.is_some_and(|key| key.fingerprint() == new.fingerprint()))
        };
        if is_there(&next)? {
            let renamed = std::fs::rename(&next, file).and_then(|()| sync_folder(file));
            renamed.map_err(|error| problem(&next, &format!("cannot be renamed: {error}")))?;
        }
        if is_there(file)? {
            Ok(())
        } else {
            Err(problem(file, "does not hold the new master key"))
        }
    }

    /// The file of a new master key, when a move to it was begun and is not finished.
    pub fn unfinished(&self) -> Option<PathBuf> {
        self.file().map(next).filter(|next| next.exists())
    }
}

/// Where a new master key waits until everything has moved to it.
fn next(file: &Path) -> PathBuf {
    file.with_extension("key.next")
}

fn problem(file: &Path, problem: &str) -> ConfigError {
    ConfigError::File {
        name: NAME.to_owned(),
        path: file.display().to_string(),
        problem: problem.to_owned(),
    }
}

/// Reads a master key from a file; `None` where there is none.
///
/// # Errors
/// [`ConfigError`] when it cannot be read, or holds something else.
pub fn read_key(file: &Path) -> Result<Option<MasterKey>, ConfigError> {
    let text = match read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(file, &format!("cannot be read: {error}"))),
    };
    MasterKey::from_base64(&text).map(Some).map_err(|_| {
        problem(
            file,
            &format!("does not hold a master key: it takes {TAKES}"),
        )
    })
}

/// Writes a new key: never over another, for its owner alone, and on disk when this returns.
fn create(path: &Path, key: &MasterKey) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(key.to_base64().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    sync_folder(path)
}

/// Puts a name in a folder on disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Reads a key, and waits a moment for one that another process is just writing.
fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(std::fs::read_to_string(path)?);
    for _ in 0..50 {
        if text.trim().len() >= LENGTH {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        text = Zeroizing::new(std::fs::read_to_string(path)?);
    }
    Ok(text)
}
