use leptos::prelude::*;

use super::form::refusal_words;
use crate::model::{Deed, Side, TicketState, UnixMs};
use crate::pages::parts::{
    Badge, Fact, Facts, FieldError, Icon, Shape, Tone, When, ago, counted, thousands,
};
use crate::rotation::tickets::{MOST_SUBJECT, MOST_TEXT, Outlook};
use crate::store::tickets::{Entry, Refusal, Ticket};

/// The state of a ticket.
#[component]
pub fn TicketBadge(
    /// The state.
    state: TicketState,
) -> impl IntoView {
    let (tone, shape, words) = match state {
        TicketState::Open => (Tone::Warn, Shape::Waiting, "Open"),
        TicketState::Answered => (Tone::Good, Shape::Check, "Answered"),
        TicketState::Closed => (Tone::Plain, Shape::Ring, "Closed"),
    };
    view! { <Badge tone shape words/> }
}

/// What a field of a question, a reply or an answer takes, said where it was empty or too long.
pub fn asked_for(field: &str) -> FieldError {
    let words = if field == "subject" {
        format!("Say what it is about, in at most {MOST_SUBJECT} characters.")
    } else {
        let most = thousands(u64::try_from(MOST_TEXT).unwrap_or(u64::MAX));
        format!("Write at least a word, and at most {most} characters.")
    };
    FieldError::new(field, words)
}

/// How long support takes, as far as the last answers tell. It promises nothing that nobody has.
pub fn outlook_words(outlook: Outlook) -> String {
    let span = match outlook.half_within_ms {
        0..5_000 => "seconds".to_owned(),
        ms => ago(UnixMs(0), UnixMs(ms))
            .trim_end_matches(" ago")
            .to_owned(),
    };
    format!(
        "Half of the last {} questions were answered within {span}.",
        outlook.questions
    )
}

/// What was said and done, the oldest first.
#[component]
pub fn Conversation(
    /// What was said and done.
    entries: Vec<Entry>,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    let entries: Vec<_> = entries.into_iter().map(|entry| said(entry, now)).collect();
    view! { <ol class="thread" role="list" aria-label="What was said">{entries}</ol> }
}

fn said(entry: Entry, now: UnixMs) -> AnyView {
    let Entry {
        side,
        name,
        deed,
        text,
        removed,
        at,
    } = entry;
    let of = (side == Side::Support).then(|| view! { <span class="quiet">" of support"</span> });
    if deed != Deed::Wrote {
        let (shape, did) = match deed {
            Deed::Closed => (Shape::Ring, " closed the ticket."),
            _ => (Shape::Waiting, " opened the ticket again."),
        };
        return view! {
            <li class="done-there">
                <Icon shape small=true/>
                <span><strong>{name}</strong> {of} {did}</span>
                <When at now/>
            </li>
        }
        .into_any();
    }
    let class = match side {
        Side::Customer => "said",
        Side::Support => "said tone-accent",
    };
    let removed = u64::try_from(removed).unwrap_or(0);
    let note = (removed > 0).then(|| {
        let what = counted(removed, "secret was", "secrets were");
        view! { <p class="quiet small">{format!("{what} removed before this was stored.")}</p> }
    });
    view! {
        <li class=class>
            <div class="split">
                <span><strong>{name}</strong> {of}</span>
                <span class="quiet"><When at now/></span>
            </div>
            <p class="as-written">{text}</p>
            {note}
        </li>
    }
    .into_any()
}

/// What a ticket is about, as the customer sent it along.
#[component]
pub fn About(
    /// The ticket.
    ticket: Ticket,
    /// Where its integration is looked at, if anywhere.
    #[prop(optional_no_strip)]
    integration_href: Option<String>,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    let integration = ticket.integration_name.map(|name| {
        let shown = match integration_href {
            Some(href) => view! { <a href=href>{name}</a> }.into_any(),
            None => name.into_any(),
        };
        view! { <Fact term="Integration">{shown}</Fact> }
    });
    let refusal = ticket.refusal_code.map(|code| {
        let words = refusal_words(
            &Refusal {
                code,
                at: ticket.refusal_at,
                token: None,
                hint: ticket.refusal_hint,
            },
            now,
        );
        view! { <Fact term="Refusal">{words}</Fact> }
    });
    let request = ticket
        .request_id
        .map(|id| view! { <Fact term="Request"><span class="mono">{id}</span></Fact> });
    view! {
        <Facts>
            <Fact term="State"><TicketBadge state=ticket.state/></Fact>
            <Fact term="Asked by">{ticket.asked_by}</Fact>
            <Fact term="Asked"><When at=ticket.opened_at now/></Fact>
            {integration}
            {refusal}
            {request}
            <Fact term="Id"><span class="mono small">{ticket.id.to_string()}</span></Fact>
        </Facts>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlook_says_what_was_and_promises_nothing() {
        let of = |half_within_ms| {
            outlook_words(Outlook {
                questions: 12,
                half_within_ms,
            })
        };
        assert_eq!(
            of(40 * 60_000),
            "Half of the last 12 questions were answered within 40 minutes."
        );
        assert!(of(100).ends_with("within seconds."));
        assert!(of(3 * 3_600_000).ends_with("within 3 hours."));
    }
}
