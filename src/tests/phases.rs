//! A rotation moves only along its ways (I5).

use super::both;
use super::world::{World, caller};
use crate::rotation::phases::Plan;
use crate::rotation::{Answer, RotationError, Rule};

type Step = &'static str;

async fn step(world: &World, step: Step) -> Result<(), RotationError> {
    let (engine, by) = (&world.engine, &world.operator);
    match step {
        "start" => {
            engine
                .start_rotation(
                    by,
                    Plan {
                        name: Some("r".parse().unwrap()),
                        ..Plan::default()
                    },
                )
                .await
        }
        "finalise" => engine.finalise(by, "r").await,
        "reopen" => engine.reopen(by, "r").await,
        "abort" => engine.abort(by, "r").await,
        "close" => engine.close_rotation(by, "r").await,
        other => panic!("no step {other}"),
    }
    .map(drop)
}

both! {
    /// From each phase every step that is not a way is refused, and nothing changes by it.
    async fn every_illegal_move_is_refused(world: World) {
        let lives: [(&[Step], &[Step]); 5] = [
            (&[], &["finalise", "reopen", "abort", "close"]),
            (&["start"], &["start", "reopen", "close"]),
            (&["start", "finalise"], &["start", "finalise", "abort"]),
            (&["start", "finalise", "reopen"], &["start", "reopen", "close"]),
            (&["start", "finalise", "reopen", "finalise", "close"], &["finalise", "reopen", "abort", "close"]),
        ];
        let mut done: usize = 0;
        for (path, illegal) in lives {
            for way in &path[done.min(path.len())..] {
                step(&world, way).await.unwrap();
            }
            done = path.len();
            let before = serde_json::to_value(world.engine.status().await.unwrap()).unwrap()["phase"].clone();
            for way in illegal {
                let refused = step(&world, way).await;
                assert!(matches!(refused, Err(RotationError::Refused(_))), "{path:?} then {way}: {refused:?}");
                let after = serde_json::to_value(world.engine.status().await.unwrap()).unwrap()["phase"].clone();
                assert_eq!(after, before, "{path:?} then {way}");
            }
        }
    }
}

both! {
    /// A step takes the rotation's own name, typed exactly.
    async fn a_step_needs_the_name(world: World) {
        step(&world, "start").await.unwrap();
        let refused = world.engine.finalise(&world.operator, "R").await;
        assert!(matches!(refused, Err(RotationError::Refused(Rule::Unconfirmed { .. }))), "{refused:?}");
    }
}

both! {
    /// Of two starts at once, one is refused.
    async fn one_rotation_at_a_time(world: World) {
        let other = world.another_process().await;
        let plan = |name: &str| Plan { name: Some(name.parse().unwrap()), ..Plan::default() };
        let (a, b) = tokio::join!(
            world.engine.start_rotation(&world.operator, plan("a")),
            other.start_rotation(&world.operator, plan("b")),
        );
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
    }
}

both! {
    /// Every step stands in the audit with who did it.
    async fn steps_are_audited(world: World) {
        for way in ["start", "finalise", "reopen", "finalise", "close"] {
            step(&world, way).await.unwrap();
        }
        let audit = world.engine.audit(None, 50).await.unwrap();
        let mut actions: Vec<&str> = audit.iter().rev().map(|entry| entry.action.as_str()).collect();
        actions.retain(|action| action.starts_with("rotation."));
        assert_eq!(actions, ["rotation.start", "rotation.finalise", "rotation.reopen", "rotation.finalise", "rotation.close"]);
        assert!(audit.iter().filter(|entry| entry.action.starts_with("rotation.")).all(|entry| entry.actor == "operator test"));
    }
}

both! {
    /// Serving processes obey a step when it returns, and a start whose process ended half-way is
    /// completed by them.
    async fn a_step_returns_when_every_node_obeys(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        let server = world.another_process().await;
        server.serve().await.unwrap();
        let call = async || matches!(server.verify(issued.token.expose(), &caller()).await, Answer::Accepted(_));
        assert!(call().await);
        assert!(call().await);
        world.start().await;
        world.finalise().await;
        // It called before the start only.
        assert!(!call().await);
        world.engine.reopen(&world.operator, "2026-11").await.unwrap();
        assert!(call().await);
        world.finalise().await;
        assert!(call().await);
        world.engine.revoke_token(&world.operator, &issued.row.id).await.unwrap();
        assert!(!call().await);
    }
}
