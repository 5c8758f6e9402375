//! PostgreSQL behind a pooler in transaction mode, where each transaction may meet another server
//! process: nothing may outlive one.

use super::world::{World, caller};
use crate::model::Reason;
use crate::rotation::Answer;

/// Issue, capture, cutover and revocation, from three processes that share three server connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_behind_a_pooler() {
    let Some(world) = World::pooled().await else {
        eprintln!("PgBouncer is not installed: `scripts/setup.sh test` does that. Left out.");
        return;
    };
    let integration = world.integration("Alpha").await;
    let (others, mut tokens) = (
        [world.another_process().await, world.another_process().await],
        Vec::new(),
    );
    for other in &others {
        other.serve().await.unwrap();
    }
    for _ in 0..12 {
        tokens.push(world.issue(&integration).await);
    }
    let use_all = async |upto: usize| {
        let calls = tokens[..upto].iter().flat_map(|issued| {
            let by = [&world.engine, &others[0], &others[1]];
            by.map(|engine| async move { engine.verify(issued.token.expose(), &caller()).await })
        });
        futures_util::future::join_all(calls).await
    };
    for answer in use_all(12).await {
        assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    }
    world.start().await;
    for answer in use_all(6).await {
        assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    }
    world.finalise().await;
    for (i, answer) in use_all(12).await.into_iter().enumerate() {
        let accepted = matches!(answer, Answer::Accepted(_));
        assert_eq!(accepted, i < 18, "{i}: {answer:?}");
    }
    let revoked = &tokens[0];
    world
        .engine
        .revoke_token(&world.operator, &revoked.row.id)
        .await
        .unwrap();
    for engine in &others {
        let answer = engine.verify(revoked.token.expose(), &caller()).await;
        assert!(
            matches!(&answer, Answer::Refused(refusal) if refusal.reason == Reason::Revoked),
            "{answer:?}"
        );
    }
    world.close().await;
}
