//! Questions to support: asked, answered, closed. A text goes into a ticket as [`Written`], without the
//! secrets that stood in it.

/// Support's side, and what both sides do.
mod answers;
/// What a customer sends along, and what of it is theirs.
mod facts;
/// What is shown of tickets.
mod shown;
/// The letters that are ordered with what happens.
mod told;
mod written;

use futures_util::FutureExt as _;
use serde_json::json;

use super::engine::{Engine, note};
use super::error::{Result, RotationError, Rule};
use crate::model::{
    AccountId, Acts, Admin, Deed, Digest, HOUR_MS, InvalidInput, Member, Random, Side, TicketId,
    TicketState, TokenId, UserId, sortable,
};
use crate::store::tickets::{self, Count, NewEntry, NewTicket, Ticket};
use crate::store::tokens::{self, Key};
use crate::store::{Lock, Tx};

pub use facts::{Context, Facts};
pub use shown::{Outlook, Thread, TicketList};
pub use written::Written;

/// The most characters of a subject.
pub const MOST_SUBJECT: usize = 120;
/// The most characters of a text.
pub const MOST_TEXT: usize = 5_000;
/// How many tickets of an account may be open or answered at once.
const MOST_UNCLOSED: i64 = 20;
/// How much the members of an account may write in an hour.
const MOST_WRITTEN: i64 = 30;

/// Whoever writes in a ticket.
#[derive(Clone, Debug)]
pub(super) struct Author {
    side: Side,
    user: UserId,
    /// Their name, as the other side reads it.
    name: String,
    /// Their name in the audit.
    actor: String,
    confined: Option<AccountId>,
}

impl From<&Member> for Author {
    fn from(member: &Member) -> Self {
        Self {
            side: Side::Customer,
            user: member.user().clone(),
            name: member.name().to_owned(),
            actor: member.actor(),
            confined: Some(member.account().clone()),
        }
    }
}

impl From<&Admin> for Author {
    fn from(admin: &Admin) -> Self {
        Self {
            side: Side::Support,
            user: admin.user().clone(),
            name: admin.name().to_owned(),
            actor: admin.actor(),
            confined: None,
        }
    }
}

/// A question as it was asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What it is about.
    pub subject: Written,
    /// The question.
    pub text: Written,
    /// What is sent along.
    pub context: Context,
    /// Tokens that stood in an earlier attempt at the same form.
    pub found: Vec<TokenId>,
    /// The single-use id of the form, so that a repeated submit makes no second ticket.
    pub form_id: Option<String>,
}

impl Question {
    /// What is wrong with it: which field, and what that takes. Empty for a question that can be sent.
    pub fn problems(&self) -> Vec<(&'static str, InvalidInput)> {
        let subject = check(
            &self.subject,
            "subject",
            "says in a few words what it is about, in at most 120 characters",
            MOST_SUBJECT,
        );
        let checked = [("subject", subject), ("question", check_text(&self.text))];
        checked
            .into_iter()
            .filter_map(|(field, checked)| Some((field, checked.err()?)))
            .collect()
    }
}

/// A reply as it was written.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// What was written.
    pub text: Written,
    /// Tokens that stood in an earlier attempt at the same form.
    pub found: Vec<TokenId>,
    /// The single-use id of the form.
    pub form_id: Option<String>,
}

impl Engine {
    /// Opens a ticket. A form that was submitted before with the same question gives the ticket it has
    /// opened.
    ///
    /// # Errors
    /// [`Rule::AlreadySubmitted`] for a form that has asked something else;
    /// [`Rule::TooManyTickets`], [`Rule::TooMuchWritten`].
    pub async fn open_ticket(&self, by: &Member, question: Question) -> Result<TicketId> {
        if let Some((_, invalid)) = question.problems().into_iter().next() {
            return Err(invalid.into());
        }
        let (author, account, random) =
            (Author::from(by), by.account().clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    if let Some(form) = &question.form_id
                        && let Some(before) = tickets::of_form(tx, form).await?
                    {
                        return repeated(before, &question, &account);
                    }
                    let counts = tickets::counts(tx, Some(&account)).await?;
                    let closed = |count: &&Count| count.state != TicketState::Closed;
                    let unclosed: i64 = counts
                        .iter()
                        .filter(closed)
                        .map(|count| count.tickets)
                        .sum();
                    if unclosed >= MOST_UNCLOSED {
                        return Err(RotationError::from(Rule::TooManyTickets(MOST_UNCLOSED)));
                    }
                    moderate(tx, &account, MOST_WRITTEN).await?;
                    open(tx, &random, &author, &account, &question).await
                }
                .boxed()
            })
            .await
    }

    /// Adds a customer's words. They open the ticket again, if it was answered or closed.
    ///
    /// # Errors
    /// As [`Engine::open_ticket`].
    pub async fn reply_to_ticket(&self, by: &Member, id: &TicketId, reply: Reply) -> Result<()> {
        check_text(&reply.text)?;
        let (author, id, random) = (Author::from(by), id.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let ticket = find(tx, &id, author.confined.as_ref()).await?;
                    let write = Write {
                        text: &reply.text,
                        form: reply.form_id.as_deref(),
                    };
                    if !add(tx, &random, &author, &ticket, Deed::Wrote, write).await? {
                        return Ok(());
                    }
                    keep_found(tx, &ticket, &reply.found).await?;
                    // This one among them.
                    moderate(tx, &ticket.account_id, MOST_WRITTEN + 1).await?;
                    tickets::set_state(tx, &id, TicketState::Open, None).await?;
                    if ticket.state == TicketState::Closed {
                        note(
                            tx,
                            &random,
                            &author.actor,
                            "ticket.reopen",
                            id.as_str(),
                            json!({}),
                        )
                        .await?;
                    }
                    told::asked(tx, &random, &author, &ticket, false).await
                }
                .boxed()
            })
            .await
    }

    /// Which of these digests are tokens of the asker's account.
    pub async fn tokens_of_digests(&self, by: &Member, digests: &[Digest]) -> Result<Vec<TokenId>> {
        let mut tx = self.db.read().await?;
        own_tokens(&mut tx, by.account(), digests).await
    }
}

/// A ticket, if it is the asker's.
async fn find(tx: &mut Tx, id: &TicketId, confined: Option<&AccountId>) -> Result<Ticket> {
    tickets::find(tx, id)
        .await?
        .filter(|ticket| confined.is_none_or(|account| *account == ticket.account_id))
        .ok_or(RotationError::NotFound("ticket"))
}

fn check(
    written: &Written,
    what: &'static str,
    takes: &'static str,
    most: usize,
) -> Result<(), InvalidInput> {
    let length = written.as_str().chars().count();
    if (1..=most).contains(&length) {
        Ok(())
    } else {
        Err(InvalidInput::new(what, takes))
    }
}

fn check_text(text: &Written) -> Result<(), InvalidInput> {
    check(
        text,
        "text",
        "has at least one word and at most 5,000 characters",
        MOST_TEXT,
    )
}

/// What a repeated form gives: the ticket it opened, if it asks the same.
fn repeated(
    (id, owner, subject, text): (TicketId, AccountId, String, String),
    question: &Question,
    account: &AccountId,
) -> Result<TicketId> {
    let is_same =
        owner == *account && subject == question.subject.as_str() && text == question.text.as_str();
    is_same
        .then_some(id)
        .ok_or_else(|| Rule::AlreadySubmitted.into())
}

/// Refuses more than people write.
async fn moderate(tx: &mut Tx, account: &AccountId, most: i64) -> Result<()> {
    let since = tx.state().now.plus(-HOUR_MS);
    if tickets::count_written(tx, account, since).await? >= most {
        return Err(Rule::TooMuchWritten(MOST_WRITTEN).into());
    }
    Ok(())
}

async fn open(
    tx: &mut Tx,
    random: &Random,
    author: &Author,
    account: &AccountId,
    question: &Question,
) -> Result<TicketId> {
    let id = TicketId::generate(tx.state().now, random);
    let facts = facts::read(tx, account, &question.context).await?;
    let new = NewTicket {
        id: &id,
        account,
        user: &author.user,
        subject: question.subject.as_str(),
        integration: facts
            .integration
            .as_ref()
            .map(|integration| &integration.id),
        refusal: facts.refusal.as_ref(),
        request: facts.request.as_deref(),
        form: question.form_id.as_deref(),
    };
    if !tickets::insert(tx, &new).await? {
        // The same form, in the same moment, by another node.
        return Err(Rule::AlreadySubmitted.into());
    }
    let ticket = find(tx, &id, Some(account)).await?;
    let write = Write {
        text: &question.text,
        form: None,
    };
    add(tx, random, author, &ticket, Deed::Wrote, write).await?;
    for token in own_tokens(tx, account, question.subject.tokens()).await? {
        tickets::insert_token(tx, &id, &token).await?;
    }
    keep_found(tx, &ticket, &question.found).await?;
    let detail = json!({ "integration": new.integration });
    note(
        tx,
        random,
        &author.actor,
        "ticket.open",
        id.as_str(),
        detail,
    )
    .await?;
    told::asked(tx, random, author, &ticket, true).await?;
    Ok(id)
}

/// Notes tokens that stood in an earlier attempt, as far as they are the account's.
async fn keep_found(tx: &mut Tx, ticket: &Ticket, tokens: &[TokenId]) -> Result<()> {
    for token in tokens {
        let found = tokens::find(tx, Key::Id(token)).await?;
        if found.is_some_and(|found| found.token.account_id == ticket.account_id) {
            tickets::insert_token(tx, &ticket.id, token).await?;
        }
    }
    Ok(())
}

/// What is written in an entry.
struct Write<'w> {
    text: &'w Written,
    form: Option<&'w str>,
}

/// Adds an entry. False for a repeat of a form that has added the same.
///
/// # Errors
/// [`Rule::AlreadySubmitted`] for a form that has added something else.
async fn add(
    tx: &mut Tx,
    random: &Random,
    author: &Author,
    ticket: &Ticket,
    deed: Deed,
    write: Write<'_>,
) -> Result<bool> {
    let new = NewEntry {
        id: format!("ent_{}", sortable(tx.state().now, random)),
        ticket: &ticket.id,
        account: &ticket.account_id,
        side: author.side,
        user: &author.user,
        deed,
        text: write.text.as_str(),
        removed: i64::try_from(write.text.removed()).unwrap_or(i64::MAX),
        form: write.form,
    };
    if !tickets::insert_entry(tx, &new).await? {
        let before = match write.form {
            Some(form) => tickets::entry_of_form(tx, form).await?,
            None => None,
        };
        let is_same = before.is_some_and(|(of, text)| of == ticket.id && text == new.text);
        return if is_same {
            Ok(false)
        } else {
            Err(Rule::AlreadySubmitted.into())
        };
    }
    // What support writes by mistake is hidden as well; whose it is, is not looked up.
    if author.side == Side::Customer {
        for token in own_tokens(tx, &ticket.account_id, write.text.tokens()).await? {
            tickets::insert_token(tx, &ticket.id, &token).await?;
        }
    }
    Ok(true)
}

async fn own_tokens(tx: &mut Tx, account: &AccountId, digests: &[Digest]) -> Result<Vec<TokenId>> {
    let mut own = Vec::new();
    for digest in digests {
        let found = tokens::find(tx, Key::Digest(digest)).await?;
        own.extend(
            found
                .map(|found| found.token)
                .filter(|token| token.account_id == *account)
                .map(|token| token.id),
        );
    }
    Ok(own)
}

/// What a letter repeats of a text: all of it when it is short.
fn short(text: &str) -> Option<String> {
    const MOST_TOLD: usize = 600;
    let is_short = !text.is_empty() && text.chars().count() <= MOST_TOLD;
    is_short.then(|| text.to_owned())
}
