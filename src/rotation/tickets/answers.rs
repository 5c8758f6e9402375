use futures_util::FutureExt as _;
use serde_json::json;

use super::super::engine::{Engine, note};
use super::super::error::Result;
use super::{Author, Write, Written, add, check_text, find, told};
use crate::model::{Admin, Deed, Member, Random, TicketId, TicketState};
use crate::store::tickets::{self, Ticket};
use crate::store::{Lock, Tx};

impl Engine {
    /// Answers a ticket, and closes it if nothing is left to say. Without words it is only closed.
    ///
    /// # Errors
    /// [`Rule::AlreadySubmitted`](super::Rule::AlreadySubmitted) for a form that has answered something
    /// else.
    pub async fn answer_ticket(
        &self,
        by: &Admin,
        id: &TicketId,
        text: Written,
        close: bool,
        form_id: Option<String>,
    ) -> Result<()> {
        if !(close && text.as_str().is_empty()) {
            check_text(&text)?;
        }
        let (author, id, random) = (Author::from(by), id.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let ticket = find(tx, &id, None).await?;
                    if text.as_str().is_empty() {
                        return end(tx, &random, &author, &ticket, "").await;
                    }
                    let write = Write {
                        text: &text,
                        form: form_id.as_deref(),
                    };
                    if !add(tx, &random, &author, &ticket, Deed::Wrote, write).await? {
                        return Ok(());
                    }
                    tickets::answered(tx, &id).await?;
                    note(
                        tx,
                        &random,
                        &author.actor,
                        "ticket.answer",
                        id.as_str(),
                        json!({}),
                    )
                    .await?;
                    if close {
                        return end(tx, &random, &author, &ticket, text.as_str()).await;
                    }
                    tickets::set_state(tx, &id, TicketState::Answered, None).await?;
                    told::answered(tx, &random, &author, &ticket, text.as_str(), false).await
                }
                .boxed()
            })
            .await
    }

    /// Closes a ticket of one's own: the customer says that it is solved. Nothing happens to one that is
    /// closed.
    pub async fn close_ticket(&self, by: &Member, id: &TicketId) -> Result<()> {
        let (author, id, random) = (Author::from(by), id.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let ticket = find(tx, &id, author.confined.as_ref()).await?;
                    if ticket.state == TicketState::Closed {
                        return Ok(());
                    }
                    close(tx, &random, &author, &ticket).await
                }
                .boxed()
            })
            .await
    }

    /// Opens a closed ticket again: support has more to do. Nothing happens to one that is not closed.
    pub async fn reopen_ticket(&self, by: &Admin, id: &TicketId) -> Result<()> {
        let (author, id, random) = (Author::from(by), id.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let ticket = find(tx, &id, None).await?;
                    if ticket.state != TicketState::Closed {
                        return Ok(());
                    }
                    wordless(tx, &random, &author, &ticket, Deed::Reopened).await?;
                    tickets::set_state(tx, &id, TicketState::Open, None).await?;
                    Ok(note(
                        tx,
                        &random,
                        &author.actor,
                        "ticket.reopen",
                        id.as_str(),
                        json!({}),
                    )
                    .await?)
                }
                .boxed()
            })
            .await
    }
}

/// Support closes a ticket, with its last words if it has any. Once closed, it stays as it is.
async fn end(
    tx: &mut Tx,
    random: &Random,
    author: &Author,
    ticket: &Ticket,
    words: &str,
) -> Result<()> {
    if ticket.state == TicketState::Closed && words.is_empty() {
        return Ok(());
    }
    close(tx, random, author, ticket).await?;
    told::answered(tx, random, author, ticket, words, true).await
}

async fn close(tx: &mut Tx, random: &Random, author: &Author, ticket: &Ticket) -> Result<()> {
    wordless(tx, random, author, ticket, Deed::Closed).await?;
    tickets::set_state(tx, &ticket.id, TicketState::Closed, Some(&author.user)).await?;
    let (actor, id) = (&author.actor, ticket.id.as_str());
    Ok(note(tx, random, actor, "ticket.close", id, json!({})).await?)
}

async fn wordless(
    tx: &mut Tx,
    random: &Random,
    author: &Author,
    ticket: &Ticket,
    deed: Deed,
) -> Result<()> {
    let nothing = Written::default();
    let write = Write {
        text: &nothing,
        form: None,
    };
    add(tx, random, author, ticket, deed, write).await?;
    Ok(())
}
