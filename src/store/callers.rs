use std::collections::BTreeSet;

use sqlx::{FromRow, QueryBuilder};

use super::usage::Tally;
use super::{StoreError, Tx};
use crate::model::{IntegrationId, TokenId, UnixMs};

/// How many callers are kept of a token: those heard last.
pub const KEPT: usize = 8;
/// How many rows one statement takes.
const ROWS: usize = 100;
/// How many callers of an integration are read at the most.
const MOST_READ: i64 = 100;

/// Who calls with a token: a program at an address.
#[derive(Clone, Debug, FromRow)]
pub struct TokenCaller {
    /// Which token.
    pub token_id: TokenId,
    /// The address; empty when it is not known.
    pub source: String,
    /// What it said it was; empty when it said nothing.
    pub agent: String,
    /// Requests answered.
    pub uses: i64,
    /// The last of them.
    pub used_at: Option<UnixMs>,
    /// Requests refused.
    pub refused: i64,
    /// The last of them.
    pub refused_at: Option<UnixMs>,
    /// Why it was refused.
    pub refused_code: Option<String>,
}

impl TokenCaller {
    /// The address, where it is known.
    pub fn source(&self) -> Option<&str> {
        Some(self.source.as_str()).filter(|source| !source.is_empty())
    }

    /// What it said it was, if it did.
    pub fn agent(&self) -> Option<&str> {
        Some(self.agent.as_str()).filter(|agent| !agent.is_empty())
    }
}

/// What was counted of one caller of a token since the last flush.
#[derive(Clone, Debug, Default)]
pub struct CallerTally {
    /// The address.
    pub source: Option<String>,
    /// What it said it was.
    pub agent: Option<String>,
    /// Requests answered.
    pub uses: i64,
    /// The last of them.
    pub used_at: Option<UnixMs>,
    /// Requests refused.
    pub refused: i64,
    /// The last of them.
    pub refused_at: Option<UnixMs>,
    /// Why it was refused.
    pub code: Option<&'static str>,
}

impl CallerTally {
    /// Its last request, answered or refused.
    fn seen_at(&self) -> UnixMs {
        self.used_at.max(self.refused_at).unwrap_or(UnixMs(0))
    }

    fn add(&mut self, other: &Self) {
        self.uses += other.uses;
        self.used_at = self.used_at.max(other.used_at);
        self.refused += other.refused;
        if self.refused_at <= other.refused_at {
            self.refused_at = other.refused_at;
            self.code = other.code.or(self.code);
        }
    }
}

/// The callers of one token since the last flush: at most [`KEPT`], those heard last.
#[derive(Clone, Debug, Default)]
pub struct CallerTallies(Vec<CallerTally>);

impl CallerTallies {
    /// What is counted of this caller. Whoever was heard longest ago makes room.
    pub fn of(&mut self, source: Option<&str>, agent: Option<&str>) -> &mut CallerTally {
        let known = self.0.iter().position(|caller| {
            caller.source.as_deref() == source && caller.agent.as_deref() == agent
        });
        let at = known.unwrap_or_else(|| {
            if self.0.len() >= KEPT {
                let oldest = (0..self.0.len()).min_by_key(|at| self.0[*at].seen_at());
                self.0.swap_remove(oldest.unwrap_or(0));
            }
            self.0.push(CallerTally {
                source: source.map(str::to_owned),
                agent: agent.map(str::to_owned),
                ..CallerTally::default()
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Adds what was counted before and could not be written; those heard last stay.
    pub fn add_earlier(&mut self, earlier: Self) {
        for caller in earlier.0 {
            let is_known = |known: &&mut CallerTally| {
                known.source == caller.source && known.agent == caller.agent
            };
            match self.0.iter_mut().find(is_known) {
                Some(known) => known.add(&caller),
                None => self.0.push(caller),
            }
        }
        self.0
            .sort_by_key(|caller| std::cmp::Reverse(caller.seen_at()));
        self.0.truncate(KEPT);
    }
}

/// A row to be written.
struct Row<'t> {
    token: &'t TokenId,
    caller: &'t CallerTally,
}

impl Row<'_> {
    fn key(&self) -> (&TokenId, Option<&str>, Option<&str>) {
        let CallerTally { source, agent, .. } = self.caller;
        (self.token, source.as_deref(), agent.as_deref())
    }
}

/// Adds what was counted of each token's callers, and forgets those beyond the last [`KEPT`].
pub async fn add(tx: &mut Tx, tallies: &[&Tally]) -> Result<(), StoreError> {
    let mut rows: Vec<Row<'_>> = tallies
        .iter()
        .flat_map(|tally| {
            tally.callers.0.iter().map(|caller| Row {
                token: &tally.token,
                caller,
            })
        })
        .collect();
    // In one order everywhere, so that two batches seldom wait for each other in a circle.
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    for some in rows.chunks(ROWS) {
        let grown = upsert(tx, some).await?;
        if !grown.is_empty() {
            prune(tx, &grown).await?;
        }
    }
    Ok(())
}

/// Gives the tokens that have a caller more than before.
async fn upsert(tx: &mut Tx, rows: &[Row<'_>]) -> Result<BTreeSet<TokenId>, StoreError> {
    let written: Vec<(TokenId, UnixMs, UnixMs)> = on!(tx, c => {
        let mut query = QueryBuilder::new(
            "insert into token_callers (token_id, source, agent, first_at, seen_at, uses, used_at, refused, \
             refused_at, refused_code) ",
        );
        query.push_values(rows, |mut row, Row { token, caller }| {
            row.push_bind(token.as_str().to_owned())
                .push_bind(caller.source.clone().unwrap_or_default())
                .push_bind(caller.agent.clone().unwrap_or_default())
                .push_bind(caller.seen_at())
                .push_bind(caller.seen_at())
                .push_bind(caller.uses)
                .push_bind(caller.used_at)
                .push_bind(caller.refused)
                .push_bind(caller.refused_at)
                .push_bind(caller.code);
        });
        query.push(" on conflict (token_id, source, agent) do update set ");
        later(&mut query, "seen_at", "seen_at");
        later(&mut query, "used_at", "used_at");
        later(&mut query, "refused_at", "refused_at");
        later(&mut query, "refused_code", "refused_at");
        query.push(
            "uses = token_callers.uses + excluded.uses, refused = token_callers.refused + excluded.refused \
             returning token_id, first_at, seen_at",
        );
        query.build_query_as().fetch_all(c).await
    })?;
    let grown = written.into_iter().filter(|(_, first, seen)| first == seen);
    Ok(grown.map(|(token, ..)| token).collect())
}

/// `column = …, `: the value that came later by the time in `at`. Another node may have written it already.
fn later<DB: sqlx::Database>(query: &mut QueryBuilder<DB>, column: &str, at: &str) {
    query.push(format_args!(
        "{column} = case when excluded.{at} is null or token_callers.{at} > excluded.{at} \
         then token_callers.{column} else excluded.{column} end, "
    ));
}

async fn prune(tx: &mut Tx, tokens: &BTreeSet<TokenId>) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new(
            "delete from token_callers where (token_id, source, agent) in (select token_id, source, agent from (\
             select token_id, source, agent, \
             row_number() over (partition by token_id order by seen_at desc, source, agent) as place \
             from token_callers where token_id in (",
        );
        let mut list = query.separated(", ");
        for token in tokens {
            list.push_bind(token);
        }
        query.push(")) as ranked where place > ").push_bind(i64::try_from(KEPT).unwrap_or(i64::MAX)).push(")");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

/// The callers of an integration's tokens, heard last first.
pub async fn of_integration(
    tx: &mut Tx,
    integration: &IntegrationId,
) -> Result<Vec<TokenCaller>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select c.token_id, c.source, c.agent, c.uses, c.used_at, c.refused, c.refused_at, c.refused_code \
             from token_callers c join tokens t on t.id = c.token_id where t.integration_id = $1 \
             order by c.seen_at desc, c.token_id, c.source, c.agent limit $2",
        )
        .bind(integration)
        .bind(MOST_READ)
        .fetch_all(c)
        .await
    })?)
}
