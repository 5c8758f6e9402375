use std::collections::HashSet;
use std::io::{self, Read};

use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::json;

use super::engine::{Engine, note};
use super::error::{Result, RotationError};
use super::held::fix_ref;
use super::import_key::old_generation;
use super::placing::{Maker, Named, Place, Places};
use crate::model::{Digest, Generation, InvalidInput, Random, Retirement, Steers, TokenId, UnixMs};
use crate::store::ledger::{self, Registered};
use crate::store::tokens::NewToken;
use crate::store::{Lock, Tx, held, keys, state};

mod read;

pub use read::{COLUMNS, Ledger, LedgerError, Line, Row};

/// How many rows are written in one transaction: short enough that requests get between.
const BATCH: usize = 500;
/// Clocks of two platforms differ: what is this little in the future is now. Milliseconds.
const SKEW_MS: i64 = 5 * 60_000;
/// The name of the key of tokens that came with none.
const NO_KEY: &str = "elsewhere";

/// How a ledger is taken in.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Tell every row's fate and write nothing.
    pub dry_run: bool,
    /// Write what can be written although some rows cannot; else all or nothing.
    pub partial: bool,
    /// The imported key that signed them, by its name; the only one when left out.
    pub key: Option<String>,
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowFate {
    /// Its line in the file.
    pub line: u64,
    /// What becomes of it.
    pub fate: Fate,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether its account is made for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub new_account: bool,
    /// Whether its integration is made for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub new_integration: bool,
}

/// What becomes of a row, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It becomes a token of the registry.
    Registered,
    /// The registry, or an earlier row, has it.
    Already,
    /// Its token has expired: there is nothing to carry over.
    Expired,
    /// It cannot be taken.
    Refused,
}

impl Fate {
    /// The word for it.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Already => "already",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

/// What became of a ledger, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Rows read.
    pub rows: u64,
    /// Registered, or to be.
    pub registered: u64,
    /// Known before.
    pub already: u64,
    /// Expired.
    pub expired: u64,
    /// Refused.
    pub refused: u64,
    /// Accounts made, or to be.
    pub new_accounts: u64,
    /// Integrations made, or to be.
    pub new_integrations: u64,
    /// Whether anything was written.
    pub written: bool,
}

impl Sums {
    fn add(&mut self, fate: &RowFate) {
        self.rows += 1;
        let sum = match fate.fate {
            Fate::Registered => &mut self.registered,
            Fate::Already => &mut self.already,
            Fate::Expired => &mut self.expired,
            Fate::Refused => &mut self.refused,
        };
        *sum += 1;
        self.new_accounts += u64::from(fate.new_account);
        self.new_integrations += u64::from(fate.new_integration);
    }
}

impl Engine {
    /// Takes in a ledger of tokens that were issued elsewhere: its rows become ordinary tokens of the
    /// old generation, with the last use they bring, so that a look-back can count it.
    ///
    /// The file is read twice: first every row is judged, and only when none is refused (or `partial`
    /// says so) anything is written, in batches that are whole by themselves. Cut short, it is run
    /// again: what is there is `already`. `tell` hears of each row in a dry run, else of those refused.
    ///
    /// # Errors
    /// [`RotationError::Ledger`] when the file is no ledger; [`super::Rule::CutOver`].
    pub async fn import_ledger<R: Read>(
        &self,
        by: &impl Steers,
        open: impl Fn() -> io::Result<R>,
        terms: &Terms,
        mut tell: impl FnMut(&RowFate),
    ) -> Result<Sums> {
        let mut tx = self.db.read().await?;
        let kid = key_of(&mut tx, terms.key.as_deref()).await?;
        drop(tx);
        let judged = self.judge_ledger(open()?, &kid, terms, &mut tell).await?;
        if terms.dry_run || (judged.refused > 0 && !terms.partial) {
            return Ok(judged);
        }
        let mut sums = Sums {
            written: true,
            ..Sums::default()
        };
        let mut ledger = Ledger::open(open()?)?;
        loop {
            let rows = batch(&mut ledger)?;
            if rows.is_empty() {
                return Ok(sums);
            }
            let (kid, maker) = (kid.clone(), self.maker(by));
            let fates = self
                .db
                .write(Lock::Shared, move |tx| {
                    async move { write_batch(tx, rows, kid, &maker).await }.boxed()
                })
                .await?;
            for fate in &fates {
                sums.add(fate);
            }
        }
    }

    /// Says what would become of every row.
    async fn judge_ledger<R: Read>(
        &self,
        input: R,
        kid: &str,
        terms: &Terms,
        tell: &mut impl FnMut(&RowFate),
    ) -> Result<Sums> {
        let mut sums = Sums::default();
        let mut ledger = Ledger::open(input)?;
        let (mut places, mut seen) = (Places::default(), HashSet::new());
        loop {
            let rows = batch(&mut ledger)?;
            if rows.is_empty() {
                return Ok(sums);
            }
            let mut tx = self.db.read().await?;
            let state = state::load(&mut tx).await?;
            let run = Run {
                now: state.now,
                generation: old_generation(&mut tx, &state).await?,
                kid: kid.to_owned(),
            };
            let (fates, _) = judge(&mut tx, rows, &run, &mut places, &mut seen, None).await?;
            for fate in &fates {
                sums.add(fate);
                if terms.dry_run || fate.fate == Fate::Refused {
                    tell(fate);
                }
            }
        }
    }
}

/// The key that signed the rows: the one that is named, or the only imported one.
async fn key_of(tx: &mut Tx, named: Option<&str>) -> Result<String> {
    if let Some(named) = named {
        let key = keys::find(tx, named).await?;
        return key
            .filter(|key| key.origin == "imported")
            .map(|key| key.kid)
            .ok_or(RotationError::NotFound("imported key"));
    }
    match keys::imported(tx, false).await?.as_slice() {
        [] => Ok(NO_KEY.to_owned()),
        [one] => Ok(one.kid.clone()),
        _ => Err(InvalidInput::new(
            "ledger",
            "says which of the imported keys signed its tokens: name it with --key",
        )
        .into()),
    }
}

fn batch<R: Read>(ledger: &mut Ledger<R>) -> Result<Vec<Line>, LedgerError> {
    let mut rows = Vec::with_capacity(BATCH);
    while rows.len() < BATCH
        && let Some(line) = ledger.next_line()?
    {
        rows.push(line);
    }
    Ok(rows)
}

/// What is the same for every row.
struct Run {
    now: UnixMs,
    generation: Generation,
    kid: String,
}

async fn write_batch(
    tx: &mut Tx,
    rows: Vec<Line>,
    kid: String,
    maker: &Maker,
) -> Result<Vec<RowFate>> {
    let state = tx.state().clone();
    let run = Run {
        now: state.now,
        generation: old_generation(tx, &state).await?,
        kid,
    };
    let (mut places, mut seen) = (Places::default(), HashSet::new());
    let (fates, new) = judge(tx, rows, &run, &mut places, &mut seen, Some(maker)).await?;
    if new.is_empty() {
        return Ok(fates);
    }
    ledger::register(tx, &new).await?;
    // What had been held is an ordinary token now.
    let ids: Vec<TokenId> = new.iter().map(|one| one.token.id.clone()).collect();
    held::remove(tx, &ids).await?;
    let detail = json!({ "registered": new.len(), "kid": run.kid });
    note(tx, &maker.random, &maker.by, "token.import", "", detail).await?;
    Ok(fates)
}

/// Says what becomes of rows and makes the tokens of those that are taken; with a maker, the accounts
/// and integrations they need are there after it.
async fn judge(
    tx: &mut Tx,
    rows: Vec<Line>,
    run: &Run,
    places: &mut Places,
    seen: &mut HashSet<Digest>,
    maker: Option<&Maker>,
) -> Result<(Vec<RowFate>, Vec<Registered>)> {
    let digests: Vec<Digest> = rows
        .iter()
        .filter_map(|(_, row)| Some(row.as_ref().ok()?.digest))
        .collect();
    let known = ledger::known(tx, &digests).await?;
    let (mut fates, mut new) = (Vec::with_capacity(rows.len()), Vec::new());
    for (line, row) in rows {
        let row = match row.and_then(|row| in_time(row, run.now)) {
            Ok(row) => row,
            Err(reason) => {
                fates.push(refused(line, reason));
                continue;
            }
        };
        if known.contains(&row.digest) || !seen.insert(row.digest) {
            fates.push(fate(line, Fate::Already));
            continue;
        }
        if row.expires_at.is_some_and(|end| end <= run.now) {
            fates.push(fate(line, Fate::Expired));
            continue;
        }
        let named = Named {
            account: &row.account,
            integration: Some(&row.integration),
            contact: row.contact.as_ref(),
        };
        match places.place(tx, named, maker).await {
            Ok(place) => {
                fates.push(RowFate {
                    new_account: place.new_account,
                    new_integration: place.new_integration,
                    ..fate(line, Fate::Registered)
                });
                if let Some(maker) = maker {
                    new.extend(registered(row, place, run, &maker.random));
                }
            }
            Err(error) if error.is_of_the_asker() => fates.push(refused(line, error.to_string())),
            Err(error) => return Err(error),
        }
    }
    Ok((fates, new))
}

/// Times that lie ahead are mistakes, but for the little that clocks differ.
fn in_time(mut row: Row, now: UnixMs) -> Result<Row, String> {
    for (name, at) in [
        ("issued", &mut row.issued_at),
        ("last_used", &mut row.last_used_at),
    ] {
        match at {
            Some(at) if at.since(now) > SKEW_MS => {
                return Err(format!("`{name}` lies in the future"));
            }
            Some(at) => *at = (*at).min(now),
            None => {}
        }
    }
    Ok(row)
}

const fn fate(line: u64, fate: Fate) -> RowFate {
    RowFate {
        line,
        fate,
        reason: None,
        new_account: false,
        new_integration: false,
    }
}

fn refused(line: u64, reason: String) -> RowFate {
    RowFate {
        reason: Some(reason),
        ..fate(line, Fate::Refused)
    }
}

fn registered(row: Row, place: Place, run: &Run, random: &Random) -> Option<Registered> {
    let last_used_at = row.last_used_at;
    Some(Registered {
        token: NewToken {
            id: TokenId::of_digest(&row.digest),
            digest: row.digest,
            integration_id: place.integration?,
            account_id: place.account?,
            kid: run.kid.clone(),
            born: run.generation,
            hint: row.hint,
            fix_ref: fix_ref(random),
            form_id: None,
            // Not known: it was there when it was last used.
            issued_at: row.issued_at.or(last_used_at).unwrap_or(run.now),
            issued_by: "another platform".to_owned(),
            expires_at: row.expires_at,
            retirement: Retirement::Keep,
        },
        generation: run.generation,
        first_used_at: last_used_at,
        first_source: None,
        last_used_at,
        last_source: None,
        uses: 0,
    })
}
