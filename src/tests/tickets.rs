//! Questions to support: whose turn it is, what is kept of them, and who learns of what.

use super::both;
use super::post_office::PostOffice;
use super::secrets::holds;
use super::world::World;
use crate::model::{
    Admin, DAY_MS, Deed, HOUR_MS, IntegrationId, Member, Side, TicketId, TicketState,
};
use crate::notify::{Mailer, deliver_due};
use crate::rotation::tickets::{Context, Outlook, Question, Reply, Written};
use crate::rotation::{NewUser, RotationError, Rule};

/// Two customers and an admin.
struct Cast {
    ana: Member,
    ben: Member,
    priya: Admin,
    /// Of Ana's account.
    integration: IntegrationId,
    /// Of Ben's.
    other: IntegrationId,
}

async fn cast(world: &World) -> Cast {
    let integration = world.integration("Alpha").await;
    let other = world.integration("Beta").await;
    let priya = "priya@platform.example";
    let user = user(world, None, priya).await;
    Cast {
        ana: member(world, "Alpha", "ana@alpha.example", "Ana").await,
        ben: member(world, "Beta", "ben@beta.example", "Ben").await,
        priya: Admin::vouch(user, priya.to_owned(), "Priya".to_owned()),
        integration,
        other,
    }
}

async fn user(world: &World, account: Option<&str>, email: &str) -> crate::model::UserId {
    let name = email.split('@').next().unwrap();
    let name = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    let new = NewUser {
        account: account.map(str::to_owned),
        name: Some(name.parse().unwrap()),
        email: email.parse().unwrap(),
        password_hash: None,
    };
    world
        .engine
        .create_user(&world.operator, new)
        .await
        .unwrap()
        .user
}

async fn member(world: &World, account: &str, email: &str, name: &str) -> Member {
    let user = user(world, Some(account), email).await;
    let account = world
        .engine
        .account(&world.operator, account)
        .await
        .unwrap();
    Member::vouch(user, account.id, email.to_owned(), name.to_owned())
}

fn question(text: &str) -> Question {
    Question {
        subject: Written::of("401 since noon"),
        text: Written::of(text),
        ..Question::default()
    }
}

fn reply(text: &str) -> Reply {
    Reply {
        text: Written::of(text),
        ..Reply::default()
    }
}

async fn state(world: &World, id: &TicketId) -> TicketState {
    world
        .engine
        .ticket(&world.operator, id)
        .await
        .unwrap()
        .ticket
        .state
}

/// Subjects and recipients of what was sent since, the oldest first.
async fn sent(world: &World, office: &PostOffice, from: usize) -> Vec<(String, String)> {
    let mailer = Mailer::new(&office.url, &world.engine.settings().public_url);
    deliver_due(&world.engine, &mailer).await.unwrap();
    let subject = |data: &str| {
        let line = data
            .lines()
            .find(|line| line.starts_with("Subject: "))
            .unwrap();
        line["Subject: ".len()..].to_owned()
    };
    let taken = office.taken();
    let mut sent: Vec<_> = taken[from..]
        .iter()
        .map(|mail| (mail.to[0].clone(), subject(&mail.data)))
        .collect();
    sent.sort();
    sent
}

both! {
    /// Asked, answered, closed, asked again: the state says whose turn it is, and the thread who did what.
    async fn a_ticket_goes_back_and_forth(world: World) {
        let Cast { ana, priya, integration, .. } = cast(&world).await;
        let engine = &world.engine;
        let asked = Question { context: Context::about(&integration), ..question("It fails.") };
        let id = engine.open_ticket(&ana, asked).await.unwrap();
        let thread = engine.ticket(&ana, &id).await.unwrap();
        assert_eq!(thread.ticket.state, TicketState::Open);
        assert_eq!(thread.ticket.integration_name.as_deref(), Some("Order sync"));
        assert_eq!((thread.ticket.account_name.as_str(), thread.ticket.asked_by.as_str()), ("Alpha", "Ana"));
        let since = thread.ticket.waiting_since.unwrap();

        world.pass(HOUR_MS).await;
        engine.reply_to_ticket(&ana, &id, reply("Still.")).await.unwrap();
        let waits = engine.ticket(&ana, &id).await.unwrap().ticket;
        assert_eq!(waits.waiting_since, Some(since), "a second word does not lose the place in the queue");

        engine.answer_ticket(&priya, &id, Written::of("Look again."), false, None).await.unwrap();
        assert_eq!(state(&world, &id).await, TicketState::Answered);
        engine.reply_to_ticket(&ana, &id, reply("It works.")).await.unwrap();
        assert_eq!(state(&world, &id).await, TicketState::Open);
        engine.close_ticket(&ana, &id).await.unwrap();
        engine.close_ticket(&ana, &id).await.unwrap();
        let closed = engine.ticket(&ana, &id).await.unwrap().ticket;
        assert_eq!((closed.state, closed.closed_by.as_deref()), (TicketState::Closed, Some("Ana")));
        assert!(closed.closed_at.is_some() && closed.waiting_since.is_none());

        engine.reply_to_ticket(&ana, &id, reply("No, it does not.")).await.unwrap();
        assert_eq!(state(&world, &id).await, TicketState::Open);
        engine.answer_ticket(&priya, &id, Written::of("Now?"), true, None).await.unwrap();
        let closed = engine.ticket(&ana, &id).await.unwrap().ticket;
        assert_eq!((closed.state, closed.closed_by.as_deref()), (TicketState::Closed, Some("Priya")));
        engine.reopen_ticket(&priya, &id).await.unwrap();
        engine.reopen_ticket(&priya, &id).await.unwrap();
        engine.answer_ticket(&priya, &id, Written::default(), true, None).await.unwrap();
        engine.answer_ticket(&priya, &id, Written::default(), true, None).await.unwrap();

        let entries = engine.ticket(&ana, &id).await.unwrap().entries;
        let told: Vec<_> = entries.iter().map(|entry| (entry.side, entry.deed, entry.text.as_str())).collect();
        let (customer, support) = (Side::Customer, Side::Support);
        assert_eq!(told, [
            (customer, Deed::Wrote, "It fails."),
            (customer, Deed::Wrote, "Still."),
            (support, Deed::Wrote, "Look again."),
            (customer, Deed::Wrote, "It works."),
            (customer, Deed::Closed, ""),
            (customer, Deed::Wrote, "No, it does not."),
            (support, Deed::Wrote, "Now?"),
            (support, Deed::Closed, ""),
            (support, Deed::Reopened, ""),
            (support, Deed::Closed, ""),
        ]);
        let mut deeds: Vec<_> = engine.audit(Some(id.as_str()), 20).await.unwrap()
            .into_iter().map(|line| line.action).collect();
        // What is one step stands under one time.
        deeds.sort();
        assert_eq!(deeds, [
            "ticket.answer", "ticket.answer", "ticket.close", "ticket.close", "ticket.close", "ticket.open",
            "ticket.reopen", "ticket.reopen",
        ]);
        let account = engine.audit_of_account(&world.operator, ana.account(), 50).await.unwrap();
        assert!(account.iter().any(|line| line.subject == id.as_str()));
    }
}

both! {
    /// Another account's ticket does not exist, nor does its integration, its refusal or its token.
    async fn a_strangers_ticket_does_not_exist(world: World) {
        let Cast { ana, ben, integration, other, .. } = cast(&world).await;
        let engine = &world.engine;
        let id = engine.open_ticket(&ana, question("It fails.")).await.unwrap();
        assert!(matches!(engine.ticket(&ben, &id).await, Err(RotationError::NotFound(_))));
        assert!(matches!(engine.reply_to_ticket(&ben, &id, reply("x")).await, Err(RotationError::NotFound(_))));
        assert!(matches!(engine.close_ticket(&ben, &id).await, Err(RotationError::NotFound(_))));
        assert!(engine.tickets(&ben, Some(ana.account()), None, 0, 10).await.unwrap().tickets.is_empty());
        assert_eq!(state(&world, &id).await, TicketState::Open);

        let issued = world.issue(&other).await;
        let facts = engine.ticket_facts(&ana, &Context::about(&other)).await.unwrap();
        assert!(facts.integration.is_none() && facts.refusal.is_none());
        let by_ref = Context::of("", "", "", &issued.row.fix_ref);
        assert!(engine.ticket_facts(&ana, &by_ref).await.unwrap().integration.is_none());
        let own = engine.ticket_facts(&ben, &by_ref).await.unwrap();
        assert_eq!(own.integration.unwrap().id, other);
        let asked = Question {
            context: Context::about(&other),
            found: vec![issued.row.id.clone()],
            ..question(&format!("Whose is {}?", issued.token.expose()))
        };
        let id = engine.open_ticket(&ana, asked).await.unwrap();
        let thread = engine.ticket(&ana, &id).await.unwrap();
        assert!(thread.ticket.integration_id.is_none() && thread.tokens.is_empty());
        assert!(!thread.entries[0].text.contains(issued.token.expose()), "removed all the same");

        let lists = engine.tickets(&world.operator, None, None, 0, 10).await.unwrap();
        assert_eq!((lists.tickets.len(), lists.count(TicketState::Open)), (2, 2));
        let facts = engine.ticket_facts(&ana, &Context::about(&integration)).await.unwrap();
        assert_eq!(facts.integration.unwrap().id, integration);
    }
}

both! {
    /// The refusal that led to the question goes along, with its time and its token.
    async fn the_last_refusal_goes_along(world: World) {
        let Cast { ana, integration, .. } = cast(&world).await;
        let engine = &world.engine;
        let issued = world.issue(&integration).await;
        engine.revoke_token(&world.operator, &issued.row.id).await.unwrap();
        world.refused(&issued.token).await;
        engine.flush().await.unwrap();
        let by_ref = Context::of("", "", "0123456789abcdef", &issued.row.fix_ref);
        for context in [by_ref, Context { request: Some("0123456789abcdef".to_owned()), ..Context::about(&integration) }] {
            let asked = Question { context, ..question("Why?") };
            let id = engine.open_ticket(&ana, asked).await.unwrap();
            let ticket = engine.ticket(&ana, &id).await.unwrap().ticket;
            assert_eq!(ticket.integration_id.as_ref(), Some(&integration));
            assert_eq!(ticket.refusal_code.as_deref(), Some("token_revoked"));
            assert_eq!(ticket.refusal_hint, Some(issued.token.hint()));
            assert!(ticket.refusal_at.is_some());
            assert_eq!(ticket.request_id.as_deref(), Some("0123456789abcdef"));
        }
    }
}

both! {
    /// A pasted token, whole or wrapped, is in no row, file or mail; its owner can revoke it, and nobody else learns
    /// whose it is.
    async fn a_pasted_token_is_nowhere(world: World) {
        let Cast { ana, ben, priya, integration, .. } = cast(&world).await;
        let engine = &world.engine;
        let office = PostOffice::open().await;
        let (one, two) = (world.issue(&integration).await, world.issue(&integration).await);
        let wrapped: Vec<&str> = two.token.expose().as_bytes().chunks(50)
            .map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        let asked = Question {
            subject: Written::of(&format!("{} fails", one.token.expose())),
            ..question(&format!("Authorization: Bearer {}\nWhy?", wrapped.join("\r\n> ")))
        };
        let id = engine.open_ticket(&ana, asked).await.unwrap();
        engine.reply_to_ticket(&ana, &id, reply(&format!("I mean {}.", one.token.expose()))).await.unwrap();
        let answer = Written::of(&format!("This one: {}?", two.token.expose()));
        engine.answer_ticket(&priya, &id, answer, false, None).await.unwrap();
        let thread = engine.ticket(&ana, &id).await.unwrap();
        assert_eq!(thread.entries[0].removed, 1);
        assert_eq!(thread.entries[0].text, format!("Authorization: Bearer [token …{} removed]\nWhy?", two.token.hint()));
        let mut live: Vec<_> = thread.live_tokens().map(|token| token.row.id.clone()).collect();
        live.sort();
        let mut both = [one.row.id.clone(), two.row.id.clone()];
        both.sort();
        assert_eq!(live, both);

        engine.revoke_token(&ana, &one.row.id).await.unwrap();
        let live: Vec<_> = engine.ticket(&ana, &id).await.unwrap().live_tokens().map(|token| token.row.id.clone()).collect();
        assert!(live.len() == 1 && live[0] == two.row.id, "{live:?}");
        let asked = question(&format!("Found {}", two.token.expose()));
        let foreign = engine.open_ticket(&ben, asked).await.unwrap();
        assert!(engine.ticket(&ben, &foreign).await.unwrap().tokens.is_empty());

        sent(&world, &office, 0).await;
        engine.flush().await.unwrap();
        let mails: String = office.taken().into_iter().map(|mail| mail.data).collect();
        assert!(mails.contains("This one: [token"), "{mails}");
        for token in [&one.token, &two.token] {
            // The header is no secret; claims and signature are.
            for piece in token.expose().split('.').skip(1).flat_map(|part| part.as_bytes().chunks_exact(24)) {
                assert!(!holds(world.folder(), piece), "in a file");
                assert!(!mails.contains(std::str::from_utf8(piece).unwrap()), "in a mail");
            }
        }
    }
}

both! {
    /// A form sends once. The same again leads to what it did; something else is refused, and nothing is lost.
    async fn a_form_sends_once(world: World) {
        let Cast { ana, ben, priya, .. } = cast(&world).await;
        let engine = &world.engine;
        let office = PostOffice::open().await;
        let form = |text: &str| Question { form_id: Some("form-1".to_owned()), ..question(text) };
        let id = engine.open_ticket(&ana, form("It fails.")).await.unwrap();
        assert_eq!(engine.open_ticket(&ana, form("It fails.")).await.unwrap(), id);
        let already = |result: &RotationError| matches!(result, RotationError::Refused(Rule::AlreadySubmitted));
        assert!(already(&engine.open_ticket(&ana, form("Another.")).await.unwrap_err()));
        assert!(already(&engine.open_ticket(&ben, form("It fails.")).await.unwrap_err()));
        let again = |text: &str| Reply { form_id: Some("form-2".to_owned()), ..reply(text) };
        engine.reply_to_ticket(&ana, &id, again("Still.")).await.unwrap();
        engine.reply_to_ticket(&ana, &id, again("Still.")).await.unwrap();
        assert!(already(&engine.reply_to_ticket(&ana, &id, again("No more.")).await.unwrap_err()));
        let answer = async |text: &str| {
            engine.answer_ticket(&priya, &id, Written::of(text), true, Some("form-3".to_owned())).await
        };
        answer("Look again.").await.unwrap();
        answer("Look again.").await.unwrap();
        assert!(already(&answer("No.").await.unwrap_err()));
        let thread = engine.ticket(&ana, &id).await.unwrap();
        assert_eq!(thread.entries.len(), 4, "asked, replied, answered, closed");
        assert_eq!(engine.tickets(&world.operator, None, None, 0, 10).await.unwrap().tickets.len(), 1);
        assert_eq!(sent(&world, &office, 0).await.len(), 2, "one for support, one for Ana");
    }
}

both! {
    /// Two nodes are handed the same form in the same moment.
    async fn a_form_sent_to_two_nodes_asks_once(world: World) {
        let Cast { ana, .. } = cast(&world).await;
        let other = world.another_process().await;
        for round in 0..5 {
            let form = Question { form_id: Some(format!("form-{round}")), ..question("It fails.") };
            let (one, two) = tokio::join!(
                world.engine.open_ticket(&ana, form.clone()),
                other.open_ticket(&ana, form)
            );
            assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
        }
        assert_eq!(world.engine.tickets(&ana, None, None, 0, 10).await.unwrap().tickets.len(), 5);
    }
}

both! {
    /// Support learns of questions, together when they come together; customers of each answer, and of a close that
    /// was not theirs. Nobody learns of their own deed.
    async fn letters_go_to_the_other_side(world: World) {
        let Cast { ana, priya, .. } = cast(&world).await;
        let cleo = member(&world, "Alpha", "cleo@alpha.example", "Cleo").await;
        let engine = &world.engine;
        let office = PostOffice::open().await;
        let id = engine.open_ticket(&ana, question("It fails.")).await.unwrap();
        let priya_gets = |subject: &str| ("priya@platform.example".to_owned(), subject.to_owned());
        assert_eq!(sent(&world, &office, 0).await, [priya_gets("Alpha: 401 since noon")]);

        engine.answer_ticket(&priya, &id, Written::of("Look again."), false, None).await.unwrap();
        let ana_gets = ("ana@alpha.example".to_owned(), "Re: 401 since noon".to_owned());
        let sent_now = sent(&world, &office, 1).await;
        assert!(sent_now.len() == 1 && sent_now[0] == ana_gets, "{sent_now:?}");
        let mail = office.taken().remove(1).data;
        for needed in [
            format!("http://127.0.0.1:3000/support/{id}"),
            format!("References: <{id}@localhost>"),
            "> Look again.".to_owned(),
        ] {
            assert!(mail.contains(&needed), "{needed}: {mail}");
        }

        // Whoever joins in is told from then on; what comes within a quarter of an hour is one letter.
        engine.reply_to_ticket(&cleo, &id, reply("Still.")).await.unwrap();
        engine.open_ticket(&cleo, question("And this?")).await.unwrap();
        assert_eq!(sent(&world, &office, 2).await, []);
        world.pass(HOUR_MS).await;
        assert_eq!(sent(&world, &office, 2).await, [priya_gets("2 tickets wait for an answer")]);
        let cleo_gets = ("cleo@alpha.example".to_owned(), "Re: 401 since noon".to_owned());
        engine.answer_ticket(&priya, &id, Written::of(&"long ".repeat(200)), true, None).await.unwrap();
        assert_eq!(sent(&world, &office, 3).await, [ana_gets.clone(), cleo_gets.clone()]);
        assert!(!office.taken()[3].data.contains("long long"), "a long answer is not repeated");
        engine.reopen_ticket(&priya, &id).await.unwrap();
        engine.close_ticket(&ana, &id).await.unwrap();
        assert_eq!(sent(&world, &office, 5).await, []);
        engine.reopen_ticket(&priya, &id).await.unwrap();
        engine.answer_ticket(&priya, &id, Written::default(), true, None).await.unwrap();
        assert_eq!(sent(&world, &office, 5).await, [ana_gets, cleo_gets]);
    }
}

both! {
    /// What is asked has a length, a rate and a number.
    async fn there_are_limits(world: World) {
        let Cast { ana, ben, .. } = cast(&world).await;
        let engine = &world.engine;
        let fields = |question: &Question| question.problems().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(fields(&Question::default()), ["subject", "question"]);
        let long = Question { subject: Written::of(&"x".repeat(121)), ..question(&"word ".repeat(1_001)) };
        assert_eq!(fields(&long), ["subject", "question"]);
        assert!(matches!(engine.open_ticket(&ana, long).await, Err(RotationError::Invalid(_))));
        let most = Question { subject: Written::of(&"ä".repeat(120)), ..question(&"ä".repeat(5_000)) };
        assert!(fields(&most).is_empty());

        let mut tickets = Vec::new();
        for at in 0..20 {
            tickets.push(engine.open_ticket(&ana, question(&format!("{at}"))).await.unwrap());
        }
        let refused = engine.open_ticket(&ana, question("one more")).await;
        assert!(matches!(refused, Err(RotationError::Refused(Rule::TooManyTickets(20)))), "{refused:?}");
        engine.close_ticket(&ana, &tickets[0]).await.unwrap();
        engine.open_ticket(&ana, question("one more")).await.unwrap();
        for at in 0..9 {
            engine.reply_to_ticket(&ana, &tickets[1], reply(&format!("{at}"))).await.unwrap();
        }
        let refused = engine.reply_to_ticket(&ana, &tickets[1], reply("more")).await;
        assert!(matches!(refused, Err(RotationError::Refused(Rule::TooMuchWritten(30)))), "{refused:?}");
        assert_eq!(engine.ticket(&ana, &tickets[1]).await.unwrap().entries.len(), 10);
        engine.open_ticket(&ben, question("Others may.")).await.unwrap();
        world.pass(HOUR_MS + 1).await;
        engine.reply_to_ticket(&ana, &tickets[1], reply("more")).await.unwrap();
    }
}

both! {
    /// What is said of the time an answer takes is what it took: the median of the last first answers, of three at least.
    async fn the_outlook_is_what_was(world: World) {
        let Cast { ana, priya, .. } = cast(&world).await;
        let engine = &world.engine;
        for (at, minutes) in [30, 10, 600].into_iter().enumerate() {
            assert_eq!(engine.support_outlook().await.unwrap(), None);
            let id = engine.open_ticket(&ana, question(&format!("{at}"))).await.unwrap();
            world.pass(minutes * 60_000).await;
            engine.answer_ticket(&priya, &id, Written::of("So."), true, None).await.unwrap();
            engine.answer_ticket(&priya, &id, Written::of("Once more."), true, None).await.unwrap();
        }
        let Some(Outlook { questions: 3, half_within_ms }) = engine.support_outlook().await.unwrap() else { panic!() };
        assert!((30 * 60_000..31 * 60_000).contains(&half_within_ms), "{half_within_ms}");
        world.pass(91 * DAY_MS).await;
        assert_eq!(engine.support_outlook().await.unwrap(), None, "it says nothing of today");
    }
}

both! {
    /// Those that wait stand first, the longest wait first; then the rest, the newest first.
    async fn the_list_is_in_the_order_of_need(world: World) {
        let Cast { ana, priya, .. } = cast(&world).await;
        let engine = &world.engine;
        let mut ids = Vec::new();
        for at in 0..5 {
            ids.push(engine.open_ticket(&ana, question(&format!("{at}"))).await.unwrap());
            world.pass(60_000).await;
        }
        for (at, close) in [(0, true), (1, false), (3, false)] {
            engine.answer_ticket(&priya, &ids[at], Written::of("So."), close, None).await.unwrap();
            world.pass(60_000).await;
        }
        let list = engine.tickets(&priya, None, None, 0, 10).await.unwrap();
        let order: Vec<_> = list.tickets.iter().map(|ticket| ids.iter().position(|id| *id == ticket.id).unwrap()).collect();
        assert_eq!(order, [2, 4, 3, 1, 0]);
        assert_eq!(list.waiting_since(), Some(list.tickets[0].opened_at));
        let closed = engine.tickets(&priya, None, Some(TicketState::Closed), 0, 10).await.unwrap();
        assert_eq!((closed.tickets.len(), closed.count(TicketState::Answered)), (1, 2));
        let second = engine.tickets(&priya, None, None, 1, 1).await.unwrap();
        assert_eq!(second.tickets[0].id, ids[4]);
    }
}
