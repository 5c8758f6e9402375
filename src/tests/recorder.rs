//! What is written before the answer, and what is written behind it.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::both;
use super::nodes::{ask, hold};
use super::world::{World, caller};
use crate::model::UnixMs;
use crate::rotation::{Answer, Receipt, with_a_short_queue_for_tests};
use crate::store::usage::{self, Tally};
use crate::store::{Lock, StoreError, captures};

/// Writes what was counted of one token, as a node's flush does.
pub(super) async fn flush(world: &World, tally: Tally) {
    world
        .engine
        .db()
        .write::<_, StoreError, _>(Lock::Shared, move |tx| {
            async move { usage::flush(tx, &[tally], None).await }.boxed()
        })
        .await
        .unwrap();
}

both! {
    /// A node that flushes later than another, of earlier uses, adds its counts; the last use stands.
    async fn the_counts_of_a_slower_node_are_not_lost(world: World) {
        let integration = world.integration("Alpha").await;
        let id = world.issue(&integration).await.row.id;
        for (at, source) in [(2_000, "fast"), (1_000, "slow")] {
            let mut tally = Tally::of(id.clone());
            (tally.uses, tally.refused, tally.code) = (3, 2, Some(source));
            (tally.used_at, tally.refused_at) = (UnixMs(at), UnixMs(at));
            tally.source = Some(source.to_owned());
            flush(&world, tally).await;
        }
        let row = world.row(&id).await;
        assert_eq!((row.uses, row.refused), (6, 4));
        assert_eq!((row.last_used_at, row.last_source.as_deref()), (Some(UnixMs(2_000)), Some("fast")));
        assert_eq!(row.last_refused_code.as_deref(), Some("fast"));
    }
}

both! {
    /// The evidence of a capture counts each request once.
    async fn the_evidence_counts_each_request_once(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        for _ in 0..3 {
            world.accepted(&issued.token).await;
        }
        world.engine.flush().await.unwrap();
        let mut tx = world.engine.db().read().await.unwrap();
        let evidence = captures::latest(&mut tx, issued.row.id.as_str()).await.unwrap().unwrap();
        assert_eq!(evidence.requests, 3);
        assert_eq!(world.row(&issued.row.id).await.uses, 3);
    }
}

both! {
    /// A flush that is asked for waits for the one that runs already, and holds its counts.
    async fn a_flush_returns_when_everything_is_on_disk(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.accepted(&issued.token).await;
        world.engine.flush().await.unwrap();
        let other = world.another_process().await;
        let holds = tokio::spawn(async move {
            // Not idle, or PostgreSQL would cut it off.
            other
                .db()
                .write::<_, StoreError, _>(Lock::Exclusive, |tx| {
                    async move {
                        for _ in 0..20 {
                            tx.now().await?;
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                        Ok(())
                    }
                    .boxed()
                })
                .await
                .unwrap();
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.accepted(&issued.token).await;
        // By now the recorder has taken the count in hand, and waits for the lock.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        world.engine.flush().await.unwrap();
        assert_eq!(world.row(&issued.row.id).await.uses, 2);
        holds.await.unwrap();
    }
}

both! {
    /// Two processes that capture and count the same tokens in the opposite order never fail each other.
    async fn batches_of_two_nodes_do_not_fail_each_other(world: World) {
        let integrations = [world.integration("Alpha").await, world.integration("Beta").await];
        let mut tokens = Vec::new();
        for number in 0..60 {
            tokens.push(world.issue(&integrations[number % 2]).await);
        }
        world.start().await;
        let other = world.another_process().await;
        let calls = async |engine: &crate::rotation::Engine, back: bool| {
            let mut order: Vec<_> = tokens.iter().collect();
            if back {
                order.reverse();
            }
            let calls = order.into_iter().map(|issued| async { engine.verify(issued.token.expose(), &caller()).await });
            let answers = futures_util::future::join_all(calls).await;
            engine.flush().await.unwrap();
            answers
        };
        for _ in 0..3 {
            let (a, b) = tokio::join!(calls(&world.engine, false), calls(&other, true));
            for answer in a.into_iter().chain(b) {
                assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
            }
        }
        assert_eq!(world.row(&tokens[0].row.id).await.uses, 6);
    }
}

both! {
    /// A caller that goes away while a transaction begins leaves nothing open behind it.
    async fn a_caller_that_goes_away_leaves_no_transaction_open(world: World) {
        let integration = world.integration("Alpha").await;
        for turn in 0..400_u32 {
            let db = world.engine.db().clone();
            let mut read = Box::pin(async move { db.read().await.map(drop) });
            // Left after a few steps, wherever it stands by then.
            let steps = turn % 8;
            let mut taken = 0;
            let left = std::future::poll_fn(|context| {
                taken += 1;
                if taken > steps {
                    return std::task::Poll::Ready(());
                }
                read.as_mut().poll(context).map(drop)
            });
            left.await;
            drop(read);
        }
        // As many at once as there are connections: each of them must be fit to write.
        let writes = (0..24).map(|_| world.issue(&integration));
        futures_util::future::join_all(writes).await;
    }
}

both! {
    /// What finds the queue full is told 503 at once, and loses nothing by it; what waits is captured.
    async fn a_full_queue_costs_503_at_once(world: World) {
        let integration = world.integration("Alpha").await;
        let mut tokens = Vec::new();
        for _ in 0..3 {
            tokens.push(world.issue(&integration).await.token);
        }
        world.start().await;
        let node = with_a_short_queue_for_tests(&world.engine, 1);
        let request = |number: usize| {
            let (node, token) = (node.clone(), tokens[number].clone());
            tokio::spawn(async move { ask(&node, &token).await })
        };
        let moment = Duration::from_millis(200);
        let other = world.another_process().await;
        let holds = hold(other.db().clone(), Lock::Exclusive, 2, false);
        tokio::time::sleep(moment).await;
        // One is in the recorder's hands, which waits for the lock; one is in the queue.
        let first = request(0);
        tokio::time::sleep(moment).await;
        let second = request(1);
        tokio::time::sleep(moment).await;
        let third = tokio::time::timeout(moment * 3, request(2)).await;
        assert_eq!(third.expect("it waits for nothing").unwrap(), Err(None));
        holds.await.unwrap().unwrap();
        for captured in [first, second] {
            assert_eq!(captured.await.unwrap(), Ok(Some(Receipt::Recorded)));
        }
        assert_eq!(request(2).await.unwrap(), Ok(Some(Receipt::Recorded)));
    }
}
