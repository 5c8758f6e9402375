use super::super::error::Result;
use super::super::outbox;
use super::{Author, short};
use crate::model::{Letter, Random};
use crate::store::tickets::{self, Ticket};
use crate::store::{Tx, users};

/// Support learns of a question, or of a reply to one.
pub(super) async fn asked(
    tx: &mut Tx,
    random: &Random,
    author: &Author,
    ticket: &Ticket,
    is_new: bool,
) -> Result<()> {
    let letter = Letter::TicketAsked {
        ticket: ticket.id.clone(),
        subject: ticket.subject.clone(),
        account: ticket.account_name.clone(),
        by: author.name.clone(),
        is_new,
    };
    for admin in users::admins(tx).await? {
        if admin.disabled_at.is_none() {
            outbox::order(tx, random, &admin.id, &letter).await?;
        }
    }
    Ok(())
}

/// Whoever asked learns of support's answer, or that it has closed the ticket.
pub(super) async fn answered(
    tx: &mut Tx,
    random: &Random,
    author: &Author,
    ticket: &Ticket,
    text: &str,
    is_closed: bool,
) -> Result<()> {
    let letter = Letter::TicketAnswered {
        ticket: ticket.id.clone(),
        subject: ticket.subject.clone(),
        by: author.name.clone(),
        text: short(text),
        is_answer: !text.is_empty(),
        is_closed,
    };
    for user in tickets::customers(tx, &ticket.id).await? {
        outbox::order(tx, random, &user, &letter).await?;
    }
    Ok(())
}
