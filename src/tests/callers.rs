//! Who calls with a token: the programs and addresses heard last.

use super::both;
use super::recorder::flush;
use super::world::World;
use crate::model::{IntegrationId, PlainToken, UnixMs};
use crate::rotation::{Answer, Caller};
use crate::store::callers::{self, KEPT, TokenCaller};
use crate::store::usage::Tally;

fn from(source: &str) -> Caller {
    Caller {
        source: Some(source.to_owned()),
        agent: Some("order-sync/2".to_owned()),
    }
}

async fn call(world: &World, token: &PlainToken, caller: &Caller) -> Answer {
    world.pass(10).await;
    world.engine.verify(token.expose(), caller).await
}

async fn known(world: &World, integration: &IntegrationId) -> Vec<TokenCaller> {
    world.engine.flush().await.unwrap();
    let mut tx = world.engine.db().read().await.unwrap();
    callers::of_integration(&mut tx, integration).await.unwrap()
}

both! {
    async fn each_caller_is_counted_by_itself(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        for source in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
            call(&world, &issued.token, &from(source)).await;
        }
        known(&world, &integration).await;
        call(&world, &issued.token, &from("192.0.2.1")).await;
        call(&world, &issued.token, &Caller::default()).await;
        let told: Vec<_> = known(&world, &integration)
            .await
            .iter()
            .map(|caller| (caller.source().map(str::to_owned), caller.uses, caller.refused))
            .collect();
        let at = |source: &str| Some(source.to_owned());
        assert_eq!(told, [(None, 1, 0), (at("192.0.2.1"), 3, 0), (at("192.0.2.2"), 1, 0)]);
    }
}

both! {
    async fn who_is_refused_is_told_with_the_reason(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        call(&world, &issued.token, &from("192.0.2.1")).await;
        let by = &world.operator;
        world.engine.revoke_token(by, &issued.row.id).await.unwrap();
        for source in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            let answer = call(&world, &issued.token, &from(source)).await;
            assert!(matches!(answer, Answer::Refused(_)));
        }
        let known = known(&world, &integration).await;
        let told: Vec<_> = known
            .iter()
            .map(|caller| (caller.source().unwrap(), caller.uses, caller.refused, caller.refused_code.as_deref()))
            .collect();
        let revoked = Some("token_revoked");
        assert_eq!(told, [("192.0.2.2", 0, 1, revoked), ("192.0.2.1", 1, 2, revoked)]);
        assert!(known[1].used_at < known[1].refused_at);
    }
}

both! {
    /// A client without a fixed address fills neither the table nor memory.
    async fn of_many_callers_those_heard_last_stay(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        let other = world.issue(&integration).await;
        call(&world, &other.token, &from("203.0.113.9")).await;
        for number in 0..KEPT + 5 {
            call(&world, &issued.token, &from(&format!("192.0.2.{number}"))).await;
            if number % 3 == 0 {
                world.engine.flush().await.unwrap();
            }
        }
        let known = known(&world, &integration).await;
        let (others, its): (Vec<_>, Vec<_>) =
            known.iter().partition(|caller| caller.token_id == other.row.id);
        assert_eq!(others.len(), 1);
        let sources: Vec<_> = its.iter().map(|caller| caller.source().unwrap().to_owned()).collect();
        let last: Vec<_> = (5..KEPT + 5).rev().map(|number| format!("192.0.2.{number}")).collect();
        assert_eq!(sources, last);
        assert_eq!(world.row(&issued.row.id).await.uses, i64::try_from(KEPT + 5).unwrap());
    }
}

both! {
    /// A node that flushes later than another, of earlier requests: the counts add up, what was later stands.
    async fn the_callers_of_two_nodes_add_up(world: World) {
        let integration = world.integration("Alpha").await;
        let id = world.issue(&integration).await.row.id;
        for (at, code) in [(2_000, "later"), (1_000, "earlier")] {
            let mut tally = Tally::of(id.clone());
            let caller = tally.callers.of(Some("192.0.2.1"), None);
            (caller.uses, caller.refused, caller.code) = (3, 2, Some(code));
            (caller.used_at, caller.refused_at) = (Some(UnixMs(at)), Some(UnixMs(at)));
            flush(&world, tally).await;
        }
        let known = known(&world, &integration).await;
        let [caller] = &known[..] else {
            panic!("{known:?}")
        };
        assert_eq!((caller.uses, caller.refused), (6, 4));
        assert_eq!((caller.used_at, caller.refused_at), (Some(UnixMs(2_000)), Some(UnixMs(2_000))));
        assert_eq!((caller.refused_code.as_deref(), caller.agent()), (Some("later"), None));
    }
}
