//! Integrations are renamed and archived.

use super::both;
use super::world::{World, caller};
use crate::model::{Expiry, HOUR_MS, Reason, Retirement, Standing};
use crate::rotation::registry::Order;
use crate::rotation::{RotationError, Rule};
use crate::store::StoreError;

both! {
    /// Archiving ends every live token in the same step, on every node, and says so in the audit.
    async fn an_archived_integration_is_refused_at_once(world: World) {
        let integration = world.integration("Alpha").await;
        let (one, two) = (world.issue(&integration).await, world.issue(&integration).await);
        let gone = world.issue_with(&integration, Some(HOUR_MS), Retirement::Keep).await;
        let other = world.another_process().await;
        other.serve().await.unwrap();
        world.accepted(&one.token).await;
        world.pass(2 * HOUR_MS).await;

        let archived = world.engine.archive_integration(&world.operator, &integration).await.unwrap();
        assert_eq!((archived.revoked, archived.standing), (2, Standing::Expired));
        for issued in [&one, &two] {
            assert_eq!(world.reason(&issued.token).await, Reason::Revoked);
            let answer = other.verify(issued.token.expose(), &caller()).await;
            assert!(matches!(answer, crate::rotation::Answer::Refused(_)), "{answer:?}");
        }
        assert_eq!(world.reason(&gone.token).await, Reason::Expired);
        let deeds = world.engine.audit(Some(integration.as_str()), 10).await.unwrap();
        assert_eq!(deeds[0].action, "integration.archive");
        let deeds = world.engine.audit(Some(two.row.id.as_str()), 10).await.unwrap();
        assert_eq!(deeds[0].action, "token.revoke");
        other.stop().await.unwrap();
    }
}

both! {
    /// No list, no count and no rehearsal has it any more; its story stays, and its name is free.
    async fn an_archived_integration_is_in_no_list(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        assert_eq!(world.rehearsed().await, ["Alpha"]);
        let (engine, by) = (&world.engine, &world.operator);
        engine.archive_integration(by, &integration).await.unwrap();

        assert!(world.rehearsed().await.is_empty());
        assert!(engine.integrations(by, None).await.unwrap().is_empty());
        let account = engine.account(by, "alpha").await.unwrap().id;
        let overview = engine.overview(by, &account).await.unwrap();
        assert!(overview.integrations.is_empty());
        assert_eq!(overview.archived.len(), 1);
        let story = engine.archived_integration(by, &integration).await.unwrap();
        assert_eq!(story.view.tokens[0].row.id, issued.row.id);
        assert!(story.deeds.iter().any(|deed| deed.action == "integration.archive"));

        let again = engine.create_integration(by, "Alpha", "order SYNC".parse().unwrap()).await.unwrap();
        assert_ne!(again.id, integration);
        engine.archive_integration(by, &again.id).await.unwrap();
        assert_eq!(engine.overview(by, &account).await.unwrap().archived.len(), 2);
    }
}

both! {
    /// Nothing can be done to it any more, so that no token of it can come back.
    async fn an_archived_integration_takes_no_token(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        world.finalise().await;
        let (engine, by) = (&world.engine, &world.operator);
        // Dormant tokens are live: they are revoked too, and no reopening or exception revives them.
        let archived = engine.archive_integration(by, &integration).await.unwrap();
        assert_eq!(archived.revoked, 1);
        let order = Order {
            integration: integration.clone(),
            expiry: crate::model::Expiry::Never,
            retirement: Retirement::Keep,
            form_id: None,
            instead_of: None,
        };
        let missing = RotationError::NotFound("integration").to_string();
        let refused = engine.issue_token(by, order).await.unwrap_err();
        assert_eq!(refused.to_string(), missing);
        for refused in [
            engine.archive_integration(by, &integration).await.unwrap_err(),
            engine.rename_integration(by, &integration, "B".parse().unwrap()).await.unwrap_err(),
            engine.integration(by, &integration).await.unwrap_err(),
        ] {
            assert_eq!(refused.to_string(), missing);
        }
        let refused = engine.readmit_token(by, &issued.row.id).await.unwrap_err();
        assert!(matches!(refused, RotationError::Refused(Rule::NotDormant)), "{refused}");
        engine.reopen(by, "2026-11").await.unwrap();
        assert_eq!(world.reason(&issued.token).await, Reason::Revoked);
    }
}

both! {
    /// Who issues while somebody archives is either before it, and the token is revoked, or after it,
    /// and finds nothing.
    async fn no_token_slips_past_an_archiving(world: World) {
        for round in 0..8 {
            let integration = world.integration(&format!("Account {round}")).await;
            let order = || Order {
                integration: integration.clone(),
                expiry: crate::model::Expiry::Never,
                retirement: Retirement::Keep,
                form_id: None,
                instead_of: None,
            };
            let engine = &world.engine;
            let (a, archived, b, c) = tokio::join!(
                engine.issue_token(&world.operator, order()),
                engine.archive_integration(&world.operator, &integration),
                engine.issue_token(&world.operator, order()),
                engine.issue_token(&world.operator, order()),
            );
            archived.unwrap();
            for issued in [a, b, c].into_iter().flatten() {
                assert_eq!(world.reason(&issued.token).await, Reason::Revoked);
            }
        }
    }
}

both! {
    /// A new name changes the name alone; one that another integration has is refused, in any case.
    async fn a_new_name_changes_nothing_else(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.accepted(&issued.token).await;
        let (engine, by) = (&world.engine, &world.operator);
        engine.create_integration(by, "Alpha", "Billing".parse().unwrap()).await.unwrap();

        let taken = engine.rename_integration(by, &integration, "BILLING".parse().unwrap()).await.unwrap_err();
        assert!(matches!(taken, RotationError::Taken(_)), "{taken}");
        for name in ["ORDER sync", "Export"] {
            let renamed = engine.rename_integration(by, &integration, name.parse().unwrap()).await.unwrap();
            assert_eq!((renamed.id, renamed.name.as_str()), (integration.clone(), name));
        }
        world.accepted(&issued.token).await;
        let story = engine.integration(by, &integration).await.unwrap();
        assert_eq!(story.deeds.iter().filter(|deed| deed.action == "integration.rename").count(), 2);
    }
}

both! {
    /// Two who take one name in the same moment: one of them is told that it is taken.
    async fn a_name_is_given_once(world: World) {
        world.integration("Alpha").await;
        let engine = &world.engine;
        let create = || engine.create_integration(&world.operator, "Alpha", "Export".parse().unwrap());
        let (a, b, c) = tokio::join!(create(), create(), create());
        let (done, refused): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), 1);
        for error in refused.into_iter().filter_map(Result::err) {
            assert!(matches!(error, RotationError::Taken(_) | RotationError::Store(StoreError::Locked { .. })), "{error}");
        }
    }
}

both! {
    /// Two submits of one form at the same time make one token, and the other is told so.
    async fn a_form_sent_twice_at_once_makes_one_token(world: World) {
        let integration = world.integration("Alpha").await;
        for round in 0..10 {
            let order = Order {
                integration: integration.clone(),
                expiry: Expiry::Never,
                retirement: Retirement::Keep,
                form_id: Some(format!("form {round}")),
                instead_of: None,
            };
            let sent = [order.clone(), order].map(|order| {
                let (engine, by) = (world.engine.clone(), world.operator.clone());
                tokio::spawn(async move { engine.issue_token(&by, order).await })
            });
            let mut made = 0;
            for answer in futures_util::future::join_all(sent).await {
                match answer.unwrap() {
                    Ok(_) => made += 1,
                    Err(RotationError::Refused(Rule::AlreadySubmitted)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(made, 1);
        }
    }
}
