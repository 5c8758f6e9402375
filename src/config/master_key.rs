use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::ConfigError;
use super::layers::Layers;
use crate::model::Random;
use crate::rotation::MasterKey;

/// What a master key takes.
const TAKES: &str = "32 bytes in standard base64, such as `openssl rand -base64 32` prints";
/// The setting, for messages.
const NAME: &str = "ROLLCALL_MASTER_KEY";
/// Characters of a key in standard base64.
const LENGTH: usize = 44;

/// Where the master key comes from. Debug shows which key it is, never what it is.
#[derive(Clone, Debug)]
pub enum MasterKeySource {
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
        let given = layers.parse("master_key", |text| {
            MasterKey::from_base64(text).map_err(|_| TAKES.to_owned())
        })?;
        match (given, database_url.strip_prefix("sqlite://")) {
            (Some(key), _) => Ok(Self::Given(key)),
            (None, Some(path)) => Ok(Self::Beside {
                file: Path::new(path).with_extension("key"),
                database: PathBuf::from(path),
            }),
            (None, None) => Err(ConfigError::Missing {
                name: NAME,
                why: format!("on PostgreSQL it is required: it takes {TAKES}"),
            }),
        }
    }

    /// The key itself. Call it before the database is created: a key is generated only for a new
    /// one, because no other key than its own opens an old one.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or written, or is missing beside a database.
    pub fn resolve(&self, random: &Random) -> Result<MasterKey, ConfigError> {
        let (file, database) = match self {
            Self::Given(key) => return Ok(key.clone()),
            Self::Beside { file, database } => (file, database),
        };
        let problem = |problem: String| ConfigError::File {
            name: NAME.to_owned(),
            path: file.display().to_string(),
            problem,
        };
        if !file.exists() {
            let has_data = std::fs::metadata(database).is_ok_and(|data| data.len() > 0);
            if has_data {
                return Err(problem(format!(
                    "is missing, and {} was sealed with it: put it back, or set {NAME}",
                    database.display()
                )));
            }
            match create(file, &MasterKey::generate(random)) {
                Ok(()) => {}
                // Another process was first: its key counts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(problem(format!("cannot be written: {error}"))),
            }
        }
        let text = read(file).map_err(|error| problem(format!("cannot be read: {error}")))?;
        MasterKey::from_base64(&text)
            .map_err(|_| problem(format!("does not hold a master key: it takes {TAKES}")))
    }
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
