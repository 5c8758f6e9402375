//! Use before the start counts as presence: a job that goes on where it was, and what it costs to
//! finalise on it alone.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::both;
use super::world::{World, caller};
use crate::model::{
    AccountId, DAY_MS, Digest, Generation, IntegrationId, Random, Reason, Retirement, Span, TokenId,
};
use crate::rotation::phases::Plan;
use crate::rotation::sessions::Fate;
use crate::rotation::{Answer, NewUser, RotationError, Rule, complete_start_for_tests};
use crate::store::tokens::{self, NewToken};
use crate::store::usage::{self, Tally};
use crate::store::{Lock, StoreError};

fn looking_back(days: i64) -> Plan {
    Plan {
        lookback: Span::days(days),
        name: Some("2026-11".parse().unwrap()),
        ..Plan::default()
    }
}

/// Registers tokens that were used just now, without the cost of signing them.
async fn register_used(
    world: &World,
    integration: &IntegrationId,
    account: &AccountId,
    many: usize,
) {
    let (integration, account) = (integration.clone(), account.clone());
    world
        .engine
        .db()
        .write::<_, StoreError, _>(Lock::Shared, move |tx| {
            async move {
                let (now, random) = (tx.state().now, Random::system());
                let mut used = Vec::new();
                for _ in 0..many {
                    let id = TokenId::generate(now, &random);
                    let new = NewToken {
                        digest: Digest::of(id.as_str().as_bytes()),
                        id: id.clone(),
                        integration_id: integration.clone(),
                        account_id: account.clone(),
                        kid: "none".to_owned(),
                        born: Generation::FIRST,
                        hint: "none".to_owned(),
                        fix_ref: random.hex::<12>(),
                        form_id: None,
                        issued_at: now,
                        issued_by: "test".to_owned(),
                        expires_at: None,
                        retirement: Retirement::Keep,
                    };
                    tokens::insert(tx, &new).await?;
                    let mut tally = Tally::of(id);
                    (tally.uses, tally.used_at) = (1, now);
                    used.push(tally);
                }
                usage::flush(tx, &used, None).await
            }
            .boxed()
        })
        .await
        .unwrap();
}

both! {
    /// A process that dies leaves a job that another goes on with, from where it was; finalise waits
    /// for it, and says how far it is.
    async fn a_look_back_goes_on_where_it_was(world: World) {
        const MANY: usize = 6_000;
        for number in 0..40 {
            let integration = world.integration(&format!("Account {number}")).await;
            let account = world.issue(&integration).await.row.account_id;
            register_used(&world, &integration, &account, MANY / 40).await;
        }
        let (engine, by) = (world.engine.clone(), world.operator.clone());
        let start = tokio::spawn(async move { engine.start_rotation(&by, looking_back(40)).await });
        let carried = loop {
            assert!(!start.is_finished(), "it ran to its end unseen");
            match world.engine.open_rotation().await.unwrap() {
                Some(rotation) if rotation.lookback_carried > 0 => break rotation.lookback_carried,
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        start.abort();
        let _ = start.await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let refused = world.engine.finalise(&world.operator, "2026-11").await;
        let Err(RotationError::Refused(Rule::LookingBack { carried: now, left, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert!(now >= carried && left > 0, "{now} {left}");
        assert_eq!(now + left, i64::try_from(MANY).unwrap());
        let cursor = world.engine.open_rotation().await.unwrap().unwrap().lookback_after;
        assert!(cursor.starts_with("tok_") && cursor.len() > 4, "{cursor}");

        let (a, b) = (world.another_process().await, world.another_process().await);
        tokio::join!(complete_start_for_tests(&a), complete_start_for_tests(&b));
        let status = world.engine.status().await.unwrap();
        let lookback = status.lookback.unwrap();
        assert!(lookback.done);
        assert_eq!(lookback.carried, i64::try_from(MANY).unwrap());
        assert_eq!(status.tokens.captured, i64::try_from(MANY).unwrap());
        world.finalise().await;
    }
}

both! {
    /// What an earlier cutover made dormant stays so, however recently it was used before (I6).
    async fn a_look_back_revives_nothing(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.accepted(&issued.token).await;
        let new = NewUser {
            account: None,
            name: None,
            email: "priya@platform.example".parse().unwrap(),
            password_hash: None,
        };
        let user = world.engine.create_user(&world.operator, new).await.unwrap().user;
        let session = Digest::of(b"session");
        world.engine.begin_session(user, session, "{}".to_owned(), caller()).await.unwrap();
        world.engine.flush().await.unwrap();
        world.start().await;
        world.finalise().await;
        world.close().await;
        assert_eq!(world.reason(&issued.token).await, Reason::NotCaptured);
        let plan = Plan { name: Some("next".parse().unwrap()), ..looking_back(40) };
        let status = world.engine.start_rotation(&world.operator, plan).await.unwrap();
        assert_eq!(status.lookback.map(|lookback| lookback.carried), Some(0));
        assert_eq!(world.reason(&issued.token).await, Reason::NotCaptured);
        let fate = world.engine.session(&session).await.unwrap();
        assert!(matches!(fate, Fate::EndedByCutover(_)), "{fate:?}");
    }
}

both! {
    /// What another node had in memory when the start was acknowledged counts too.
    async fn a_look_back_sees_what_other_nodes_had_in_memory(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        let node = world.another_process().await;
        node.serve().await.unwrap();
        for _ in 0..2 {
            let answer = node.verify(issued.token.expose(), &caller()).await;
            assert!(matches!(answer, Answer::Accepted(_)));
        }
        node.flush().await.unwrap();
        world.pass(60 * DAY_MS).await;
        node.db().shift_clock(60 * DAY_MS);
        node.refresh().await.unwrap();
        // From memory, and not on disk yet: the only use in the last forty days.
        let answer = node.verify(issued.token.expose(), &caller()).await;
        assert!(matches!(answer, Answer::Accepted(_)));
        world.engine.start_rotation(&world.operator, looking_back(40)).await.unwrap();
        world.finalise().await;
        world.accepted(&issued.token).await;
    }
}

both! {
    /// Sessions that were used count as present, those of a disabled user do not.
    async fn a_look_back_carries_live_sessions(world: World) {
        let mut sessions = Vec::new();
        for name in ["ana", "bo"] {
            world.integration(name).await;
            let new = NewUser {
                account: Some(name.to_owned()),
                name: None,
                email: format!("{name}@customer.example").parse().unwrap(),
                password_hash: None,
            };
            let user = world.engine.create_user(&world.operator, new).await.unwrap().user;
            let digest = Digest::of(name.as_bytes());
            world.engine.begin_session(user, digest, "{}".to_owned(), caller()).await.unwrap();
            sessions.push(digest);
        }
        world.engine.set_account_disabled(&world.operator, "bo", true).await.unwrap();
        let status = world.engine.start_rotation(&world.operator, looking_back(1)).await.unwrap();
        assert_eq!(status.lookback.map(|lookback| (lookback.done, lookback.carried)), Some((true, 1)));
        world.finalise().await;
        assert!(matches!(world.engine.session(&sessions[0]).await.unwrap(), Fate::Live(_)));
        assert!(matches!(world.engine.session(&sessions[1]).await.unwrap(), Fate::EndedByCutover(_)));
    }
}

both! {
    /// Asked before the start: who would break by a look-back and a cutover at once is exactly what
    /// answers 401 then.
    async fn an_emergency_is_rehearsed_exactly(world: World) {
        let mut tokens = Vec::new();
        for name in ["recent", "monthly", "old", "never", "revoked", "disabled", "expired"] {
            let integration = world.integration(name).await;
            let lifetime = if name == "expired" { 70 * DAY_MS } else { 365 * DAY_MS };
            tokens.push((name, world.issue_with(&integration, Some(lifetime), Retirement::Keep).await));
        }
        let used = async |names: &[&str], days: i64| {
            for (_, issued) in tokens.iter().filter(|(name, _)| names.contains(name)) {
                world.accepted(&issued.token).await;
            }
            world.engine.flush().await.unwrap();
            world.pass(days * DAY_MS).await;
        };
        used(&["old", "revoked", "disabled", "expired"], 50).await;
        used(&["monthly", "revoked", "disabled", "expired"], 30).await;
        used(&["recent"], 1).await;
        world.engine.revoke_token(&world.operator, &tokens[4].1.row.id).await.unwrap();
        world.engine.set_account_disabled(&world.operator, "disabled", true).await.unwrap();

        let rehearsed = async |days: i64| -> BTreeSet<TokenId> {
            let hit = world.engine.rehearse_start(&world.operator, Span::days(days)).await.unwrap();
            let hit = hit.into_iter().flat_map(|account| account.integrations);
            hit.flat_map(|integration| integration.token_ids).collect()
        };
        let by_name = |names: &[&str]| -> BTreeSet<TokenId> {
            tokens.iter().filter(|(name, _)| names.contains(name)).map(|(_, issued)| issued.row.id.clone()).collect()
        };
        assert_eq!(rehearsed(0).await, by_name(&["recent", "monthly", "old", "never"]));
        assert_eq!(rehearsed(40).await, by_name(&["old", "never"]));
        let named = rehearsed(20).await;
        assert_eq!(named, by_name(&["monthly", "old", "never"]));

        world.engine.start_rotation(&world.operator, looking_back(20)).await.unwrap();
        let refused = world.engine.rehearse_start(&world.operator, Span::days(20)).await;
        assert!(matches!(refused, Err(RotationError::Refused(Rule::AlreadyOpen { .. }))), "{refused:?}");
        world.finalise().await;
        for (name, issued) in &tokens {
            let answer = world.request(&issued.token).await;
            let dormant = matches!(&answer, Answer::Refused(refusal) if refusal.reason == Reason::NotCaptured);
            assert_eq!(dormant, named.contains(&issued.row.id), "{name}: {answer:?}");
        }
        assert_eq!(world.rehearsed_tokens().await, named);
    }
}
