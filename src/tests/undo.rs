//! A revocation by mistake is undone: named, for an hour, and nothing else comes back with it (I6).

use super::both;
use super::world::{World, caller};
use crate::model::{HOUR_MS, IntegrationId, Member, Reason, Retirement, TokenId, UserId};
use crate::rotation::{RotationError, Rule};

const AFTER_A_DAY: Retirement = Retirement::USUAL;

/// Somebody of the integration's account.
async fn ana(world: &World, integration: &IntegrationId) -> Member {
    let story = world
        .engine
        .integration(&world.operator, integration)
        .await
        .unwrap();
    let account = story.view.integration.account_id;
    let user = UserId::generate(world.engine.now(), world.engine.random());
    Member::vouch(
        user,
        account,
        "ana@alpha.example".to_owned(),
        "Ana".to_owned(),
    )
}

async fn undo(world: &World, by: &Member, id: &TokenId) -> Result<bool, Rule> {
    match world.engine.undo_revocation(by, id).await {
        Ok(done) => Ok(done),
        Err(RotationError::Refused(rule)) => Err(rule),
        Err(error) => panic!("{error}"),
    }
}

both! {
    /// On every node, by name, and once.
    async fn a_revocation_is_undone_within_the_hour(world: World) {
        let elsewhere = world.another_process().await;
        elsewhere.serve().await.unwrap();
        let integration = world.integration("Alpha").await;
        let ana = ana(&world, &integration).await;
        let issued = world.issue(&integration).await;
        let id = &issued.row.id;
        world.accepted(&issued.token).await;
        assert!(world.engine.revoke_token(&ana, id).await.unwrap());
        assert_eq!(world.reason(&issued.token).await, Reason::Revoked);
        world.pass(HOUR_MS - 60_000).await;
        assert_eq!(undo(&world, &ana, id).await, Ok(true));
        world.accepted(&issued.token).await;
        let answer = elsewhere.verify(issued.token.expose(), &caller()).await;
        assert!(matches!(answer, crate::rotation::Answer::Accepted(_)), "{answer:?}");
        assert_eq!(undo(&world, &ana, id).await, Ok(false));
        let deeds = world.engine.audit(Some(id.as_str()), 10).await.unwrap();
        let undone: Vec<_> = deeds.iter().filter(|deed| deed.action == "token.undo-revoke").collect();
        assert_eq!(undone.len(), 1);
        assert_eq!(undone[0].actor, "member ana@alpha.example");
        assert!(undone[0].detail.contains("\"revoked_by\":\"member ana@alpha.example\""));
        elsewhere.stop().await.unwrap();
    }
}

both! {
    /// After an hour it stands, and so does one that a command made.
    async fn other_revocations_stand(world: World) {
        let integration = world.integration("Alpha").await;
        let ana = ana(&world, &integration).await;
        let (late, commanded) = (world.issue(&integration).await, world.issue(&integration).await);
        world.engine.revoke_token(&ana, &late.row.id).await.unwrap();
        world.engine.revoke_token(&world.operator, &commanded.row.id).await.unwrap();
        assert_eq!(undo(&world, &ana, &commanded.row.id).await, Err(Rule::UndoOver));
        world.pass(HOUR_MS).await;
        assert_eq!(undo(&world, &ana, &late.row.id).await, Err(Rule::UndoOver));
        for issued in [&late, &commanded] {
            assert_eq!(world.reason(&issued.token).await, Reason::Revoked);
        }
    }
}

both! {
    /// A stranger's token does not exist, and nothing of an integration that is gone comes back.
    async fn only_what_is_there_and_ones_own_is_undone(world: World) {
        let alpha = world.integration("Alpha").await;
        let beta = world.integration("Beta").await;
        let (owner, stranger) = (ana(&world, &alpha).await, ana(&world, &beta).await);
        let issued = world.issue(&alpha).await;
        world.engine.revoke_token(&owner, &issued.row.id).await.unwrap();
        let refused = world.engine.undo_revocation(&stranger, &issued.row.id).await;
        assert!(matches!(refused, Err(RotationError::NotFound(_))), "{refused:?}");
        world.run("update integrations set archived_at = 1").await;
        let archived = world.engine.undo_revocation(&owner, &issued.row.id).await;
        assert!(matches!(archived, Err(RotationError::NotFound(_))), "{archived:?}");
        world.run("update integrations set archived_at = null").await;
        world.engine.set_account_disabled(&world.operator, "Alpha", true).await.unwrap();
        assert_eq!(undo(&world, &owner, &issued.row.id).await, Err(Rule::AccountDisabled));
        world.engine.set_account_disabled(&world.operator, "Alpha", false).await.unwrap();
        assert_eq!(undo(&world, &owner, &issued.row.id).await, Ok(true));
    }
}

both! {
    /// The expiry goes on counting, and so does what a newer token does to the old.
    async fn what_would_have_ended_stays_ended(world: World) {
        let integration = world.integration("Alpha").await;
        let ana = ana(&world, &integration).await;
        let short = world.issue_with(&integration, Some(60_000), Retirement::Keep).await;
        let old = world.issue(&integration).await;
        for issued in [&short, &old] {
            world.engine.revoke_token(&ana, &issued.row.id).await.unwrap();
        }
        world.pass(61_000).await;
        assert_eq!(undo(&world, &ana, &short.row.id).await, Err(Rule::UndoExpired));

        // The newer one has made its first request: the old one has the day that was chosen for it.
        let new = world.issue_with(&integration, None, AFTER_A_DAY).await;
        world.accepted(&new.token).await;
        assert_eq!(undo(&world, &ana, &old.row.id).await, Ok(true));
        world.accepted(&old.token).await;
        let row = world.row(&old.row.id).await;
        assert_eq!(row.replaced_by.as_ref(), Some(&new.row.id));
        let first = world.row(&new.row.id).await.first_used_at.unwrap();
        assert_eq!(row.ends_at, Some(first.plus(AFTER_A_DAY.overlap())));

        // One that ends its predecessors at once leaves nothing to undo.
        world.engine.revoke_token(&ana, &old.row.id).await.unwrap();
        world.issue_with(&integration, None, Retirement::AtOnce).await;
        assert_eq!(undo(&world, &ana, &old.row.id).await, Err(Rule::UndoReplaced));
        assert_eq!(world.reason(&old.token).await, Reason::Revoked);
    }
}

both! {
    /// An undone revocation captures nothing: the token is as dormant as if it had never been.
    async fn an_undo_captures_nothing(world: World) {
        let integration = world.integration("Alpha").await;
        let ana = ana(&world, &integration).await;
        let issued = world.issue(&integration).await;
        let id = &issued.row.id;
        world.start().await;
        world.engine.revoke_token(&ana, id).await.unwrap();
        assert_eq!(undo(&world, &ana, id).await, Ok(true));
        assert_eq!(world.rehearsed().await, ["Alpha"]);
        world.engine.revoke_token(&ana, id).await.unwrap();
        world.finalise().await;
        assert_eq!(undo(&world, &ana, id).await, Ok(true));
        assert_eq!(world.reason(&issued.token).await, Reason::NotCaptured);
        assert_eq!(world.row(id).await.generation, issued.row.generation);
        let story = world.engine.integration(&world.operator, &integration).await.unwrap();
        assert!(story.captures.is_empty());
    }
}
