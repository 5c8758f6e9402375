use super::past::{Calendar, Life};
use crate::auth::{Who, in_place_of};
use crate::cli::failure::{Failure, Result};
use crate::cli::opening::Installation;
use crate::model::{Admin, Member, TicketId, UserId};
use crate::rotation::tickets::{Context, Question, Reply, Written};

/// A question that somebody asked support.
struct Asked {
    /// How many days ago it was asked, and at which hour; today: how many minutes ago.
    ago: i64,
    hour: i64,
    account: &'static str,
    integration: Option<&'static str>,
    subject: &'static str,
    /// `{token}` is the token itself, as people paste it.
    text: &'static str,
    then: &'static [Turn],
}

/// What came then.
enum Turn {
    /// Support wrote, this many minutes after what came before.
    Answer(i64, &'static str),
    /// The customer wrote.
    Reply(i64, &'static str),
    /// The customer closed it.
    Close(i64),
}

use Turn::{Answer, Close, Reply as Replied};

/// The questions, the oldest first.
const QUESTIONS: &[Asked] = &[
    Asked {
        ago: 35,
        hour: 21,
        account: "Kestrel Labs",
        integration: Some("Alerts relay"),
        subject: "Alerts relay stopped at midnight",
        text: "It answers 401 since 00:03. We changed nothing.",
        then: &[
            Answer(
                38,
                "Its token made no request in the recording phase, so the cutover left it behind. Open the integration, generate a \
                 new token and put it into the relay: the page turns to Working by itself.",
            ),
            Replied(51, "That was it. It works again, thank you."),
            Close(1),
        ],
    },
    Asked {
        ago: 12,
        hour: 21,
        account: "Tallow & Co",
        integration: None,
        subject: "Two shops, one integration?",
        text: "We open a second shop next month. Does it need an integration of its own, or can both use the same token?",
        then: &[
            Answer(
                95,
                "Give it one of its own: then one token can be replaced without the other shop noticing.",
            ),
            Close(640),
        ],
    },
    Asked {
        ago: 7,
        hour: 21,
        account: "Meridian Bank",
        integration: Some("Statement sender"),
        subject: "Does a weekly job survive the cutover?",
        text: "Statement sender runs once a week. Is one run before the date enough, and where do we see that it counted?",
        then: &[
            Answer(
                24,
                "One request is enough. The list of your integrations shows Captured from then on, and the answer to the \
                 request itself carries Rollcall-Capture: recorded.",
            ),
            Replied(33, "We see it. Good."),
            Close(2),
        ],
    },
    Asked {
        ago: 2,
        hour: 21,
        account: "Juniper Clinic",
        integration: Some("Lab results"),
        subject: "Can we test with the token of production?",
        text: "Our vendor wants to try Lab results from their own machine. They asked for this one:\n\n\
               Authorization: Bearer {token}\n\nIs that all right?",
        then: &[Answer(
            41,
            "Better not: give them a token of their own, with an end in 90 days. If you have sent them this one already, \
             generate a new one for yourselves and revoke it.",
        )],
    },
    Asked {
        ago: 0,
        hour: 35,
        account: "Northwind",
        integration: Some("Order sync"),
        subject: "Orders have been stuck since the cutover",
        text: "The shop was closed for renovation, and now that we are back every order is refused. Who can restart this, \
               and will the orders of the last days be sent again?",
        then: &[],
    },
];

/// What was asked on a day that is so many days ago.
pub(super) async fn on_day(
    at: &Installation,
    calendar: &mut Calendar<'_>,
    lives: &[Life],
    admin: &UserId,
    ago: i64,
) -> Result<()> {
    for asked in QUESTIONS.iter().filter(|asked| asked.ago == ago) {
        let wrong = || Failure::failed("the demo's questions name nobody");
        let Some(priya) = at.engine.user(admin).await? else {
            return Err(wrong());
        };
        let Who::Admin(priya) = in_place_of(&at.by, priya) else {
            return Err(wrong());
        };
        let account = at.engine.account(&at.by, asked.account).await?;
        let users = at.engine.users_of(&at.by, &account.id).await?;
        let Some(Who::Member { member, .. }) = users
            .into_iter()
            .next()
            .map(|user| in_place_of(&at.by, user))
        else {
            return Err(wrong());
        };
        if ago == 0 {
            calendar.go_back(asked.hour).await?;
        } else {
            calendar.go(ago, asked.hour).await?;
        }
        let id = ask(at, lives, &member, asked).await?;
        go_on(at, calendar, (&member, &priya), &id, asked.then).await?;
    }
    Ok(())
}

async fn ask(
    at: &Installation,
    lives: &[Life],
    member: &Member,
    asked: &Asked,
) -> Result<TicketId> {
    let mut life = None;
    if let Some(name) = asked.integration {
        let own = at.engine.integrations(member, None).await?;
        let own = own.into_iter().find(|(own, _)| own.name == name);
        life = own.and_then(|(own, _)| lives.iter().find(|life| life.integration == own.id));
    }
    let token = life.and_then(|life| life.token.as_ref());
    let text = match token {
        Some(issued) => asked.text.replace("{token}", issued.token.expose()),
        None => asked.text.to_owned(),
    };
    let question = Question {
        subject: Written::of(asked.subject),
        text: Written::of(&text),
        context: life.map_or_else(Context::default, |life| Context::about(&life.integration)),
        ..Question::default()
    };
    Ok(at.engine.open_ticket(member, question).await?)
}

async fn go_on(
    at: &Installation,
    calendar: &mut Calendar<'_>,
    (member, priya): (&Member, &Admin),
    id: &TicketId,
    turns: &[Turn],
) -> Result<()> {
    for turn in turns {
        let (Answer(minutes, _) | Replied(minutes, _) | Close(minutes)) = turn;
        calendar.pass(*minutes).await?;
        match turn {
            Answer(_, text) => {
                let text = Written::of(text);
                at.engine
                    .answer_ticket(priya, id, text, false, None)
                    .await?;
            }
            Replied(_, text) => {
                let reply = Reply {
                    text: Written::of(text),
                    ..Reply::default()
                };
                at.engine.reply_to_ticket(member, id, reply).await?;
            }
            Close(_) => at.engine.close_ticket(member, id).await?,
        }
    }
    Ok(())
}
