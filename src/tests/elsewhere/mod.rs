//! Tokens issued elsewhere: an imported key, what it made, and what becomes of that.

mod keys;
mod ledger;
mod master;
pub mod platform;

use serde_json::json;

use super::both;
use super::world::{World, caller};
use crate::model::{Reason, Standing, TokenId, UnixMs};
use crate::rotation::held::{Choice, HeldToken, Which};
use crate::rotation::{Answer, Receipt, RotationError, Rule};
use platform::Platform;

/// The held tokens that wait for an admin.
async fn held(world: &World) -> Vec<HeldToken> {
    world.engine.flush().await.unwrap();
    let list = world
        .engine
        .held(&world.operator, Which::Waiting, None, 100)
        .await
        .unwrap();
    assert_eq!(usize::try_from(list.waiting).unwrap(), list.tokens.len());
    list.tokens
}

fn id(token: &crate::model::PlainToken) -> TokenId {
    TokenId::of_digest(&token.digest())
}

both! {
    /// Another platform's customers, one key rotation: what a ledger registered is captured by use,
    /// what was approved goes on, the rest is told why it stopped, and at the close the shared
    /// secret is gone.
    async fn a_rotation_of_tokens_issued_elsewhere(world: World) {
        let old = Platform::hs256(None);
        let integration = world.integration("Alpha").await;
        world.integration("Beta").await;
        old.import_into(&world).await;
        let (listed, approved, missed) =
            (old.issued("alpha", "Order sync"), old.issued("Alpha", "Reports"), old.issued("beta", "Order sync"));
        let sums = ledger::import(&world, &format!("token,account,integration\n{},Alpha,Order sync\n", listed.expose())).await;
        assert_eq!((sums.registered, sums.refused), (1, 0));

        let first = world.accepted(&listed).await;
        assert_eq!((first.integration.as_ref(), first.receipt), (Some(&integration), None));
        for stranger in [&approved, &missed] {
            world.accepted(stranger).await;
        }
        assert_eq!(held(&world).await.len(), 2);
        assert_eq!(world.engine.status().await.unwrap().tokens.held, 2);

        world.start().await;
        assert_eq!(world.accepted(&listed).await.receipt, Some(Receipt::Recorded));
        for stranger in [&approved, &missed] {
            let answer = world.accepted(stranger).await;
            assert_eq!((answer.receipt, answer.standing), (Some(Receipt::Held), Standing::NotSeen));
        }
        world.engine.approve_held(&world.operator, &id(&approved), Choice::default()).await.unwrap();
        assert_eq!(world.accepted(&approved).await.receipt, Some(Receipt::Already));
        assert_eq!(world.engine.status().await.unwrap().tokens.captured, 2);
        assert!(world.rehearsed().await.is_empty());
        let at_risk = world.engine.held_by_account(&world.operator).await.unwrap();
        assert_eq!(at_risk.len(), 1);
        assert_eq!((at_risk[0].account.as_deref(), at_risk[0].count()), (Some("Beta"), 1));
        assert_eq!(at_risk[0].integrations[0].token_ids, [id(&missed)]);

        world.finalise().await;
        for goes_on in [&listed, &approved] {
            assert_eq!(world.accepted(goes_on).await.standing, Standing::Captured);
        }
        let refusal = world.refused(&missed).await;
        assert_eq!(refusal.reason, Reason::NotCaptured);
        assert_eq!(refusal.cutover.unwrap().rotation, "2026-11");

        world.close().await;
        for goes_on in [&listed, &approved] {
            world.accepted(goes_on).await;
        }
        assert_eq!(world.reason(&missed).await, Reason::Unknown);
        assert_eq!(world.engine.status().await.unwrap().tokens.held, 0);
        assert!(held(&world).await.is_empty());
    }
}

both! {
    /// However often it calls, a held token is neither captured nor remembered, and a look-back does
    /// not count it.
    async fn a_held_token_is_never_captured(world: World) {
        let old = Platform::hs256(Some("2024"));
        old.import_into(&world).await;
        let token = old.issued("nobody-we-know", "x");
        for _ in 0..5 {
            world.accepted(&token).await;
        }
        world.engine.flush().await.unwrap();
        let plan = crate::rotation::phases::Plan {
            lookback: crate::model::Span::days(40),
            name: Some("2026-11".parse().unwrap()),
            ..Default::default()
        };
        world.engine.start_rotation(&world.operator, plan).await.unwrap();
        for _ in 0..5 {
            assert_eq!(world.accepted(&token).await.receipt, Some(Receipt::Held));
        }
        let status = world.engine.status().await.unwrap();
        assert_eq!((status.tokens.captured, status.tokens.not_seen, status.tokens.held), (0, 0, 1));
        let seen = held(&world).await.remove(0);
        assert_eq!((seen.uses, seen.account_id, seen.account_claim.as_deref()), (10, None, Some("nobody-we-know")));
        world.finalise().await;
        assert_eq!(world.reason(&token).await, Reason::NotCaptured);
        world.engine.reopen(&world.operator, "2026-11").await.unwrap();
        world.accepted(&token).await;
        world.finalise().await;
        assert_eq!(world.reason(&token).await, Reason::NotCaptured);
    }
}

both! {
    /// Its own expiry, its own beginning, an admin's refusal and a disabled account end a held token.
    async fn what_ends_a_held_token(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        old.import_into(&world).await;
        let now = world.engine.now().seconds();
        let token = |more: serde_json::Value| {
            let mut claims = json!({ "tenant": "Alpha", "sub": "a" });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            old.token(&claims)
        };
        let short = token(json!({ "exp": now + 60 }));
        world.accepted(&short).await;
        assert_eq!(world.reason(&token(json!({ "exp": now - 1 }))).await, Reason::Expired);
        assert_eq!(world.reason(&token(json!({ "nbf": now + 3_600 }))).await, Reason::Unknown);
        assert_eq!(world.reason(&token(json!({ "exp": "never" }))).await, Reason::Unknown);
        assert_eq!(held(&world).await.len(), 1, "what is refused is not listed");
        world.pass(61_000).await;
        assert_eq!(world.reason(&short).await, Reason::Expired);
        assert!(held(&world).await.is_empty());
        let refused = world.engine.approve_held(&world.operator, &id(&short), Choice::default()).await;
        assert!(matches!(refused, Err(RotationError::Refused(Rule::HeldExpired))), "{refused:?}");

        let stolen = token(json!({ "n": 1 }));
        world.accepted(&stolen).await;
        world.engine.flush().await.unwrap();
        assert!(world.engine.refuse_held(&world.operator, &id(&stolen)).await.unwrap());
        assert!(!world.engine.refuse_held(&world.operator, &id(&stolen)).await.unwrap());
        assert_eq!(world.reason(&stolen).await, Reason::Revoked);
        assert_eq!(world.engine.status().await.unwrap().tokens.held, 0);

        let other = token(json!({ "n": 2 }));
        world.accepted(&other).await;
        world.engine.set_account_disabled(&world.operator, "Alpha", true).await.unwrap();
        assert_eq!(world.reason(&other).await, Reason::AccountDisabled);
        let refused = world.engine.approve_held(&world.operator, &id(&other), Choice::default()).await;
        assert!(refused.is_err());
    }
}

both! {
    /// Approved by the rule is what was first seen here before a moment; when a token says it was
    /// issued proves nothing.
    async fn the_rule_asks_when_a_token_was_first_seen_here(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        old.import_into(&world).await;
        let early = old.issued("Alpha", "New client");
        let refused = old.issued("Alpha", "Stolen");
        let unknown = old.issued("Who?", "x");
        for token in [&early, &refused, &unknown] {
            world.accepted(token).await;
        }
        world.engine.flush().await.unwrap();
        world.engine.refuse_held(&world.operator, &id(&refused)).await.unwrap();
        world.pass(60_000).await;
        let freeze = world.engine.now();
        world.pass(60_000).await;
        // Made later by whoever has the key, and dated back.
        let late = old.issued("Alpha", "Order sync");
        world.accepted(&late).await;
        world.engine.flush().await.unwrap();
        world.start().await;
        let done = world.engine.approve_held_before(&world.operator, freeze, None).await.unwrap();
        assert_eq!((done.approved, done.left), (1, 1));
        assert_eq!(done.named[0].0, id(&unknown));
        assert!(done.named[0].1.contains("Who?"), "{}", done.named[0].1);
        assert_eq!(world.accepted(&early).await.receipt, Some(Receipt::Already));
        assert_eq!(world.accepted(&late).await.receipt, Some(Receipt::Held));

        let contact = Some("new@customer.example".parse().unwrap());
        let done = world.engine.approve_held_before(&world.operator, freeze, contact).await.unwrap();
        assert_eq!((done.approved, done.left), (1, 0));
        let account = world.engine.account(&world.operator, "who?").await.unwrap();
        assert_eq!(account.contact, "new@customer.example");
        world.finalise().await;
        for approved in [&early, &unknown] {
            world.accepted(approved).await;
        }
        assert_eq!(world.reason(&late).await, Reason::NotCaptured);
        assert_eq!(world.reason(&refused).await, Reason::Revoked);
        let ahead = world.engine.now().plus(3_600_000);
        assert!(world.engine.approve_held_before(&world.operator, ahead, None).await.is_err());
    }
}

both! {
    /// An approval says whose the token is, where its claims do not; it is on the record, and another
    /// process obeys at once.
    async fn an_approval_is_placed_audited_and_known_everywhere(world: World) {
        let old = Platform::hs256(None);
        let integration = world.integration("Alpha").await;
        old.import_into(&world).await;
        let token = old.token(&json!({ "sub": "int_client", "n": 1 }));
        let other = world.another_process().await;
        other.serve().await.unwrap();
        assert!(matches!(other.verify(token.expose(), &caller()).await, Answer::Accepted(_)));
        other.flush().await.unwrap();
        world.start().await;
        let (engine, by) = (&world.engine, &world.operator);
        let unnamed = engine.approve_held(by, &id(&token), Choice::default()).await;
        assert!(matches!(unnamed, Err(RotationError::Refused(Rule::NoAccountNamed))), "{unnamed:?}");
        let strange = Choice { account: Some("Omega".to_owned()), ..Choice::default() };
        let unknown = engine.approve_held(by, &id(&token), strange).await;
        assert!(matches!(unknown, Err(RotationError::Refused(Rule::NoAccount(_)))), "{unknown:?}");
        let choice = Choice {
            account: Some("alpha".to_owned()),
            integration: Some("order SYNC".to_owned()),
            contact: None,
        };
        let approved = engine.approve_held(by, &id(&token), choice.clone()).await.unwrap();
        assert_eq!((&approved.token, &approved.integration), (&id(&token), &integration));
        world.finalise().await;
        let Answer::Accepted(accepted) = other.verify(token.expose(), &caller()).await else {
            panic!("another process refuses it");
        };
        assert_eq!(accepted.integration, Some(integration));
        let again = engine.approve_held(by, &id(&token), choice).await;
        assert!(matches!(again, Err(RotationError::NotFound(_))), "{again:?}");
        let deeds = engine.audit(Some(id(&token).as_str()), 10).await.unwrap();
        assert!(deeds.iter().any(|deed| deed.action == "token.approve" && deed.actor == "operator test"));
        engine.revoke_token(by, &id(&token)).await.unwrap();
        assert!(matches!(other.verify(token.expose(), &caller()).await, Answer::Refused(_)));
    }
}

both! {
    /// A leaked key must not fill the database: the list is bounded, and says when it was too short.
    /// The answer is by the same rule all the same.
    async fn the_list_of_held_tokens_is_bounded(world: World) {
        use crate::rotation::held::{MOST_AT_ONCE, limit_for_tests};
        limit_for_tests(&world.engine, 2);
        let old = Platform::hs256(None);
        old.import_into(&world).await;
        for listed in [[1, 1], [2, 2]] {
            for number in 0..3 {
                world.accepted(&old.issued("Alpha", &number.to_string())).await;
                world.engine.flush().await.unwrap();
            }
            // What is listed is still counted.
            assert_eq!(held(&world).await.iter().map(|held| held.uses).collect::<Vec<_>>(), listed);
        }
        let list = world.engine.held(&world.operator, Which::Waiting, None, 100).await.unwrap();
        assert_eq!(list.overflow.unwrap().missed, 2);
        world.engine.forget_overflow(&world.operator).await.unwrap();

        for number in 0..MOST_AT_ONCE + 200 {
            world.accepted(&old.issued("Beta", &number.to_string())).await;
        }
        assert_eq!(held(&world).await.len(), 2);
        let list = world.engine.held(&world.operator, Which::Waiting, None, 100).await.unwrap();
        assert_eq!(usize::try_from(list.overflow.unwrap().missed).unwrap(), MOST_AT_ONCE + 200);
    }
}

both! {
    /// Two requests with one token in the same moment are one row; a registered token is on no list.
    async fn a_registered_token_is_off_the_list(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        old.import_into(&world).await;
        let token = old.issued("Alpha", "Order sync");
        let other = world.another_process().await;
        for _ in 0..3 {
            world.accepted(&token).await;
            assert!(matches!(other.verify(token.expose(), &caller()).await, Answer::Accepted(_)));
        }
        other.flush().await.unwrap();
        assert_eq!(held(&world).await.len(), 1);
        assert_eq!(held(&world).await[0].uses, 6);
        let text = format!("digest,account,integration\n{},Alpha,Order sync\n", crate::model::hex(token.digest().as_bytes()));
        assert_eq!(ledger::import(&world, &text).await.registered, 1);
        assert!(held(&world).await.is_empty());
        let shown = world.engine.show_token(&world.operator, &id(&token)).await.unwrap();
        assert_eq!(shown.row.generation.0, 1);
        assert!(shown.row.issued_at <= world.engine.now() && shown.row.issued_at > UnixMs(0));
    }
}
