//! Letters reach whom they are for: once, with what is known by then, and without a secret at rest.

use std::collections::BTreeSet;
use std::time::Duration;

use super::both;
use super::post_office::{PostOffice, Taken};
use super::secrets::holds;
use super::world::World;
use crate::model::{HOUR_MS, OneTimeSecret};
use crate::notify::{Delivery, Mailer, deliver_due};
use crate::rotation::outbox::LEASE_MS;
use crate::rotation::{Engine, NewUser, RotationError, Rule};

const ANA: &str = "ana@alpha.example";

/// An account `Alpha` with one integration, and members of these addresses.
async fn with_members(world: &World, members: &[&str]) -> crate::model::IntegrationId {
    let integration = world.integration("Alpha").await;
    for email in members {
        let new = NewUser {
            account: Some("Alpha".to_owned()),
            name: None,
            email: email.parse().unwrap(),
            password_hash: None,
        };
        world
            .engine
            .create_user(&world.operator, new)
            .await
            .unwrap();
    }
    integration
}

async fn deliver(engine: &Engine, office: &PostOffice) {
    let mailer = Mailer::new(&office.url, &engine.settings().public_url);
    deliver_due(engine, &mailer).await.unwrap();
}

/// The link in a letter that sets a password.
fn link(mail: &Taken) -> OneTimeSecret {
    let line = mail
        .data
        .lines()
        .find(|line| line.starts_with("http"))
        .unwrap();
    OneTimeSecret::from_visitor(line.split_once("link=").unwrap().1.to_owned())
}

async fn ask(world: &World) {
    world
        .engine
        .order_password_link(&ANA.parse().unwrap())
        .await
        .unwrap();
}

/// Outcomes and reasons of all letters, the oldest first.
async fn outcomes(world: &World) -> Vec<(Option<String>, i64, String)> {
    let mut tx = world.engine.db().read().await.unwrap();
    crate::store::letters::outcomes_for_tests(&mut tx)
        .await
        .unwrap()
}

both! {
    /// Text and HTML, one link that works once, written by a program; and the link is in no file of
    /// the database, neither before it is sent nor after.
    async fn a_forgotten_password_is_set_by_mail(world: World) {
        with_members(&world, &[ANA]).await;
        let office = PostOffice::open().await;
        ask(&world).await;
        deliver(&world.engine, &office).await;
        let mails = office.taken();
        let [mail] = &mails[..] else { panic!("{mails:?}") };
        assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("rollcall@localhost", [ANA.to_owned()].as_slice()));
        for needed in [
            "Subject: Set your password",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
        ] {
            assert!(mail.data.contains(needed), "{needed}: {}", mail.data);
        }
        assert_eq!(mail.data.matches("link=").count(), 2, "once in the text, once in the HTML");
        let link = link(mail);
        assert!(world.engine.check_link(&link, "set-password").await.is_ok());
        world.engine.flush().await.unwrap();
        assert!(!holds(world.folder(), link.expose().as_bytes()));

        world.engine.set_password_by_link(&link, "hash".to_owned()).await.unwrap();
        deliver(&world.engine, &office).await;
        assert!(office.taken()[1].data.contains("Subject: Your password was changed"));
        let again = world.engine.set_password_by_link(&link, "hash".to_owned()).await;
        assert!(matches!(again, Err(RotationError::Refused(Rule::LinkSpent))));
        deliver(&world.engine, &office).await;
        assert_eq!(office.taken().len(), 2);
    }
}

both! {
    /// Nobody hears of an address that is nobody's, and a link that was replaced is not sent.
    async fn only_the_newest_link_is_sent(world: World) {
        with_members(&world, &[ANA]).await;
        let office = PostOffice::open().await;
        world.engine.order_password_link(&"nobody@alpha.example".parse().unwrap()).await.unwrap();
        ask(&world).await;
        ask(&world).await;
        deliver(&world.engine, &office).await;
        assert_eq!(office.taken().len(), 1);
        ask(&world).await;
        let newest = link(&office.taken()[0]);
        world.engine.set_password_by_link(&newest, "hash".to_owned()).await.unwrap();
        deliver(&world.engine, &office).await;
        let subjects: Vec<_> = office.taken().iter().map(|mail| mail.data.contains("link=")).collect();
        assert_eq!(subjects, [true, false], "the password is set: the link that waited is not needed");
    }
}

both! {
    /// The first at once, the others of the next quarter of an hour together.
    async fn several_of_a_kind_become_one(world: World) {
        let integration = with_members(&world, &[ANA]).await;
        let office = PostOffice::open().await;
        world.issue(&integration).await;
        deliver(&world.engine, &office).await;
        for _ in 0..3 {
            world.issue(&integration).await;
            deliver(&world.engine, &office).await;
        }
        assert_eq!(office.taken().len(), 1);
        world.pass(HOUR_MS / 4).await;
        deliver(&world.engine, &office).await;
        let mails = office.taken();
        assert_eq!(mails.len(), 2);
        assert!(mails[0].data.contains("Subject: A new token for Order sync"), "{}", mails[0].data);
        assert!(mails[1].data.contains("Subject: 3 new tokens for Order sync"), "{}", mails[1].data);
        assert!(mails.iter().all(|mail| !mail.data.contains("eyJ")), "a letter carries no token");
    }
}

both! {
    /// However many nodes look into the outbox, each letter leaves once.
    async fn two_nodes_send_no_letter_twice(world: World) {
        let members: Vec<String> = (0..12).map(|n| format!("m{n}@alpha.example")).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        let integration = with_members(&world, &members).await;
        world.issue(&integration).await;
        let other = world.another_process().await;
        let office = PostOffice::open().await;
        tokio::join!(
            deliver(&world.engine, &office),
            deliver(&other, &office),
            deliver(&world.engine, &office),
        );
        let mails = office.taken();
        let readers: BTreeSet<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
        assert_eq!((mails.len(), readers.len()), (12, 12));
    }
}

both! {
    /// What a node took and did not finish, another sends when the lease has run out, not before.
    async fn what_a_dead_node_took_is_sent_by_another(world: World) {
        with_members(&world, &[ANA]).await;
        let office = PostOffice::open().await;
        ask(&world).await;
        let taken = world.engine.take_letters().await.unwrap().unwrap();
        deliver(&world.engine, &office).await;
        assert!(office.taken().is_empty());
        world.pass(LEASE_MS + 1).await;
        deliver(&world.engine, &office).await;
        assert_eq!(office.taken().len(), 1);
        // It was only slow: what it says now changes nothing.
        world.engine.letters_failed(&taken, "late".to_owned(), true).await.unwrap();
        assert_eq!(outcomes(&world).await, [(Some("sent".to_owned()), 2, String::new())]);
    }
}

both! {
    /// A server that is away is tried again, ever later, and not for ever.
    async fn a_letter_is_tried_again_and_given_up_at_last(world: World) {
        with_members(&world, &[ANA]).await;
        let away = PostOffice::answering(|_, _| "451 come back later".to_owned()).await;
        ask(&world).await;
        deliver(&world.engine, &away).await;
        deliver(&world.engine, &away).await;
        let [(None, 1, reason)] = &outcomes(&world).await[..] else { panic!("tried once so far") };
        assert!(reason.contains("come back later"), "{reason}");
        world.pass(31_000).await;
        deliver(&world.engine, &away).await;
        assert_eq!(outcomes(&world).await[0].1, 2);
        let mut hours = 0;
        while outcomes(&world).await[0].0.is_none() {
            world.pass(HOUR_MS).await;
            deliver(&world.engine, &away).await;
            hours += 1;
            assert!(hours < 48, "given up some day");
        }
        let [(Some(outcome), attempts, reason)] = &outcomes(&world).await[..] else { panic!() };
        assert_eq!((outcome.as_str(), *attempts), ("given-up", 16));
        assert!(reason.contains("come back later"), "{reason}");
    }
}

both! {
    /// One recipient that the server does not know takes nothing from the others; and what a server
    /// repeats of a mail is not kept.
    async fn each_recipient_has_a_result_of_its_own(world: World) {
        let integration = with_members(&world, &[ANA, "gone@alpha.example"]).await;
        let office = PostOffice::answering(|to, data| match (to, data) {
            ("gone@alpha.example", _) => "550 5.1.1 no such mailbox".to_owned(),
            (_, data) if data.contains("link=") => {
                let link = data.lines().find(|line| line.starts_with("http")).unwrap();
                format!("554 5.7.1 refused for {link}")
            }
            _ => "250 fine".to_owned(),
        }).await;
        world.issue(&integration).await;
        deliver(&world.engine, &office).await;
        assert_eq!(office.taken().len(), 1);
        let mut found = outcomes(&world).await;
        found.sort();
        assert_eq!(found[1].0.as_deref(), Some("sent"));
        let (Some(outcome), 1, reason) = &found[0] else { panic!("{found:?}") };
        assert!(outcome == "given-up" && reason.contains("no such mailbox"), "{found:?}");

        ask(&world).await;
        deliver(&world.engine, &office).await;
        let refused = outcomes(&world).await.pop().unwrap();
        assert_eq!(refused.0.as_deref(), Some("given-up"));
        assert!(refused.2.contains("5.7.1 refused for"), "{refused:?}");
        assert!(refused.2.contains("link=…"), "{refused:?}");
    }
}

both! {
    /// Whoever cannot sign in any more gets no letters.
    async fn a_disabled_account_gets_no_letters(world: World) {
        let integration = with_members(&world, &[ANA]).await;
        world.issue(&integration).await;
        world.engine.set_account_disabled(&world.operator, "Alpha", true).await.unwrap();
        let office = PostOffice::open().await;
        deliver(&world.engine, &office).await;
        assert!(office.taken().is_empty());
        assert_eq!(outcomes(&world).await[0].0.as_deref(), Some("withdrawn"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stops_in_time_though_the_mail_server_hangs() {
    let world = World::sqlite().await;
    with_members(&world, &[ANA]).await;
    let office = PostOffice::answering(|_, _| String::new()).await;
    ask(&world).await;
    let mailer = Mailer::new(&office.url, "http://127.0.0.1:3000");
    let delivery = Delivery::begin(world.engine.clone(), mailer.clone());
    while outcomes(&world).await[0].1 == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = delivery.end(Duration::from_millis(100));
    tokio::time::timeout(Duration::from_secs(2), ended)
        .await
        .unwrap();
    // And one that has nothing to do stops at once.
    let delivery = Delivery::begin(world.engine.clone(), mailer);
    let ended = delivery.end(Duration::from_mins(1));
    tokio::time::timeout(Duration::from_secs(2), ended)
        .await
        .unwrap();
}
