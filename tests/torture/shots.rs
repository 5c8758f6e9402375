//! Requests that are sent at a moment drawn beforehand, each noted with when it was sent and what
//! it was told; and steps that are taken until they are taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rollcall::rotation::{Answer, Engine, RotationError};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::races::{Act, LEASE_MS, Pass};
use crate::world::{self, operator};

pub type Node = Engine;

/// No request may take longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What disturbs a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Connections to the database are cut.
    Cut,
    /// Some clients leave before they are answered.
    Leaving,
}

impl Fault {
    pub fn draw(rng: &mut Rng) -> Self {
        match rng.u8(..4) {
            0 => Self::Cut,
            1 => Self::Leaving,
            _ => Self::None,
        }
    }
}

/// What a request was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Yes,
    No,
    /// 503.
    Away,
    /// It did not wait for the answer.
    Left,
    Hung,
}

/// A request that was sent.
pub struct Shot {
    pub pass: Arc<Pass>,
    pub sent: Instant,
    pub told: Told,
}

/// Requests to be sent: each after a while, to a node.
#[derive(Default)]
pub struct Shots(Vec<(Arc<Pass>, Node, Duration, Option<Duration>)>);

/// Requests that are on their way.
pub struct Flying(JoinSet<Shot>);

impl Shots {
    /// One request for each, within so many milliseconds.
    pub fn one_each(passes: &[Arc<Pass>], nodes: &[Node], within: u64, rng: &mut Rng) -> Self {
        Self::some_each(passes, nodes, 1, within, rng)
    }

    pub fn some_each(
        passes: &[Arc<Pass>],
        nodes: &[Node],
        some: usize,
        within: u64,
        rng: &mut Rng,
    ) -> Self {
        let mut shots = Vec::new();
        for pass in passes {
            for _ in 0..some {
                let node = nodes[rng.usize(..nodes.len())].clone();
                let patience = (rng.u8(..2) == 0).then(|| Duration::from_micros(rng.u64(..12_000)));
                shots.push((
                    pass.clone(),
                    node,
                    Duration::from_micros(rng.u64(..within * 1_000)),
                    patience,
                ));
            }
        }
        Self(shots)
    }

    pub fn fly(self, fault: Fault) -> Flying {
        let mut tasks = JoinSet::new();
        for (pass, node, wait, patience) in self.0 {
            let patience = patience.filter(|_| fault == Fault::Leaving);
            tasks.spawn(async move {
                sleep(wait).await;
                let sent = Instant::now();
                let caller = world::caller();
                let answer = node.verify(pass.text.expose(), &caller);
                let told = match timeout(patience.unwrap_or(PATIENCE), answer).await {
                    Ok(Answer::Accepted(_)) => Told::Yes,
                    Ok(Answer::Refused(_)) => Told::No,
                    Ok(_) => Told::Away,
                    Err(_) if patience.is_some() => Told::Left,
                    Err(_) => Told::Hung,
                };
                Shot { pass, sent, told }
            });
        }
        Flying(tasks)
    }
}

impl Flying {
    pub async fn landed(self) -> Vec<Shot> {
        self.0.join_all().await
    }
}

/// Takes a step; false when it took longer than it may. Where a cut connection leaves open whether
/// it was taken, it is asked for again; where it was, every lease is waited for, as an operator would.
pub async fn step(node: &Node, name: &str, act: Act) -> bool {
    let by = operator();
    for _ in 0..20 {
        let taken = async {
            match act {
                Act::Start => node.start_rotation(&by, world::rotation(name)).await,
                Act::Finalise => node.finalise(&by, name).await,
                Act::Reopen => node.reopen(&by, name).await,
                Act::Close => node.close_rotation(&by, name).await,
            }
        };
        match timeout(PATIENCE, taken).await {
            Err(_) => return false,
            Ok(Ok(_)) => return true,
            Ok(Err(RotationError::Store(_))) => sleep(Duration::from_millis(100)).await,
            // A start that was cut is completed by whoever serves.
            Ok(Err(RotationError::Refused(rule))) => {
                let words = format!("{rule:?}");
                if words.starts_with("NotEffective") || words.starts_with("LookingBack") {
                    sleep(Duration::from_millis(300)).await;
                    continue;
                }
                for _ in 0..100 {
                    let open = node.open_rotation().await;
                    let effective =
                        open.map(|open| open.is_none_or(|open| open.effective_at.is_some()));
                    if matches!(effective, Ok(true)) {
                        break;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
                sleep(Duration::from_millis(LEASE_MS + 500)).await;
                return true;
            }
            Ok(Err(RotationError::Taken(_))) => {
                sleep(Duration::from_millis(LEASE_MS + 500)).await;
                return true;
            }
            Ok(Err(other)) => panic!("{act:?}: {other:?}"),
        }
    }
    false
}
