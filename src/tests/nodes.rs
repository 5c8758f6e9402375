//! Many processes on one database: what is acknowledged is true everywhere, and one that is paused
//! holds nobody up for long.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::FutureExt as _;
use rustix::process::{Pid, Signal, kill_process};

use super::both;
use super::cluster;
use super::world::{World, caller};
use crate::model::{Clock, PlainToken, Reason};
use crate::rotation::registry::Issued;
use crate::rotation::{
    Answer, Engine, Receipt, RotationError, remembers_for_tests, serve_silently_for_tests,
};
use crate::store::{Db, Lock, StoreError, state};

/// The lease of every world.
const LEASE: Duration = Duration::from_millis(300);

pub(super) async fn ask(
    engine: &Engine,
    token: &PlainToken,
) -> Result<Option<Receipt>, Option<Reason>> {
    match engine.verify(token.expose(), &caller()).await {
        Answer::Accepted(accepted) => Ok(accepted.receipt),
        Answer::Refused(refusal) => Err(Some(refusal.reason)),
        Answer::Unavailable => Err(None),
    }
}

/// Uses tokens until a node remembers them.
async fn learn(engine: &Engine, tokens: &[Issued]) {
    for issued in tokens {
        for _ in 0..2 {
            ask(engine, &issued.token).await.unwrap();
        }
        assert!(remembers_for_tests(engine, &issued.token));
    }
}

async fn issue(world: &World, many: usize) -> Vec<Issued> {
    let integration = world.integration("Alpha").await;
    let mut tokens = Vec::new();
    for _ in 0..many {
        tokens.push(world.issue(&integration).await);
    }
    tokens
}

/// How long a revocation takes on one engine.
async fn revoke(world: &World, issued: &Issued) -> Duration {
    let clock = Clock::system();
    let from = clock.elapsed();
    let revoked = world
        .engine
        .revoke_token(&world.operator, &issued.row.id)
        .await;
    assert!(revoked.unwrap());
    clock.elapsed().saturating_sub(from)
}

both! {
    /// Three nodes: each step and each revocation is true on all of them when it returns, within a
    /// second.
    async fn three_nodes_obey_every_step(world: World) {
        let tokens = issue(&world, 3).await;
        let nodes = [world.another_process().await, world.another_process().await, world.another_process().await];
        for node in &nodes {
            node.serve().await.unwrap();
            learn(node, &tokens).await;
        }
        let took = revoke(&world, &tokens[2]).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
        for node in &nodes {
            assert_eq!(ask(node, &tokens[2].token).await, Err(Some(Reason::Revoked)));
        }
        world.start().await;
        assert_eq!(ask(&nodes[0], &tokens[0].token).await, Ok(Some(Receipt::Recorded)));
        assert_eq!(ask(&nodes[1], &tokens[0].token).await, Ok(Some(Receipt::Already)));
        nodes[2].finalise(&world.operator, "2026-11").await.unwrap();
        for node in &nodes {
            assert_eq!(ask(node, &tokens[0].token).await, Ok(None));
            assert_eq!(ask(node, &tokens[1].token).await, Err(Some(Reason::NotCaptured)));
        }
        nodes[0].reopen(&world.operator, "2026-11").await.unwrap();
        for node in &nodes {
            assert!(ask(node, &tokens[1].token).await.is_ok());
        }
    }
}

both! {
    /// A paused node is waited for by its lease, then no more; and it answers nothing from memory
    /// when it comes back.
    async fn a_silent_node_is_waited_for_by_its_lease(world: World) {
        let tokens = issue(&world, 3).await;
        let paused = world.another_process().await;
        serve_silently_for_tests(&paused).await;
        learn(&paused, &tokens).await;
        paused.refresh().await.unwrap();
        let took = revoke(&world, &tokens[0]).await;
        assert!((LEASE..Duration::from_secs(2)).contains(&took), "{took:?}");
        assert!(!paused.is_ready());
        assert_eq!(ask(&paused, &tokens[0].token).await, Err(Some(Reason::Revoked)));
        let took = revoke(&world, &tokens[1]).await;
        assert!(took < LEASE, "it is not waited for twice: {took:?}");
        // It lives after all: from then on it is waited for again.
        paused.refresh().await.unwrap();
        learn(&paused, &tokens[2..]).await;
        paused.refresh().await.unwrap();
        revoke(&world, &tokens[2]).await;
        assert_eq!(ask(&paused, &tokens[2].token).await, Err(Some(Reason::Revoked)));
    }
}

both! {
    /// A node that was forgotten makes itself known before it answers from memory again, also when
    /// nothing has changed meanwhile.
    async fn a_forgotten_node_makes_itself_known_first(world: World) {
        let tokens = issue(&world, 1).await;
        let node = world.another_process().await;
        serve_silently_for_tests(&node).await;
        learn(&node, &tokens).await;
        let forgotten = world.engine.db().write::<_, StoreError, _>(Lock::Shared, |tx| async move {
            for row in state::nodes_behind(tx, i64::MAX).await? {
                state::forget_node(tx, &row.id).await?;
            }
            Ok(())
        }.boxed());
        forgotten.await.unwrap();
        node.refresh().await.unwrap();
        assert!(node.is_ready());
        revoke(&world, &tokens[0]).await;
        assert_eq!(ask(&node, &tokens[0].token).await, Err(Some(Reason::Revoked)));
    }
}

both! {
    /// A node whose cursor is older than what is kept of the changes forgets everything it knew.
    async fn a_cursor_older_than_the_changes_drops_the_index(world: World) {
        let tokens = issue(&world, 2).await;
        let node = world.another_process().await;
        serve_silently_for_tests(&node).await;
        learn(&node, &tokens).await;
        revoke(&world, &tokens[0]).await;
        let pruned = world.engine.db().write::<_, StoreError, _>(Lock::Shared, |tx| async move {
            let all = tx.state().now.plus(1_000);
            state::prune_changes(tx, all).await
        }.boxed());
        pruned.await.unwrap();
        node.refresh().await.unwrap();
        for issued in &tokens {
            assert!(!remembers_for_tests(&node, &issued.token));
        }
        assert!(node.is_ready());
        assert_eq!(ask(&node, &tokens[0].token).await, Err(Some(Reason::Revoked)));
        assert_eq!(ask(&node, &tokens[1].token).await, Ok(None));
    }
}

both! {
    /// A process that takes no part is waited for by no step, so it answers nothing from memory.
    async fn who_takes_no_part_answers_from_the_database(world: World) {
        let tokens = issue(&world, 1).await;
        let other = world.another_process().await;
        for _ in 0..2 {
            ask(&other, &tokens[0].token).await.unwrap();
        }
        other.refresh().await.unwrap();
        assert!(!other.is_ready());
        let took = revoke(&world, &tokens[0]).await;
        assert!(took < LEASE, "{took:?}");
        assert_eq!(ask(&other, &tokens[0].token).await, Err(Some(Reason::Revoked)));
    }
}

/// Holds the lock in a transaction until the returned task ends: idle, as a paused process is, or
/// busy.
pub(super) fn hold(
    db: Db,
    lock: Lock,
    seconds: u64,
    idle: bool,
) -> tokio::task::JoinHandle<Result<(), StoreError>> {
    tokio::spawn(async move {
        db.write(lock, move |tx| {
            async move {
                if idle {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    return Ok(());
                }
                for _ in 0..seconds * 10 {
                    tx.now().await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    })
}

/// PostgreSQL cuts off a process that is paused inside a transaction: a phase step waits two seconds
/// for it, not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_paused_in_a_transaction_holds_a_step_up_for_two_seconds() {
    let world = World::postgres().await;
    let tokens = issue(&world, 1).await;
    world.start().await;
    let paused = hold(
        world.another_process().await.db().clone(),
        Lock::Shared,
        30,
        true,
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    let clock = Clock::system();
    let from = clock.elapsed();
    world.finalise().await;
    let took = clock.elapsed().saturating_sub(from);
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(4)).contains(&took),
        "{took:?}"
    );
    assert_eq!(
        ask(&world.engine, &tokens[0].token).await,
        Err(Some(Reason::NotCaptured))
    );
    paused.abort();
}

both! {
    /// Whoever does not get the lock in time is told who holds it.
    async fn the_holder_of_the_lock_is_named(world: World) {
        let tokens = issue(&world, 1).await;
        let holder = hold(world.another_process().await.db().clone(), Lock::Exclusive, 7, false);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let refused = world.engine.revoke_token(&world.operator, &tokens[0].row.id).await;
        let Err(RotationError::Store(StoreError::Locked { holder: named })) = refused else {
            panic!("{refused:?}");
        };
        // Here it is this very process that holds it.
        let expected = match world.engine.db().file() {
            Some(file) => format!("this process is writing to {}", file.display()),
            None => format!("rollcall, process {}", std::process::id()),
        };
        assert!(named.contains(&expected), "{named}");
        holder.await.unwrap().unwrap();
        assert!(world.engine.revoke_token(&world.operator, &tokens[0].row.id).await.unwrap());
    }
}

/// Connections that are cut are replaced at once: nobody is refused for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_are_replaced_at_once() {
    let world = World::postgres().await;
    let tokens = issue(&world, 12).await;
    let node = world.another_process().await;
    node.serve().await.unwrap();
    world.start().await;
    for some in tokens.chunks(4) {
        // So that there are many connections to cut.
        let calls = some.iter().map(|issued| ask(&node, &issued.token));
        futures_util::future::join_all(calls).await;
        cluster::cut_connections(&world.url);
        let clock = Clock::system();
        let from = clock.elapsed();
        while ask(&node, &some[0].token).await != Ok(Some(Receipt::Already)) {
            let took = clock.elapsed().saturating_sub(from);
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }
}

/// While a step holds the lock and requests that wait for it hold every connection, a node still
/// hears from the database: what is settled is answered from memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_while_every_connection_waits() {
    let world = World::postgres().await;
    let tokens = issue(&world, 20).await;
    let node = world.another_process().await;
    node.serve().await.unwrap();
    world.start().await;
    learn(&node, &tokens[..1]).await;
    let db = world.another_process().await.db().clone();
    let holder = hold(db, Lock::Exclusive, 3, false);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let waiting: Vec<_> = tokens[1..]
        .iter()
        .map(|issued| {
            let (node, by, id) = (node.clone(), world.operator.clone(), issued.row.id.clone());
            tokio::spawn(async move { node.revoke_token(&by, &id).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..20 {
        assert_eq!(
            ask(&node, &tokens[0].token).await,
            Ok(Some(Receipt::Already))
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    holder.await.unwrap().unwrap();
    for revoked in waiting {
        assert!(revoked.await.unwrap().unwrap());
    }
}

/// The name of the variable that tells the child which database to write to.
const CHILD: &str = "ROLLCALL_TEST_CHILD_DATABASE";

/// Not a test: the other process of the next one. It writes to a SQLite file and never ends.
#[tokio::test]
#[ignore = "the child of another test"]
async fn child_that_holds_the_writer() {
    let url = std::env::var(CHILD).unwrap();
    let db = Db::connect(url.as_str()).await.unwrap();
    db.write::<(), StoreError, _>(Lock::Shared, |_| {
        async move {
            println!("\nholds");
            std::future::pending().await
        }
        .boxed()
    })
    .await
    .unwrap();
}

/// A process that is paused while it writes to a SQLite file holds it until it goes on or is ended:
/// no timeout of SQLite's frees it. What is settled is answered all the while; what must be written
/// is told 503, and by whom, within seconds; and all is well at once when the process is ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_writer_of_sqlite_costs_503_and_not_more() {
    let world = World::sqlite().await;
    let tokens = issue(&world, 3).await;
    let node = world.another_process().await;
    node.serve().await.unwrap();
    world.start().await;
    learn(&node, &tokens[..1]).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "tests::nodes::child_that_holds_the_writer",
            "--nocapture",
        ])
        .env(CHILD, &world.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "holds"));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();

    let clock = Clock::system();
    let from = clock.elapsed();
    let (new, revoked, settled) = tokio::join!(
        ask(&node, &tokens[1].token),
        node.revoke_token(&world.operator, &tokens[2].row.id),
        async {
            let mut answers = Vec::new();
            for _ in 0..40 {
                answers.push(ask(&node, &tokens[0].token).await);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answers
        },
    );
    let took = clock.elapsed().saturating_sub(from);
    assert_eq!(new, Err(None), "a capture that cannot be written is 503");
    assert!(took < Duration::from_secs(9), "{took:?}");
    assert!(
        settled
            .iter()
            .all(|answer| *answer == Ok(Some(Receipt::Already))),
        "{settled:?}"
    );
    let Err(RotationError::Store(StoreError::Locked { holder })) = revoked else {
        panic!("{revoked:?}");
    };
    assert!(
        holder.contains(&format!("process {} is writing to", child.id())),
        "{holder}"
    );

    child.kill().unwrap();
    child.wait().unwrap();
    let from = clock.elapsed();
    assert_eq!(
        ask(&node, &tokens[1].token).await,
        Ok(Some(Receipt::Recorded))
    );
    let took = clock.elapsed().saturating_sub(from);
    assert!(took < Duration::from_secs(1), "{took:?}");
}
