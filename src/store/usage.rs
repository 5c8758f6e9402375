use sqlx::{FromRow, QueryBuilder};

use super::callers::{self, CallerTallies};
use super::{StoreError, Tx};
use crate::model::{AccountId, IntegrationId, RotationId, TokenId, UnixMs};

/// How many rows one statement takes.
const ROWS: usize = 100;

/// What was counted of one token since the last flush.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Which token.
    pub token: TokenId,
    /// Requests answered.
    pub uses: i64,
    /// Those among them that the evidence of the capture counts already.
    pub in_evidence: i64,
    /// The last of them.
    pub used_at: UnixMs,
    /// Where it came from.
    pub source: Option<String>,
    /// What its caller said it was.
    pub agent: Option<String>,
    /// Requests refused.
    pub refused: i64,
    /// The last of them.
    pub refused_at: UnixMs,
    /// Where it came from.
    pub refused_source: Option<String>,
    /// Why it was refused.
    pub code: Option<&'static str>,
    /// The same by who asked.
    pub callers: CallerTallies,
}

impl Tally {
    /// Nothing counted yet.
    pub fn of(token: TokenId) -> Self {
        Self {
            token,
            uses: 0,
            in_evidence: 0,
            used_at: UnixMs(0),
            source: None,
            agent: None,
            refused: 0,
            refused_at: UnixMs(0),
            refused_source: None,
            code: None,
            callers: CallerTallies::default(),
        }
    }

    /// Adds what was counted before `self` and could not be written.
    pub fn add_earlier(&mut self, earlier: Self) {
        self.uses += earlier.uses;
        self.in_evidence += earlier.in_evidence;
        if self.used_at <= earlier.used_at {
            self.used_at = earlier.used_at;
            self.source = earlier.source;
            self.agent = earlier.agent;
        }
        self.refused += earlier.refused;
        if self.refused_at <= earlier.refused_at {
            self.refused_at = earlier.refused_at;
            self.refused_source = earlier.refused_source;
            self.code = earlier.code;
        }
        self.callers.add_earlier(earlier.callers);
    }
}

/// A row of a value list: a count of one token, and the last of what was counted.
struct Count<'t> {
    token: &'t TokenId,
    many: i64,
    at: UnixMs,
    source: Option<&'t str>,
    /// What its caller said it was, or why it was refused.
    note: Option<&'t str>,
}

/// Adds what was counted to the registry, to the days of use, to the callers and, when `rotation` is
/// recording, to the evidence of captures. Another node may have written a later use before: its last use stands,
/// and the counts add up.
pub async fn flush(
    tx: &mut Tx,
    tallies: &[Tally],
    rotation: Option<&RotationId>,
) -> Result<(), StoreError> {
    // Rows go in id order, so that two batches seldom wait for each other in a circle.
    let mut tallies: Vec<&Tally> = tallies.iter().collect();
    tallies.sort_by(|a, b| a.token.cmp(&b.token));
    let used = |count: fn(&Tally) -> i64| -> Vec<Count<'_>> {
        let some = tallies.iter().filter(|tally| count(tally) > 0);
        some.map(|tally| Count {
            token: &tally.token,
            many: count(tally),
            at: tally.used_at,
            source: tally.source.as_deref(),
            note: tally.agent.as_deref(),
        })
        .collect()
    };
    for some in used(|tally| tally.uses).chunks(ROWS) {
        add_uses(tx, some).await?;
        add_days(tx, some).await?;
    }
    if let Some(rotation) = rotation {
        for some in used(|tally| tally.uses - tally.in_evidence).chunks(ROWS) {
            add_evidence(tx, some, rotation).await?;
        }
    }
    let refused: Vec<Count<'_>> = tallies
        .iter()
        .filter(|tally| tally.refused > 0)
        .map(|tally| Count {
            token: &tally.token,
            many: tally.refused,
            at: tally.refused_at,
            source: tally.refused_source.as_deref(),
            note: tally.code,
        })
        .collect();
    for some in refused.chunks(ROWS) {
        add_refusals(tx, some).await?;
    }
    callers::add(tx, &tallies).await
}

async fn add_uses(tx: &mut Tx, counts: &[Count<'_>]) -> Result<(), StoreError> {
    on!(tx, c => {
        let later = "case when tokens.last_used_at is null or tokens.last_used_at <= v.at then v.";
        let mut query = QueryBuilder::new("update tokens set uses = tokens.uses + v.n, last_used_at = ");
        query.push(later).push("at else tokens.last_used_at end, last_source = ");
        query.push(later).push("source else tokens.last_source end, last_agent = ");
        query.push(later).push("note else tokens.last_agent end from (");
        rows(&mut query, counts);
        query.push(") as v where tokens.id = v.token");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

async fn add_refusals(tx: &mut Tx, counts: &[Count<'_>]) -> Result<(), StoreError> {
    on!(tx, c => {
        let later = "case when tokens.last_refused_at is null or tokens.last_refused_at <= v.at then v.";
        let mut query = QueryBuilder::new("update tokens set refused = tokens.refused + v.n, last_refused_at = ");
        query.push(later).push("at else tokens.last_refused_at end, last_refused_source = ");
        query.push(later).push("source else tokens.last_refused_source end, last_refused_code = ");
        query.push(later).push("note else tokens.last_refused_code end from (");
        rows(&mut query, counts);
        query.push(") as v where tokens.id = v.token");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

/// `select cast(…) as token, … union all select …`: the one form of a value list both engines type
/// alike.
fn rows<DB>(query: &mut QueryBuilder<DB>, counts: &[Count<'_>])
where
    DB: sqlx::Database,
    String: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
    Option<String>: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
    i64: sqlx::Encode<'static, DB> + sqlx::Type<DB>,
{
    for (i, row) in counts.iter().enumerate() {
        query.push(if i == 0 {
            "select cast("
        } else {
            " union all select cast("
        });
        query
            .push_bind(row.token.as_str().to_owned())
            .push(" as text) as token, cast(");
        query.push_bind(row.many).push(" as bigint) as n, cast(");
        query.push_bind(row.at.0).push(" as bigint) as at, cast(");
        query
            .push_bind(row.source.map(str::to_owned))
            .push(" as text) as source, cast(");
        query
            .push_bind(row.note.map(str::to_owned))
            .push(" as text) as note");
    }
}

async fn add_days(tx: &mut Tx, counts: &[Count<'_>]) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new("insert into token_days (token_id, day, uses) ");
        query.push_values(counts, |mut row, count| {
            row.push_bind(count.token.as_str().to_owned()).push_bind(count.at.day()).push_bind(count.many);
        });
        query.push(" on conflict (token_id, day) do update set uses = token_days.uses + excluded.uses");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

async fn add_evidence(
    tx: &mut Tx,
    counts: &[Count<'_>],
    rotation: &RotationId,
) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new(
            "update captures set requests = captures.requests + v.n, \
             last_seen = case when captures.last_seen <= v.at then v.at else captures.last_seen end from (",
        );
        rows(&mut query, counts);
        query.push(") as v where captures.subject = v.token and captures.rotation_id = ");
        query.push_bind(rotation);
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

/// Removes days of use before `day`.
pub async fn prune_days(tx: &mut Tx, day: i64) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query("delete from token_days where day < $1").bind(day)
    )?;
    Ok(())
}

/// Use of one integration on one day.
#[derive(Clone, Debug, FromRow)]
pub struct DayOfUse {
    /// Which integration.
    pub integration_id: IntegrationId,
    /// Whole days since the Unix epoch.
    pub day: i64,
    /// Requests answered that day.
    pub uses: i64,
}

/// Whose days of use are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Of<'o> {
    /// One integration's.
    Integration(&'o IntegrationId),
    /// Those of every integration of an account.
    Account(&'o AccountId),
    /// Those of these integrations.
    Integrations(&'o [IntegrationId]),
}

/// Days of use since `day`, by integration, oldest first.
pub async fn days_since(tx: &mut Tx, of: Of<'_>, day: i64) -> Result<Vec<DayOfUse>, StoreError> {
    if matches!(of, Of::Integrations([])) {
        return Ok(Vec::new());
    }
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new(
            "select t.integration_id, d.day, cast(sum(d.uses) as bigint) as uses \
             from token_days d join tokens t on t.id = d.token_id where d.day >= ",
        );
        query.push_bind(day);
        match of {
            Of::Integration(id) => {
                query.push(" and t.integration_id = ").push_bind(id);
            }
            Of::Account(id) => {
                query.push(" and t.account_id = ").push_bind(id);
            }
            Of::Integrations(ids) => {
                query.push(" and t.integration_id in (");
                let mut list = query.separated(", ");
                for id in ids {
                    list.push_bind(id);
                }
                query.push(")");
            }
        }
        query.push(" group by t.integration_id, d.day order by t.integration_id, d.day");
        query.build_query_as().fetch_all(c).await
    })?)
}
