use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{
    AccountId, Deed, IntegrationId, Side, TicketId, TicketState, TokenId, UnixMs, UserId,
};

/// A question to support.
#[derive(Clone, Debug, FromRow)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The account's name.
    pub account_name: String,
    /// The name of whoever asked.
    pub asked_by: String,
    /// What it is about, without secrets.
    pub subject: String,
    /// Whose turn it is.
    pub state: TicketState,
    /// The integration it is about.
    pub integration_id: Option<IntegrationId>,
    /// That integration's name.
    pub integration_name: Option<String>,
    /// The refusal it is about, by its code.
    pub refusal_code: Option<String>,
    /// When that was.
    pub refusal_at: Option<UnixMs>,
    /// The refused token, by its last characters.
    pub refusal_hint: Option<String>,
    /// The request it is about.
    pub request_id: Option<String>,
    /// When it was asked.
    pub opened_at: UnixMs,
    /// Since when support has not answered; `None` while it is not open.
    pub waiting_since: Option<UnixMs>,
    /// When anything happened in it last.
    pub changed_at: UnixMs,
    /// When it was closed.
    pub closed_at: Option<UnixMs>,
    /// The name of whoever closed it.
    pub closed_by: Option<String>,
}

const SELECT: &str = "select t.id, t.account_id, a.name as account_name, u.name as asked_by, t.subject, t.state, \
     t.integration_id, i.name as integration_name, t.refusal_code, t.refusal_at, k.hint as refusal_hint, t.request_id, \
     t.opened_at, t.waiting_since, t.changed_at, t.closed_at, c.name as closed_by from tickets t \
     join accounts a on a.id = t.account_id join users u on u.id = t.user_id \
     left join integrations i on i.id = t.integration_id left join tokens k on k.id = t.refusal_token \
     left join users c on c.id = t.closed_by ";

/// What somebody did in a ticket.
#[derive(Clone, Debug, FromRow)]
pub struct Entry {
    /// For whom they speak.
    pub side: Side,
    /// Their name.
    pub name: String,
    /// What they did.
    pub deed: Deed,
    /// What they wrote, without secrets.
    pub text: String,
    /// How many secrets were taken out of it.
    pub removed: i64,
    /// When.
    pub at: UnixMs,
}

/// The refusal that a ticket is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its code.
    pub code: String,
    /// When it was, where that is known.
    pub at: Option<UnixMs>,
    /// Which token was refused, where that is known.
    pub token: Option<TokenId>,
    /// Its last characters.
    pub hint: Option<String>,
}

/// What a new ticket is registered with.
#[derive(Clone, Debug)]
pub struct NewTicket<'n> {
    /// Its id.
    pub id: &'n TicketId,
    /// Whose it is.
    pub account: &'n AccountId,
    /// Who asks.
    pub user: &'n UserId,
    /// What it is about, without secrets.
    pub subject: &'n str,
    /// The integration it is about.
    pub integration: Option<&'n IntegrationId>,
    /// The refusal it is about.
    pub refusal: Option<&'n Refusal>,
    /// The request it is about.
    pub request: Option<&'n str>,
    /// The single-use id of the form.
    pub form: Option<&'n str>,
}

/// Opens a ticket. False when its form has opened one before.
pub async fn insert(tx: &mut Tx, new: &NewTicket<'_>) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(tx, sqlx::query(
            "insert into tickets (id, account_id, user_id, subject, state, integration_id, refusal_code, refusal_at, \
             refusal_token, request_id, form_id, opened_at, waiting_since, changed_at) \
             values ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $11, $11) on conflict (form_id) do nothing",
        )
        .bind(new.id)
        .bind(new.account)
        .bind(new.user)
        .bind(new.subject)
        .bind(new.integration)
        .bind(new.refusal.map(|refusal| &refusal.code))
        .bind(new.refusal.and_then(|refusal| refusal.at))
        .bind(new.refusal.and_then(|refusal| refusal.token.as_ref()))
        .bind(new.request)
        .bind(new.form)
        .bind(now))?;
    Ok(done == 1)
}

/// What a new entry is registered with.
#[derive(Clone, Debug)]
pub struct NewEntry<'n> {
    /// Its id, sortable by time.
    pub id: String,
    /// In which ticket.
    pub ticket: &'n TicketId,
    /// The ticket's account.
    pub account: &'n AccountId,
    /// For whom the author speaks.
    pub side: Side,
    /// Who it is.
    pub user: &'n UserId,
    /// What they do.
    pub deed: Deed,
    /// What they write, without secrets.
    pub text: &'n str,
    /// How many secrets were taken out of it.
    pub removed: i64,
    /// The single-use id of the form.
    pub form: Option<&'n str>,
}

/// Adds to a ticket. False when the form has done so before.
pub async fn insert_entry(tx: &mut Tx, new: &NewEntry<'_>) -> Result<bool, StoreError> {
    let now = tx.state().now;
    let done = exec!(tx, sqlx::query(
            "insert into ticket_entries (id, ticket_id, account_id, side, user_id, deed, text, removed, form_id, at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (form_id) do nothing",
        )
        .bind(&new.id)
        .bind(new.ticket)
        .bind(new.account)
        .bind(new.side)
        .bind(new.user)
        .bind(new.deed)
        .bind(new.text)
        .bind(new.removed)
        .bind(new.form)
        .bind(now))?;
    Ok(done == 1)
}

/// Notes that a token of the account stood in a ticket.
pub async fn insert_token(
    tx: &mut Tx,
    ticket: &TicketId,
    token: &TokenId,
) -> Result<(), StoreError> {
    exec!(
        tx,
        sqlx::query(
            "insert into ticket_tokens (ticket_id, token_id) values ($1, $2) on conflict do nothing"
        )
        .bind(ticket)
        .bind(token)
    )?;
    Ok(())
}

/// Moves a ticket to the state it has after a deed.
pub async fn set_state(
    tx: &mut Tx,
    id: &TicketId,
    state: TicketState,
    closed_by: Option<&UserId>,
) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update tickets set state = $1, changed_at = $2, \
             waiting_since = case when $1 = 'open' then coalesce(waiting_since, $2) end, \
             closed_at = case when $1 = 'closed' then $2 end, closed_by = $3 where id = $4",
        )
        .bind(state)
        .bind(now)
        .bind(closed_by)
        .bind(id)
    )?;
    Ok(())
}

/// Notes an answer of support's, if it is the first.
pub async fn answered(tx: &mut Tx, id: &TicketId) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update tickets set first_answer_at = $1 where id = $2 and first_answer_at is null"
        )
        .bind(now)
        .bind(id)
    )?;
    Ok(())
}

/// Finds a ticket.
pub async fn find(tx: &mut Tx, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("where t.id = ")
            .push_bind(id)
            .build_query_as()
            .fetch_optional(c)
            .await
    })?)
}

/// What a form has opened already: the ticket, its account, its subject and its text.
pub async fn of_form(
    tx: &mut Tx,
    form: &str,
) -> Result<Option<(TicketId, AccountId, String, String)>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select t.id, t.account_id, t.subject, e.text from tickets t join ticket_entries e on e.ticket_id = t.id \
             where t.form_id = $1 order by e.at, e.id limit 1",
        )
        .bind(form)
        .fetch_optional(c)
        .await
    })?)
}

/// What a form has added already: the ticket, and the text.
pub async fn entry_of_form(
    tx: &mut Tx,
    form: &str,
) -> Result<Option<(TicketId, String)>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as("select ticket_id, text from ticket_entries where form_id = $1")
            .bind(form)
            .fetch_optional(c)
            .await
    })?)
}

/// What was done in a ticket, the oldest first.
pub async fn entries(tx: &mut Tx, ticket: &TicketId) -> Result<Vec<Entry>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_as(
            "select e.side, u.name, e.deed, e.text, e.removed, e.at from ticket_entries e \
             join users u on u.id = e.user_id where e.ticket_id = $1 \
             order by e.at, case e.deed when 'wrote' then 0 else 1 end, e.id",
        )
        .bind(ticket)
        .fetch_all(c)
        .await
    })?)
}

/// The account's tokens that stood in a ticket.
pub async fn tokens(tx: &mut Tx, ticket: &TicketId) -> Result<Vec<TokenId>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar("select token_id from ticket_tokens where ticket_id = $1 order by token_id")
            .bind(ticket)
            .fetch_all(c)
            .await
    })?)
}

/// The customers who wrote in a ticket.
pub async fn customers(tx: &mut Tx, ticket: &TicketId) -> Result<Vec<UserId>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select distinct user_id from ticket_entries where ticket_id = $1 and side = 'customer' order by user_id",
        )
        .bind(ticket)
        .fetch_all(c)
        .await
    })?)
}

/// Tickets of one account, or of all, in one state, or in any: first those that wait for support,
/// longest first, then the answered and the closed, newest first.
pub async fn list(
    tx: &mut Tx,
    account: Option<&AccountId>,
    state: Option<TicketState>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Ticket>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new(SELECT);
        query.push("where 1 = 1");
        if let Some(account) = account {
            query.push(" and t.account_id = ").push_bind(account);
        }
        if let Some(state) = state {
            query.push(" and t.state = ").push_bind(state);
        }
        query.push(
            " order by case t.state when 'open' then 0 when 'answered' then 1 else 2 end, \
             case t.state when 'open' then t.waiting_since else -t.changed_at end, t.id limit ",
        );
        query.push_bind(limit).push(" offset ").push_bind(offset);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// How many tickets stand in a state, and since when the first of them waits.
#[derive(Clone, Debug, FromRow)]
pub struct Count {
    /// The state.
    pub state: TicketState,
    /// How many.
    pub tickets: i64,
    /// Since when the first of them waits for support.
    pub waiting_since: Option<UnixMs>,
}

/// How many tickets of an account, or of all, stand where.
pub async fn counts(tx: &mut Tx, account: Option<&AccountId>) -> Result<Vec<Count>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new(
            "select state, count(*) as tickets, min(waiting_since) as waiting_since from tickets",
        );
        if let Some(account) = account {
            query.push(" where account_id = ").push_bind(account);
        }
        query.push(" group by state");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// How much the members of an account have written since a time.
pub async fn count_written(
    tx: &mut Tx,
    account: &AccountId,
    since: UnixMs,
) -> Result<i64, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select count(*) from ticket_entries where account_id = $1 and at > $2 and side = 'customer' and deed = 'wrote'",
        )
        .bind(account)
        .bind(since)
        .fetch_one(c)
        .await
    })?)
}

/// How long the last first answers took, in milliseconds, of those given since a time.
pub async fn first_answers(tx: &mut Tx, since: UnixMs, limit: i64) -> Result<Vec<i64>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::query_scalar(
            "select first_answer_at - opened_at from tickets where first_answer_at > $1 \
             order by first_answer_at desc limit $2",
        )
        .bind(since)
        .bind(limit)
        .fetch_all(c)
        .await
    })?)
}
