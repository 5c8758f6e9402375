//! The disk of `disk.c`, from the harness's side.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{Dress, Place};

/// A file system's sector: what a disk writes whole or not at all.
const SECTOR: usize = 512;
/// The size of `struct control` and of `struct change` in `disk.c`.
const CONTROL: u64 = 40;
const CHANGE: usize = 40;

/// A disk between a server and its SQLite files.
pub struct Disk {
    folder: PathBuf,
    library: PathBuf,
}

/// How it behaves. Errors are numbers of `errno.h`; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behaviour {
    pub sync_errno: i32,
    pub write_errno: i32,
    pub all_errno: i32,
    /// What a write or a sync takes besides, in microseconds.
    pub delay_us: i32,
    /// A sync says yes and does nothing.
    pub lies: bool,
    /// What was not synced can be taken back.
    pub keeps_undo: bool,
}

pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;

/// What a power cut leaves of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    Nothing,
    /// Any sectors of any of them, in no order.
    Some,
}

impl Disk {
    /// Compiles the library, for a place whose servers are dressed with it.
    pub fn below(place: &Place) -> Self {
        let folder = place.folder().join("disk");
        std::fs::create_dir(&folder).unwrap();
        let library = folder.join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/disk.c");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let made = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(made.unwrap().success(), "disk.c does not compile");
        File::create(folder.join("control"))
            .unwrap()
            .set_len(CONTROL)
            .unwrap();
        Self { folder, library }
    }

    pub fn dress(&self) -> Dress {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        Dress {
            environment: vec![
                ("LD_PRELOAD".to_owned(), text(&self.library)),
                ("ROLLCALL_TORTURE_DISK".to_owned(), text(&self.folder)),
            ],
            ..Dress::default()
        }
    }

    /// How it behaves from now on, also towards a server that runs.
    pub fn behave(&self, now: Behaviour) {
        let fields = [
            now.sync_errno,
            now.write_errno,
            now.all_errno,
            now.delay_us,
            i32::from(now.lies),
            i32::from(now.keeps_undo),
        ];
        let bytes: Vec<u8> = fields
            .iter()
            .flat_map(|field| field.to_ne_bytes())
            .collect();
        self.control().write_all_at(&bytes, 0).unwrap();
    }

    /// How many writes and syncs it has done: nothing is proven where it was passed by.
    pub fn counts(&self) -> (i64, i64) {
        let mut bytes = [0; 16];
        self.control().read_exact_at(&mut bytes, 24).unwrap();
        let (writes, syncs) = bytes.split_at(8);
        let number = |bytes: &[u8]| i64::from_ne_bytes(bytes.try_into().unwrap());
        (number(writes), number(syncs))
    }

    fn control(&self) -> File {
        File::options()
            .read(true)
            .write(true)
            .open(self.folder.join("control"))
            .unwrap()
    }

    /// After the server was killed: takes back what was not synced. Gives how many writes that were.
    pub fn cut_power(&self, leaves: Leaves, random: &mut fastrand::Rng) -> usize {
        let mut dropped = 0;
        for (undo, file) in [
            ("undo.db", "rollcall.db"),
            ("undo.wal", "rollcall.db-wal"),
            ("undo.journal", "rollcall.db-journal"),
        ] {
            let undo = self.folder.join(undo);
            let changes = read(&undo);
            let file = self.folder.parent().unwrap().join(file);
            dropped += changes.len();
            if !changes.is_empty() && file.exists() {
                take_back(&file, &changes, leaves, random);
            }
            if undo.exists() {
                File::options()
                    .write(true)
                    .open(&undo)
                    .unwrap()
                    .set_len(0)
                    .unwrap();
            }
        }
        dropped
    }
}

/// One change to a file, and what it overwrote.
struct Change {
    offset: u64,
    /// The file's size before.
    size: u64,
    old: Vec<u8>,
    /// The write's length, or the size that a truncation leaves.
    length: u64,
    is_truncation: bool,
}

/// Reads what `disk.c` kept; a record that the kill cut short belongs to a change that never was.
fn read(path: &Path) -> Vec<Change> {
    let mut changes = Vec::new();
    let Ok(bytes) = std::fs::read(path) else {
        return changes;
    };
    let mut rest = bytes.as_slice();
    while rest.len() >= CHANGE {
        let (head, after) = rest.split_at(CHANGE);
        let number = |at: usize| u64::from_ne_bytes(head[at * 8..][..8].try_into().unwrap());
        let Some((old, after)) = after.split_at_checked(usize::try_from(number(2)).unwrap()) else {
            break;
        };
        changes.push(Change {
            offset: number(0),
            size: number(1),
            old: old.to_vec(),
            length: number(3),
            is_truncation: number(4) == 1,
        });
        rest = after;
    }
    changes
}

fn take_back(path: &Path, changes: &[Change], leaves: Leaves, random: &mut fastrand::Rng) {
    let mut file = File::options().read(true).write(true).open(path).unwrap();
    let mut written = Vec::new();
    for change in changes.iter().rev() {
        if !change.is_truncation {
            // What it had written: later changes have been taken back already.
            let mut new = Vec::new();
            file.seek(SeekFrom::Start(change.offset)).unwrap();
            (&file).take(change.length).read_to_end(&mut new).unwrap();
            written.push((change.offset, new));
        }
        file.write_all_at(&change.old, change.offset).unwrap();
        file.set_len(change.size).unwrap();
    }
    if leaves == Leaves::Nothing {
        return;
    }
    for (offset, new) in written.into_iter().rev() {
        for (number, sector) in new.chunks(SECTOR).enumerate() {
            if random.bool() {
                let at = offset + u64::try_from(number * SECTOR).unwrap();
                file.write_all_at(sector, at).unwrap();
            }
        }
    }
}
