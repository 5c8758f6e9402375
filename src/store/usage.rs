use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx};
use crate::model::{AccountId, IntegrationId, RotationId, TokenId, UnixMs};

/// What was counted of one token since the last flush.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Which token.
    pub token: TokenId,
    /// Requests answered.
    pub uses: i64,
    /// Requests refused.
    pub refused: i64,
    /// The last request, answered or refused.
    pub at: UnixMs,
    /// Where the last request came from.
    pub source: Option<String>,
    /// What the last caller said it was.
    pub agent: Option<String>,
    /// The code of the last refusal.
    pub code: Option<&'static str>,
}

/// Adds what was counted to the registry, to the days of use and, when `rotation` is recording, to
/// the evidence of captures.
pub async fn flush(
    tx: &mut Tx,
    tallies: &[Tally],
    rotation: Option<&RotationId>,
) -> Result<(), StoreError> {
    // Rows go in id order, so that two batches never wait for each other in a circle.
    let mut tallies: Vec<&Tally> = tallies.iter().collect();
    tallies.sort_by(|a, b| a.token.cmp(&b.token));
    let used: Vec<&Tally> = tallies
        .iter()
        .copied()
        .filter(|tally| tally.uses > 0)
        .collect();
    for chunk in used.chunks(100) {
        add_uses(tx, chunk).await?;
        add_days(tx, chunk).await?;
        if let Some(rotation) = rotation {
            add_evidence(tx, chunk, rotation).await?;
        }
    }
    for tally in tallies.iter().filter(|tally| tally.refused > 0) {
        add_refusals(tx, tally).await?;
    }
    Ok(())
}

async fn add_uses(tx: &mut Tx, tallies: &[&Tally]) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new(
            "update tokens set uses = tokens.uses + v.uses, last_used_at = v.at, last_source = v.source, \
             last_agent = v.agent from (",
        );
        rows(&mut query, tallies);
        query.push(") as v where tokens.id = v.id and (tokens.last_used_at is null or tokens.last_used_at <= v.at)");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

/// `select cast(…) as id, … union all select …`: the one form of a value list both engines type alike.
fn rows<'a, DB>(query: &mut QueryBuilder<DB>, tallies: &[&'a Tally])
where
    DB: sqlx::Database,
    &'a str: sqlx::Encode<'a, DB> + sqlx::Type<DB>,
    Option<String>: sqlx::Encode<'a, DB> + sqlx::Type<DB>,
    String: sqlx::Encode<'a, DB> + sqlx::Type<DB>,
    i64: sqlx::Encode<'a, DB> + sqlx::Type<DB>,
{
    for (i, tally) in tallies.iter().enumerate() {
        query.push(if i == 0 {
            "select cast("
        } else {
            " union all select cast("
        });
        query
            .push_bind(tally.token.as_str().to_owned())
            .push(" as text) as id, cast(");
        query
            .push_bind(tally.uses)
            .push(" as bigint) as uses, cast(");
        query.push_bind(tally.at.0).push(" as bigint) as at, cast(");
        query
            .push_bind(tally.source.clone())
            .push(" as text) as source, cast(");
        query
            .push_bind(tally.agent.clone())
            .push(" as text) as agent");
    }
}

async fn add_days(tx: &mut Tx, tallies: &[&Tally]) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new("insert into token_days (token_id, day, uses) ");
        query.push_values(tallies, |mut row, tally| {
            row.push_bind(tally.token.as_str().to_owned()).push_bind(tally.at.day()).push_bind(tally.uses);
        });
        query.push(" on conflict (token_id, day) do update set uses = token_days.uses + excluded.uses");
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

async fn add_evidence(
    tx: &mut Tx,
    tallies: &[&Tally],
    rotation: &RotationId,
) -> Result<(), StoreError> {
    on!(tx, c => {
        let mut query = QueryBuilder::new(
            "update captures set requests = captures.requests + v.uses, last_seen = v.at from (",
        );
        rows(&mut query, tallies);
        query.push(") as v where captures.subject = v.id and captures.rotation_id = ");
        query.push_bind(rotation);
        query.build().execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(())
}

async fn add_refusals(tx: &mut Tx, tally: &Tally) -> Result<(), StoreError> {
    exec!(tx, sqlx::query(
            "update tokens set refused = refused + $1, last_refused_at = $2, last_refused_code = $3, \
             last_refused_source = $4 where id = $5",
        )
        .bind(tally.refused)
        .bind(tally.at)
        .bind(tally.code)
        .bind(&tally.source)
        .bind(&tally.token))?;
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
