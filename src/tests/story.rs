//! The story the product exists for, told once through the use cases, and its variations.

use super::both;
use super::world::World;
use crate::model::{DAY_MS, Phase, Reason, Retirement, Span, Standing};
use crate::rotation::Receipt;
use crate::rotation::phases::Plan;

both! {
    /// Three customers, one key rotation: who called keeps working, who did not is told why and
    /// helps themselves.
    async fn a_rotation_from_issue_to_close(world: World) {
        let alpha = world.integration("Alpha").await;
        let beta = world.integration("Beta").await;
        let gamma = world.integration("Gamma").await;
        let (a, b, c) = (world.issue(&alpha).await, world.issue(&beta).await, world.issue(&gamma).await);

        world.start().await;
        let first = world.accepted(&a.token).await;
        assert_eq!(first.receipt, Some(Receipt::Recorded));
        assert_eq!(world.accepted(&a.token).await.receipt, Some(Receipt::Already));
        assert_eq!(world.rehearsed().await, ["Beta", "Gamma"]);

        world.finalise().await;
        assert_eq!(world.accepted(&a.token).await.standing, Standing::Captured);
        for missed in [&b, &c] {
            let refusal = world.refused(&missed.token).await;
            assert_eq!(refusal.reason, Reason::NotCaptured);
            assert_eq!(refusal.cutover.unwrap().rotation, "2026-11");
            assert_eq!(refusal.fix_ref.as_deref(), Some(missed.row.fix_ref.as_str()));
        }

        let day = Retirement::AfterFirstUse { overlap: DAY_MS };
        let fresh = world.issue_with(&beta, None, day).await;
        assert_eq!(world.engine.integration_standing(&world.operator, &beta).await.unwrap().0, Standing::Waiting);
        assert_eq!(world.accepted(&fresh.token).await.standing, Standing::Working);
        assert_eq!(world.engine.integration_standing(&world.operator, &beta).await.unwrap().0, Standing::Working);
        assert_eq!(world.rehearsed().await, ["Gamma"]);
        let status = world.engine.status().await.unwrap();
        assert_eq!((status.accounts.affected, status.accounts.recovered), (1, 1));

        world.close().await;
        assert_eq!(world.accepted(&a.token).await.standing, Standing::Captured);
        assert_eq!(world.reason(&c.token).await, Reason::NotCaptured);
        assert_eq!(world.accepted(&fresh.token).await.standing, Standing::Working);
    }
}

both! {
    /// What rehearsal names is exactly what answers 401 after the cutover.
    async fn rehearsal_is_exact(world: World) {
        let mut tokens = Vec::new();
        for number in 0..6 {
            let integration = world.integration(&format!("Account {number}")).await;
            tokens.push(world.issue(&integration).await);
        }
        world.start().await;
        for used in &tokens[..2] {
            world.accepted(&used.token).await;
        }
        world.engine.revoke_token(&world.operator, &tokens[5].row.id).await.unwrap();
        let named = world.rehearsed_tokens().await;
        assert_eq!(named.len(), 3);
        world.finalise().await;
        for issued in &tokens[..5] {
            let refused = matches!(world.request(&issued.token).await, crate::rotation::Answer::Refused(_));
            assert_eq!(refused, named.contains(&issued.row.id), "{}", issued.row.id);
        }
        assert_eq!(world.rehearsed_tokens().await, named);
    }
}

both! {
    /// A token issued while recording is signed by the new key, and needs no capture.
    async fn a_token_issued_while_recording_is_safe_from_birth(world: World) {
        let integration = world.integration("Alpha").await;
        world.start().await;
        let issued = world.issue(&integration).await;
        assert!(world.rehearsed().await.is_empty());
        assert_eq!(world.accepted(&issued.token).await.receipt, Some(Receipt::NewKey));
        world.finalise().await;
        assert_eq!(world.accepted(&issued.token).await.standing, Standing::Working);
    }
}

both! {
    /// Reopening loses nothing: the dormant token works again, is captured, and survives.
    async fn a_finalise_by_mistake_is_taken_back(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        world.finalise().await;
        assert_eq!(world.reason(&issued.token).await, Reason::NotCaptured);
        world.engine.reopen(&world.operator, "2026-11").await.unwrap();
        assert_eq!(world.accepted(&issued.token).await.receipt, Some(Receipt::Recorded));
        world.finalise().await;
        assert_eq!(world.accepted(&issued.token).await.standing, Standing::Captured);
    }
}

both! {
    /// After an abort everything works on, and the next rotation aims one higher.
    async fn an_aborted_rotation_breaks_nobody(world: World) {
        let integration = world.integration("Alpha").await;
        let (seen, unseen) = (world.issue(&integration).await, world.issue(&integration).await);
        world.start().await;
        world.accepted(&seen.token).await;
        world.engine.abort(&world.operator, "2026-11").await.unwrap();
        for issued in [&seen, &unseen] {
            world.accepted(&issued.token).await;
        }
        let plan = Plan { name: Some("again".parse().unwrap()), ..Plan::default() };
        let status = world.engine.start_rotation(&world.operator, plan).await.unwrap();
        assert_eq!(status.target.map(|target| target.0), Some(3));
        let history = world.engine.rotations().await.unwrap();
        assert_eq!(history.iter().map(|rotation| rotation.phase).collect::<Vec<_>>(), [Phase::Recording, Phase::Aborted]);
    }
}

both! {
    /// Look-back counts use before the start as presence: a monthly job is not broken.
    async fn look_back_captures_who_called_before(world: World) {
        let monthly = world.integration("Monthly").await;
        let silent = world.integration("Silent").await;
        let (used, unused) = (world.issue(&monthly).await, world.issue(&silent).await);
        world.accepted(&used.token).await;
        world.engine.flush().await.unwrap();
        let plan = Plan { lookback: Span::days(40), name: Some("2026-11".parse().unwrap()), ..Plan::default() };
        world.engine.start_rotation(&world.operator, plan).await.unwrap();
        assert_eq!(world.rehearsed().await, ["Silent"]);
        world.finalise().await;
        world.accepted(&used.token).await;
        assert_eq!(world.reason(&unused.token).await, Reason::NotCaptured);
    }
}

both! {
    /// The old token goes on until the new one has made its first request, and then as long as
    /// was chosen.
    async fn a_replacement_retires_the_old_token_by_its_first_use(world: World) {
        let integration = world.integration("Alpha").await;
        let old = world.issue(&integration).await;
        world.accepted(&old.token).await;
        let new = world.issue_with(&integration, None, Retirement::AfterFirstUse { overlap: 60_000 }).await;
        world.accepted(&old.token).await;
        world.accepted(&new.token).await;
        world.accepted(&old.token).await;
        world.pass(61_000).await;
        assert_eq!(world.reason(&old.token).await, Reason::Replaced);
        world.accepted(&new.token).await;

        let last = world.issue_with(&integration, None, Retirement::AtOnce).await;
        assert_eq!(world.reason(&new.token).await, Reason::Replaced);
        world.accepted(&last.token).await;
    }
}

both! {
    /// What had expired by itself is not called replaced afterwards.
    async fn a_replacement_retires_only_what_is_live(world: World) {
        let integration = world.integration("Alpha").await;
        let old = world.issue_with(&integration, Some(60_000), Retirement::Keep).await;
        world.pass(61_000).await;
        world.issue_with(&integration, None, Retirement::AtOnce).await;
        assert_eq!(world.reason(&old.token).await, Reason::Expired);
    }
}

both! {
    /// Expiry, revocation and a disabled account end a captured token as they end any other (I6).
    async fn capture_never_revives(world: World) {
        let integration = world.integration("Alpha").await;
        let short = world.issue_with(&integration, Some(60_000), Retirement::Keep).await;
        let revoked = world.issue(&integration).await;
        let other = world.issue(&integration).await;
        world.start().await;
        world.accepted(&short.token).await;
        world.accepted(&revoked.token).await;
        world.engine.revoke_token(&world.operator, &revoked.row.id).await.unwrap();
        assert_eq!(world.reason(&revoked.token).await, Reason::Revoked);
        world.pass(61_000).await;
        assert_eq!(world.reason(&short.token).await, Reason::Expired);
        world.engine.set_account_disabled(&world.operator, "Alpha", true).await.unwrap();
        assert_eq!(world.reason(&other.token).await, Reason::AccountDisabled);
        world.engine.set_account_disabled(&world.operator, "Alpha", false).await.unwrap();
        world.accepted(&other.token).await;
        world.finalise().await;
        world.accepted(&other.token).await;
        assert_eq!(world.reason(&revoked.token).await, Reason::Revoked);
    }
}

both! {
    /// An admin may let one dormant token work again, by name and on the record.
    async fn a_dormant_token_is_readmitted(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        world.finalise().await;
        world.engine.readmit_token(&world.operator, &issued.row.id).await.unwrap();
        world.accepted(&issued.token).await;
        let deeds = world.engine.audit(Some(issued.row.id.as_str()), 10).await.unwrap();
        assert!(deeds.iter().any(|deed| deed.action == "token.readmit" && deed.actor == "operator test"));
    }
}
