use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// A file that is being written under another name beside its own; removed when it is dropped
/// before it is finished.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    name: PathBuf,
}

impl Part {
    /// Begins a file that appears as `name` when it is finished: empty, for its owner alone.
    ///
    /// # Errors
    /// When `name` exists, or nothing can be written there.
    pub fn begin(name: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(name).is_ok() {
            return Err(taken());
        }
        let mut path = name.as_os_str().to_owned();
        path.push(format!(".part-{}", std::process::id()));
        let path = PathBuf::from(path);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self {
            path,
            name: name.to_owned(),
        })
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it on disk and gives it its name, unless something else has taken that meanwhile.
    pub fn finish(self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        match renameat_with(CWD, &self.path, CWD, &self.name, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => return Err(taken()),
            // Some file systems do not know that way; a hard link replaces nothing either.
            Err(_) => {
                fs::hard_link(&self.path, &self.name)?;
                fs::remove_file(&self.path)?;
            }
        }
        let folder = self
            .name
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        for tail in ["-wal", "-shm", "-journal"] {
            let mut path = self.path.as_os_str().to_owned();
            path.push(tail);
            let _ = fs::remove_file(path);
        }
    }
}

fn taken() -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        "it exists, and a backup replaces nothing: name another file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_appears_whole_or_not_at_all_and_over_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("b.db");
        let part = Part::begin(&name).unwrap();
        fs::write(part.path(), "data").unwrap();
        assert!(!name.exists());
        drop(part);
        assert!(
            fs::read_dir(folder.path()).unwrap().next().is_none(),
            "nothing is left"
        );
        let part = Part::begin(&name).unwrap();
        fs::write(part.path(), "data").unwrap();
        part.finish().unwrap();
        assert_eq!(
            fs::metadata(&name).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(Part::begin(&name).is_err());
        let late = folder.path().join("late.db");
        let part = Part::begin(&late).unwrap();
        fs::write(&late, "someone else's").unwrap();
        assert!(part.finish().is_err());
        assert_eq!(fs::read(&late).unwrap(), b"someone else's");
    }
}
