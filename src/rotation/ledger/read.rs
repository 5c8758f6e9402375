use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder, Terminator, Trim};

use crate::model::{Digest, EmailAddress, InvalidInput, UnixMs};
use crate::rotation::elsewhere::Claims;
use crate::rotation::keyring;

/// The most bytes of one row: what is longer is a quotation mark that was never closed.
const LONGEST_ROW: usize = 64 * 1024;
/// What stands for the last four characters of a token that was given by its digest.
const NO_HINT: &str = "????";

/// What makes a ledger unreadable as a whole.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Its first line is not the names of its columns.
    #[error("the first line of the ledger {0}; the columns are {COLUMNS}")]
    Header(String),
    /// A row does not end.
    #[error(
        "line {line} of the ledger is longer than 64 KiB: a quotation mark is probably never closed"
    )]
    Endless {
        /// Where it begins.
        line: u64,
    },
}

/// The columns, for whoever got them wrong.
pub const COLUMNS: &str =
    "digest or token, account, integration, and, where known, issued, expires, last_used, contact";

/// A column of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Digest,
    Token,
    Account,
    Integration,
    Issued,
    Expires,
    LastUsed,
    Contact,
}

impl Column {
    fn of(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace([' ', '-'], "_");
        Some(match name.trim_end_matches("_at") {
            "digest" | "sha256" => Self::Digest,
            "token" => Self::Token,
            "account" => Self::Account,
            "integration" => Self::Integration,
            "issued" => Self::Issued,
            "expires" => Self::Expires,
            "last_used" => Self::LastUsed,
            "contact" => Self::Contact,
            _ => return None,
        })
    }
}

/// A row that says what it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// SHA-256 of the token. The token itself, where it stood in the row, is gone.
    pub digest: Digest,
    /// Its last four characters, where it stood in the row.
    pub hint: String,
    /// The account it names.
    pub account: String,
    /// The integration it names.
    pub integration: String,
    /// When it was issued.
    pub issued_at: Option<UnixMs>,
    /// When it expires; never when `None`.
    pub expires_at: Option<UnixMs>,
    /// Its last request.
    pub last_used_at: Option<UnixMs>,
    /// Whom to warn, of an account that does not exist yet.
    pub contact: Option<EmailAddress>,
}

/// A line of the file: a row, or what is wrong with it.
pub type Line = (u64, Result<Row, String>);

/// A ledger that is read row by row.
pub struct Ledger<R> {
    rows: csv::Reader<Bounded<R>>,
    columns: Vec<Column>,
    record: ByteRecord,
    way: Rc<Way>,
}

/// How far the file has been read.
#[derive(Default)]
struct Way {
    /// Bytes since the last row was taken.
    taken: Cell<usize>,
    /// Whether the last byte ended a line.
    line_ended: Cell<bool>,
    /// Whether the file has ended.
    done: Cell<bool>,
}

impl<R: Read> Ledger<R> {
    /// Reads the first line, which names the columns in any order.
    ///
    /// # Errors
    /// [`LedgerError::Header`] when it does not.
    pub fn open(input: R) -> Result<Self, LedgerError> {
        let way: Rc<Way> = Rc::default();
        let bounded = Bounded {
            input,
            way: way.clone(),
        };
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // A carriage return before it is trimmed with the rest, and lines are counted right.
            .terminator(Terminator::Any(b'\n'))
            .trim(Trim::All)
            .from_reader(bounded);
        let mut record = ByteRecord::new();
        if !read(&mut rows, &mut record)? {
            return Err(LedgerError::Header(
                "is missing: the file is empty".to_owned(),
            ));
        }
        way.taken.set(0);
        let columns = columns(&record)?;
        Ok(Self {
            rows,
            columns,
            record,
            way,
        })
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read on. A row that is wrong is no error: it is told with its line.
    pub fn next_line(&mut self) -> Result<Option<Line>, LedgerError> {
        while read(&mut self.rows, &mut self.record)? {
            self.way.taken.set(0);
            let is_blank = self.record.len() == 1 && self.record.iter().all(<[u8]>::is_empty);
            if !is_blank {
                return Ok(Some((self.line(), row(&self.columns, &self.record))));
            }
        }
        Ok(None)
    }

    /// The line that the row begins in. The reader tells where it stood before it skipped blank lines,
    /// so it is counted back from where the row ends.
    fn line(&self) -> u64 {
        let inside = self
            .record
            .as_slice()
            .split(|byte| *byte == b'\n')
            .skip(1)
            .count();
        let cut_short = self.way.done.get() && !self.way.line_ended.get();
        let back = u64::try_from(inside).unwrap_or(0) + u64::from(!cut_short);
        self.rows.position().line().saturating_sub(back)
    }
}

fn read<R: Read>(
    rows: &mut csv::Reader<Bounded<R>>,
    record: &mut ByteRecord,
) -> Result<bool, LedgerError> {
    let line = rows.position().line();
    rows.read_byte_record(record)
        .map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                LedgerError::Endless { line }
            }
            csv::ErrorKind::Io(error) => LedgerError::Unreadable(error),
            _ => LedgerError::Unreadable(io::Error::from(io::ErrorKind::InvalidData)),
        })
}

/// Gives no more than a row's worth of bytes before the row is taken.
struct Bounded<R> {
    input: R,
    way: Rc<Way>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.way.taken.get() > LONGEST_ROW {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.input.read(buffer)?;
        self.way.taken.set(self.way.taken.get() + read);
        match buffer.get(..read).and_then(<[u8]>::last) {
            Some(last) => self.way.line_ended.set(*last == b'\n'),
            None => self.way.done.set(true),
        }
        Ok(read)
    }
}

fn columns(record: &ByteRecord) -> Result<Vec<Column>, LedgerError> {
    let wrong = |text: String| Err(LedgerError::Header(text));
    let mut columns = Vec::new();
    for field in record {
        let name = String::from_utf8_lossy(field);
        let Some(column) = Column::of(&name) else {
            // It may be the first row of a ledger without a header: its fields are not repeated.
            return wrong(if field.contains(&b';') || field.contains(&b'\t') {
                "is to have commas between its columns".to_owned()
            } else {
                format!("does not name a column in its field {}", columns.len() + 1)
            });
        };
        if columns.contains(&column) {
            return wrong(format!(
                "names a column twice, in its field {}",
                columns.len() + 1
            ));
        }
        columns.push(column);
    }
    for (missing, words) in [
        (Column::Account, "has no column `account`"),
        (Column::Integration, "has no column `integration`"),
    ] {
        if !columns.contains(&missing) {
            return wrong(words.to_owned());
        }
    }
    if !columns.contains(&Column::Digest) && !columns.contains(&Column::Token) {
        return wrong("has no column `digest` or `token`".to_owned());
    }
    Ok(columns)
}

/// Reads one row. What is wrong is said without repeating what stands there: it may be a token.
fn row(columns: &[Column], record: &ByteRecord) -> Result<Row, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "has {} fields, and the first line names {}",
            record.len(),
            columns.len()
        ));
    }
    let field = |wanted: Column| -> Result<Option<&str>, String> {
        let Some(at) = columns.iter().position(|column| *column == wanted) else {
            return Ok(None);
        };
        let bytes = record.get(at).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        Ok((!text.is_empty()).then_some(text))
    };
    let time = |wanted: Column, name: &str| -> Result<Option<UnixMs>, String> {
        match field(wanted)? {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|error: InvalidInput| format!("`{name}`: {error}")),
        }
    };
    let named = |wanted: Column, name: &str| -> Result<String, String> {
        let text = field(wanted)?.ok_or_else(|| format!("has no {name}"))?;
        Ok(text.to_owned())
    };
    let text = field(Column::Token)?;
    let (digest, hint) = digest(field(Column::Digest)?, text)?;
    let expires_at = time(Column::Expires, "expires")?;
    // What the token says of itself holds too: no ledger makes it live longer.
    let own_expiry = text.and_then(Claims::expiry);
    let row = Row {
        digest,
        hint,
        account: named(Column::Account, "account")?,
        integration: named(Column::Integration, "integration")?,
        issued_at: time(Column::Issued, "issued")?.or(text.and_then(Claims::issue)),
        expires_at: match (expires_at, own_expiry) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
        last_used_at: time(Column::LastUsed, "last_used")?,
        contact: match field(Column::Contact)? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|error: InvalidInput| error.to_string())?,
            ),
        },
    };
    match (row.issued_at, row.expires_at) {
        (Some(issued), Some(expires)) if expires <= issued => {
            Err("expires before it was issued".to_owned())
        }
        _ => Ok(row),
    }
}

/// The digest of a row's token, and its last characters. The token is hashed here and nowhere kept.
fn digest(digest: Option<&str>, token: Option<&str>) -> Result<(Digest, String), String> {
    let given = digest
        .map(Digest::from_hex)
        .transpose()
        .map_err(|error| error.to_string())?;
    let Some(text) = token else {
        let digest = given.ok_or("has neither digest nor token")?;
        return Ok((digest, NO_HINT.to_owned()));
    };
    if !keyring::is_well_formed(text) {
        return Err(
            "has a token that is none: three parts of base64url, 4096 bytes at most".to_owned(),
        );
    }
    let digest = Digest::of(text.as_bytes());
    if given.is_some_and(|given| given != digest) {
        return Err("has a digest that is not its token's".to_owned());
    }
    // Well formed, so ASCII.
    let hint = text.get(text.len() - 4..).unwrap_or(NO_HINT);
    Ok((digest, hint.to_owned()))
}

#[cfg(test)]
mod tests;
