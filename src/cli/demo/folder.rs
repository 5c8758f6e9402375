use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Failure, Result};

/// What says that a folder was made by a demo. Locked while one runs in it.
const MARK: &str = "rollcall-demo";
/// What a demo makes.
const OURS: [&str; 8] = [
    MARK,
    "rollcall.db",
    "rollcall.db-wal",
    "rollcall.db-shm",
    "rollcall.key",
    "rollcall.lock",
    "rollcall.mark",
    "mail",
];

/// A folder that holds one demo and nothing else, taken until it is dropped.
#[derive(Debug)]
pub struct Folder {
    _mark: File,
}

impl Folder {
    /// Takes a folder, and empties it of what an earlier demo left.
    ///
    /// # Errors
    /// When it holds anything that no demo made, or another demo runs in it.
    pub fn take(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| {
            Failure::failed(format!("the demo's folder {}: {error}", path.display()))
        };
        fs::create_dir_all(path).map_err(failed)?;
        let found: Vec<PathBuf> = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(failed)?;
        let marked = found.iter().any(|entry| entry.ends_with(MARK));
        let strange = found
            .iter()
            .find(|entry| !marked || !OURS.iter().any(|name| entry.ends_with(name)));
        if let Some(strange) = strange {
            return Err(Failure::failed(format!(
                "{} was not made by a demo, and a demo shares its folder with nothing: name an empty one with --data",
                strange.display()
            )));
        }
        let mut mark = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(MARK))
            .map_err(failed)?;
        mark.try_lock().map_err(|_| {
            Failure::failed(format!(
                "another demo runs in {}: end it, or name another folder with --data",
                path.display()
            ))
        })?;
        mark.write_all(b"Made by `rollcall demo`, which empties this folder when it starts.\n")
            .map_err(failed)?;
        for entry in found.iter().filter(|entry| !entry.ends_with(MARK)) {
            let removed = if entry.is_dir() {
                fs::remove_dir_all(entry)
            } else {
                fs::remove_file(entry)
            };
            removed.map_err(failed)?;
        }
        Ok(Self { _mark: mark })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_finds_the_folder_clean() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("demo");
        let first = Folder::take(&path).unwrap();
        fs::write(path.join("rollcall.db"), "old").unwrap();
        assert!(Folder::take(&path).is_err(), "one runs in it");
        assert!(path.join("rollcall.db").exists());
        drop(first);
        Folder::take(&path).unwrap();
        assert!(!path.join("rollcall.db").exists());
    }

    #[test]
    fn what_no_demo_made_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("rollcall.db");
        fs::write(&real, "real").unwrap();
        assert!(Folder::take(folder.path()).is_err());
        assert!(real.exists() && !folder.path().join(MARK).exists());
    }
}
