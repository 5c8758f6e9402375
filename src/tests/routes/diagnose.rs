//! What a member is told of a digest.

use axum::http::StatusCode;

use super::super::http::{Site, Visitor};
use super::super::world::World;
use crate::model::{DAY_MS, Digest, HOUR_MS, PlainToken, Retirement, hex};

const ANA: &str = "ana@alpha.example";
const ANSWER: &str = "/diagnose/answer";

async fn told(visitor: &mut Visitor, token: &PlainToken) -> String {
    let digest = hex(Digest::of(token.expose().as_bytes()).as_bytes());
    let page = visitor.ask(ANSWER, &digest).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("cache-control"), "no-store");
    page.body
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fate_of_a_token_is_told_in_its_words() {
    let world = World::sqlite().await;
    let id = world.integration("Alpha").await;
    let other = world.integration("Beta").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    let world = &site.world;
    let (used, unused) = (world.issue(&id).await, world.issue(&id).await);
    let short = world.issue_with(&id, Some(HOUR_MS), Retirement::Keep).await;
    let revoked = world.issue(&id).await;
    world
        .engine
        .revoke_token(&world.operator, &revoked.row.id)
        .await
        .unwrap();
    let stranger = world.issue(&other).await;
    world.pass(2 * HOUR_MS).await;
    let mut ana = site.signed_in(ANA).await;

    world.accepted(&used.token).await;
    assert!(
        told(&mut ana, &used.token)
            .await
            .contains("This token works.")
    );
    world.start().await;
    assert!(
        told(&mut ana, &used.token)
            .await
            .contains("This token works until the cutover.")
    );
    world.accepted(&used.token).await;
    // To be told is no request: what was not used is not captured by it.
    for _ in 0..2 {
        assert!(
            told(&mut ana, &unused.token)
                .await
                .contains("works until the cutover.")
        );
    }
    world.finalise().await;
    for (token, words, code) in [
        (&used, "This token works, and goes on working.", None),
        (
            &unused,
            "stopped working when the signing key was rotated.",
            Some("token_not_captured"),
        ),
        (
            &short,
            "This access token has expired.",
            Some("token_expired"),
        ),
        (
            &revoked,
            "This access token was revoked.",
            Some("token_revoked"),
        ),
        (
            &stranger,
            "No token of your account is this one.",
            Some("token_unknown"),
        ),
    ] {
        let answer = told(&mut ana, &token.token).await;
        assert!(answer.contains(words), "{words}: {answer}");
        match code {
            Some(code) => assert!(answer.contains(&format!("/help/{code}")), "{answer}"),
            None => assert!(!answer.contains("/help/token"), "{answer}"),
        }
    }
    let after = Retirement::AfterFirstUse { overlap: 0 };
    let fresh = world.issue_with(&id, Some(DAY_MS), after).await;
    assert!(
        told(&mut ana, &fresh.token)
            .await
            .contains("has not been used yet.")
    );
    world.accepted(&fresh.token).await;
    world.pass(1_000).await;
    let answer = told(&mut ana, &used.token).await;
    assert!(answer.contains("was replaced by a newer one."), "{answer}");
    assert!(answer.contains(&format!("…{}", fresh.row.hint)), "{answer}");
    world
        .engine
        .archive_integration(&world.operator, &id)
        .await
        .unwrap();
    assert!(
        told(&mut ana, &fresh.token)
            .await
            .contains("Its integration is archived")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_token_and_none_at_all_read_alike() {
    let world = World::sqlite().await;
    world.integration("Alpha").await;
    let other = world.integration("Beta").await;
    let issued = world.issue(&other).await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    site.user(None, "priya@platform.example").await;
    let mut ana = site.signed_in(ANA).await;
    let strangers = told(&mut ana, &issued.token).await;
    let none = ana.ask(ANSWER, &"0".repeat(64)).await;
    assert_eq!(strangers, none.body);
    for wrong in ["", "abc", &"x".repeat(64), issued.token.expose()] {
        let page = ana.ask(ANSWER, wrong).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(wrong.is_empty() || !page.body.contains(wrong));
    }
    assert_eq!(ana.get(ANSWER).await.header("location"), "/diagnose");
    let page = site.visitor().get("/diagnose").await;
    assert_eq!(page.header("location"), "/login?next=/diagnose");
    let page = site.visitor().ask(ANSWER, &"0".repeat(64)).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let mut priya = site.signed_in("priya@platform.example").await;
    assert_eq!(priya.get("/diagnose").await.status, StatusCode::NOT_FOUND);
}
