use sqlx::{FromRow, QueryBuilder};

use super::{StoreError, Tx};
use crate::model::{AccountId, Generation, IntegrationId, TokenId, UnixMs};

/// Whom a cutover hits: what a credential needs, and the moment it is judged at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutover {
    /// The generation a token needs to be accepted after it.
    pub required: Generation,
    /// When it was; now, for a rehearsal.
    pub at: UnixMs,
    /// Now: what is live is live now.
    pub now: UnixMs,
    /// For a rotation that has not been started: use from then on would count as presence.
    pub kept_since: Option<UnixMs>,
    /// What is required now: below it, nothing is kept.
    pub current: Generation,
}

/// One dormant token of an integration that has no newer token in use.
#[derive(Clone, Debug, FromRow)]
pub struct Hit {
    /// The account.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// Whom to warn.
    pub contact: String,
    /// The integration.
    pub integration_id: IntegrationId,
    /// Its name.
    pub integration: String,
    /// How many integrations the account has in all.
    pub of: i64,
    /// The token that is refused.
    pub token_id: TokenId,
    /// The newest generation it may live in.
    pub generation: Generation,
    /// Its last request.
    pub last_used_at: Option<UnixMs>,
    /// Whether a newer token waits for its first request.
    pub waiting: bool,
}

/// Pushes the common table `hit`: every token that the cutover hits, with what became of it. A
/// token is hit when it was live at the cutover, had not reached the required generation, and its
/// integration had no newer token in use. Disabled accounts are among them: who joins `accounts` leaves
/// them out, which is asked once an account and not once a token.
///
/// The sum around the generation keeps the index on it out of the plan: tokens are read by account, the
/// order in which they are grouped, which halves the time of 50,000 accounts where most are hit.
macro_rules! push_hits {
    ($query:expr, $cutover:expr, $of:expr) => {{
        let cutover: &Cutover = $cutover;
        // What is judged at this moment has no time to have recovered in; what did is looked up once
        // for each token, not wherever it is counted.
        $query.push(if cutover.at >= cutover.now {
            "with hit as (select t.id, t.generation, t.account_id, t.integration_id, t.last_used_at, \
             cast(null as bigint) as recovered_at, "
        } else {
            "with hit as materialized (select t.id, t.generation, t.account_id, t.integration_id, t.last_used_at, \
             (select min(n.first_used_at) from tokens n where n.integration_id = t.integration_id \
             and (n.issued_at, n.id) > (t.issued_at, t.id) and n.revoked_at is null \
             and n.first_used_at is not null) as recovered_at, "
        });
        $query.push(
            "case when t.revoked_at is null and (t.expires_at is null or t.expires_at > ",
        );
        $query.push_bind(cutover.now);
        $query.push(") and (t.ends_at is null or t.ends_at > ").push_bind(cutover.now);
        $query.push(
            ") then 1 else 0 end as live, \
             case when exists (select 1 from tokens w where w.integration_id = t.integration_id \
             and w.generation >= ",
        );
        $query.push_bind(cutover.required);
        $query.push(
            " and (w.issued_at, w.id) > (t.issued_at, t.id) and w.first_used_at is null and w.revoked_at is null) \
             then 1 else 0 end as waiting from tokens t where t.generation + 0 < ",
        );
        $query.push_bind(cutover.required);
        $query.push(" and t.issued_at <= ").push_bind(cutover.at);
        $query.push(" and (t.revoked_at is null or t.revoked_at > ").push_bind(cutover.at);
        $query.push(") and (t.expires_at is null or t.expires_at > ").push_bind(cutover.at);
        $query.push(") and (t.ends_at is null or t.ends_at > ").push_bind(cutover.at);
        $query.push(
            ") and not exists (select 1 from tokens n where n.integration_id = t.integration_id \
             and (n.issued_at, n.id) > (t.issued_at, t.id) and n.first_used_at <= ",
        );
        $query.push_bind(cutover.at);
        $query.push(" and (n.revoked_at is null or n.revoked_at > ").push_bind(cutover.at);
        $query.push("))");
        // What a look-back would carry over; that it is live is asked above.
        if let Some(since) = cutover.kept_since {
            $query.push(" and (coalesce(t.last_used_at, 0) < ").push_bind(since);
            $query.push(" or t.generation < ").push_bind(cutover.current).push(")");
        }
        let of: Option<&[AccountId]> = $of;
        if let Some(of) = of {
            $query.push(" and t.account_id in (");
            let mut ids = $query.separated(", ");
            for id in of {
                ids.push_bind(id.clone());
            }
            $query.push(")");
        }
        $query.push(
            " and exists (select 1 from integrations i where i.id = t.integration_id and i.archived_at is null)) ",
        );
    }};
}

/// The tokens that are dormant now and whose integrations have no newer token in use: by account,
/// integration and age. Of one account, or of all.
pub async fn hits(
    tx: &mut Tx,
    cutover: &Cutover,
    account: Option<&AccountId>,
) -> Result<Vec<Hit>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("");
        push_hits!(query, cutover, account.map(std::slice::from_ref));
        query.push(
            "select a.id as account_id, a.name as account, a.contact, i.id as integration_id, \
             i.name as integration, (select count(*) from integrations o where o.account_id = a.id \
             and o.archived_at is null) as \"of\", hit.id as token_id, hit.generation, hit.last_used_at, hit.waiting = 1 as waiting from hit \
             join accounts a on a.id = hit.account_id join integrations i on i.id = hit.integration_id \
             where hit.live = 1 and hit.recovered_at is null and a.disabled_at is null \
             order by a.name_key, i.name_key, hit.id",
        );
        query.build_query_as().fetch_all(c).await
    })?)
}

/// How one account fares.
#[derive(Clone, Debug, FromRow)]
pub struct AccountFate {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Whom to warn.
    pub contact: String,
    /// Integrations that are refused, or would be.
    pub affected: i64,
    /// Integrations that were, and work again.
    pub recovered: i64,
    /// Integrations in all.
    pub integrations: i64,
    /// The last request of a token that is hit.
    pub last_used_at: Option<UnixMs>,
    /// The first sign-in of one of its users since the cutover.
    pub logged_in_at: Option<UnixMs>,
    /// When the last of its integrations recovered.
    pub recovered_at: Option<UnixMs>,
}

/// Which accounts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Show {
    /// With an integration that is refused, or would be.
    #[default]
    Affected,
    /// Whose every hit integration works again.
    Recovered,
    /// Both.
    All,
    /// Every account, whether the cutover hits it or not: by name only.
    Every,
}

/// In what order accounts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// By how many integrations are hit, most first.
    Affected,
    /// By last use, latest first; never used last.
    LastUse,
}

/// Search, filter, order and page of the list of accounts.
#[derive(Clone, Debug, Default)]
pub struct AccountQuery {
    /// Part of the name or the contact, in any case.
    pub search: String,
    /// Which accounts.
    pub show: Show,
    /// In what order.
    pub sort: Sort,
    /// Against the order named by `sort`.
    pub descending: bool,
    /// How many to skip.
    pub offset: i64,
    /// How many to give.
    pub limit: i64,
}

/// The accounts that the cutover hits, as asked, and how many there are in all.
pub async fn accounts(
    tx: &mut Tx,
    cutover: &Cutover,
    ask: &AccountQuery,
) -> Result<(Vec<AccountFate>, i64), StoreError> {
    let like = format!("%{}%", escape_like(&ask.search.trim().to_lowercase()));
    let having = match ask.show {
        Show::Affected => "affected > 0",
        Show::Recovered => "affected = 0 and recovered > 0",
        Show::All | Show::Every => "affected > 0 or recovered > 0",
    };
    let order = match (ask.sort, ask.descending) {
        (Sort::Name, false) => "name_key",
        (Sort::Name, true) => "name_key desc",
        (Sort::Affected, false) => "affected desc, name_key",
        (Sort::Affected, true) => "affected, name_key",
        (Sort::LastUse, false) => "coalesce(last_used_at, 0) desc, name_key",
        (Sort::LastUse, true) => "coalesce(last_used_at, 0), name_key",
    };
    let rows: Vec<Counted> = on!(tx, c => {
        let mut query = QueryBuilder::new("");
        push_hits!(query, cutover, None);
        push_fates(&mut query);
        // The whole is counted in passing; what costs a look-up is asked of the page's accounts alone.
        query.push(", page as (select fate.*, count(*) over () as total from fate where (");
        query.push(having).push(") and (name_key like ").push_bind(like.clone());
        query.push(" escape '\\' or lower(contact) like ").push_bind(like.clone());
        query.push(" escape '\\') order by ").push(order);
        query.push(" limit ").push_bind(ask.limit).push(" offset ").push_bind(ask.offset);
        query.push(
            ") select id, name, contact, affected, recovered, last_used_at, recovered_at, total, \
             (select count(*) from integrations i where i.account_id = page.id and i.archived_at is null) as integrations, \
             (select min(s.created_at) from sessions s join users u on u.id = s.user_id \
             where u.account_id = page.id and s.created_at > ",
        );
        query.push_bind(cutover.at);
        query.push(") as logged_in_at from page order by ").push(order);
        query.build_query_as().fetch_all(c).await
    })?;
    let total = rows.first().map_or(0, |row| row.total);
    if rows.is_empty() && ask.offset > 0 {
        // Beyond the last page there is no row to count by.
        let first = AccountQuery {
            offset: 0,
            limit: 1,
            ..ask.clone()
        };
        let (_, total) = Box::pin(accounts(tx, cutover, &first)).await?;
        return Ok((Vec::new(), total));
    }
    Ok((rows.into_iter().map(|row| row.fate).collect(), total))
}

/// A row of the list, and how many there are in all.
#[derive(FromRow)]
struct Counted {
    #[sqlx(flatten)]
    fate: AccountFate,
    total: i64,
}

/// Pushes the common table `fate`: what became of each account that the cutover hits.
fn push_fates<DB: sqlx::Database>(query: &mut QueryBuilder<DB>) {
    query.push(
        ", sums as (select account_id, \
         count(distinct case when live = 1 and recovered_at is null then integration_id end) as affected, \
         count(distinct case when recovered_at is not null then integration_id end) as recovered, \
         max(last_used_at) as last_used_at, max(recovered_at) as recovered_at from hit group by account_id), \
         fate as (select a.id, a.name, a.name_key, a.contact, sums.affected, sums.recovered, sums.last_used_at, \
         sums.recovered_at from sums join accounts a on a.id = sums.account_id where a.disabled_at is null) ",
    );
}

/// Every account by name, as asked, each with how it fares, and how many there are in all.
pub async fn every_account(
    tx: &mut Tx,
    cutover: &Cutover,
    ask: &AccountQuery,
) -> Result<(Vec<AccountFate>, i64), StoreError> {
    let like = format!("%{}%", escape_like(&ask.search.trim().to_lowercase()));
    let order = if ask.descending {
        "name_key desc"
    } else {
        "name_key"
    };
    let total: i64 = on!(tx, c => {
        sqlx::query_scalar(
            "select count(*) from accounts where name_key like $1 escape '\\' or lower(contact) like $1 escape '\\'",
        )
        .bind(&like)
        .fetch_one(c)
        .await
    })?;
    let ids: Vec<AccountId> = on!(tx, c => {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select id from accounts where name_key like $1 escape '\\' or lower(contact) like $1 escape '\\' \
             order by {order} limit $2 offset $3"
        )))
        .bind(&like)
        .bind(ask.limit)
        .bind(ask.offset)
        .fetch_all(c)
        .await
    })?;
    let mut fates: Vec<AccountFate> = Vec::new();
    for some in ids.chunks(500) {
        let more: Vec<AccountFate> = on!(tx, c => {
            let mut query = QueryBuilder::new("");
            push_hits!(query, cutover, Some(some));
            push_fates(&mut query);
            query.push(
                "select a.id, a.name, a.contact, coalesce(fate.affected, 0) as affected, \
                 coalesce(fate.recovered, 0) as recovered, fate.recovered_at, \
                 (select count(*) from integrations i where i.account_id = a.id and i.archived_at is null) as integrations, \
                 (select max(t.last_used_at) from tokens t where t.account_id = a.id) as last_used_at, \
                 (select min(s.created_at) from sessions s join users u on u.id = s.user_id \
                 where u.account_id = a.id and s.created_at > ",
            );
            query.push_bind(cutover.at);
            query.push(") as logged_in_at from accounts a left join fate on fate.id = a.id where a.id in (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(id.clone());
            }
            query.push(") order by a.").push(order);
            query.build_query_as().fetch_all(c).await
        })?;
        fates.extend(more);
    }
    Ok((fates, total))
}

/// How many accounts are affected, and how many have recovered.
pub async fn count_accounts(tx: &mut Tx, cutover: &Cutover) -> Result<(i64, i64), StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("");
        push_hits!(query, cutover, None);
        push_fates(&mut query);
        query.push(
            "select cast(coalesce(sum(case when affected > 0 then 1 else 0 end), 0) as bigint), \
             cast(coalesce(sum(case when affected = 0 and recovered > 0 then 1 else 0 end), 0) as bigint) from fate",
        );
        query.build_query_as().fetch_one(c).await
    })?)
}

/// Live tokens that were carried over to `required`, and those that have not reached it.
pub async fn count_tokens(
    tx: &mut Tx,
    required: Generation,
    now: UnixMs,
) -> Result<(i64, i64), StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select cast(coalesce(sum(case when generation >= $1 and born < $1 then 1 else 0 end), 0) as bigint), \
             cast(coalesce(sum(case when generation < $1 then 1 else 0 end), 0) as bigint) \
             from tokens where revoked_at is null and (expires_at is null or expires_at > $2) \
             and (ends_at is null or ends_at > $2)",
        )
        .bind(required)
        .bind(now)
        .fetch_one(c)
        .await
    })?)
}

/// When each recovered integration made its first request with a new token, oldest first: the
/// burn-down.
pub async fn recoveries(tx: &mut Tx, cutover: &Cutover) -> Result<Vec<UnixMs>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("");
        push_hits!(query, cutover, None);
        query.push(
            "select min(recovered_at) from hit where recovered_at is not null and exists (select 1 from accounts a \
             where a.id = hit.account_id and a.disabled_at is null) group by integration_id order by 1",
        );
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// When each recovered account worked again, oldest first: its last integration's recovery.
pub async fn account_recoveries(tx: &mut Tx, cutover: &Cutover) -> Result<Vec<UnixMs>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = QueryBuilder::new("");
        push_hits!(query, cutover, None);
        push_fates(&mut query);
        query.push("select recovered_at from fate where affected = 0 and recovered > 0 order by 1");
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// Takes the meaning of patterns from what a person typed.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
