//! Three nodes on one PostgreSQL: every step of a rotation, and revokes, raced against traffic, with
//! connections cut and clients that leave. What is promised is checked from outside, by when a
//! request was sent and when a step was acknowledged.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rollcall::model::{Generation, IntegrationId, PlainToken, TokenId};
use rollcall::rotation::Answer;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::plan::{Plan, Report};
use crate::postgres::cut;
use crate::shots::{Fault, Node, Shot, Shots, Told, step};
use crate::world::{self, Kind, Place, Template, operator};

pub const LEASE_MS: u64 = 1_000;
const NODES: usize = 3;
/// Tokens by what they are for in a round.
const AT_START: usize = 24;
const AT_REVOKE: usize = 12;
const AT_FINALISE: usize = 16;
const DORMANT: usize = 8;

/// A token and what happened to it.
pub struct Pass {
    pub id: TokenId,
    pub text: PlainToken,
}

/// What a run found.
#[derive(Default)]
struct Found {
    races: usize,
    accepted: usize,
    refused: usize,
    unavailable: usize,
    unavailable_by_itself: usize,
    /// Connections that were cut.
    cuts: usize,
    longest_ms: u128,
    not_captured: Vec<String>,
    dormant_accepted: Vec<String>,
    revoked_accepted: Vec<String>,
    refused_wrongly: Vec<String>,
    hung: Vec<String>,
}

struct Scene {
    nodes: Vec<Node>,
    integrations: Vec<IntegrationId>,
    place: Arc<Place>,
    round: usize,
    fault: Fault,
    rng: Rng,
    found: Found,
}

impl Scene {
    async fn new(template: &Template, rng: Rng) -> Self {
        let place = Arc::new(tokio::task::block_in_place(|| template.copy()));
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            let engine = world::engine(&place).await;
            engine.serve().await.unwrap();
            nodes.push(engine);
        }
        Self {
            nodes,
            integrations: Vec::new(),
            place,
            round: 0,
            fault: Fault::None,
            rng,
            found: Found::default(),
        }
    }

    fn node(&mut self) -> Node {
        let number = self.rng.usize(..NODES);
        self.nodes[number].clone()
    }

    async fn tokens(&mut self, many: usize) -> Vec<Arc<Pass>> {
        let mut tasks = JoinSet::new();
        for number in 0..many {
            let engine = self.nodes[number % NODES].clone();
            let integration = self.integrations[number % self.integrations.len()].clone();
            tasks.spawn(async move {
                let issued = world::issue(&engine, &integration).await;
                Arc::new(Pass {
                    id: issued.row.id,
                    text: issued.token,
                })
            });
        }
        tasks.join_all().await
    }

    /// Every node has seen these in use, and holds them in memory.
    async fn warm(&self, passes: &[Arc<Pass>]) {
        let mut tasks = JoinSet::new();
        for pass in passes {
            let (pass, nodes) = (pass.clone(), self.nodes.clone());
            tasks.spawn(async move {
                for node in nodes.iter().chain(&nodes) {
                    node.verify(pass.text.expose(), &world::caller()).await;
                }
            });
        }
        tasks.join_all().await;
    }

    /// Takes a step while requests are sent; gives what was answered, and when it was acknowledged.
    async fn raced(&mut self, what: &str, act: Act, shots: Shots) -> (Vec<Shot>, Instant) {
        let (node, fault, rng) = (self.node(), self.fault, self.rng.fork());
        let disturbing = tokio::spawn(disturb(self.place.clone(), fault, rng));
        let flying = shots.fly(fault);
        sleep(Duration::from_millis(self.rng.u64(..15))).await;
        let began = Instant::now();
        let name = format!("round-{}", self.round);
        if !step(&node, &name, act).await {
            self.found
                .hung
                .push(format!("{what} took longer than it may"));
        }
        let acknowledged = Instant::now();
        self.found.longest_ms = self.found.longest_ms.max(began.elapsed().as_millis());
        let flown = flying.landed().await;
        self.found.cuts += disturbing.await.unwrap();
        self.count(&flown);
        (flown, acknowledged)
    }

    fn count(&mut self, shots: &[Shot]) {
        self.found.races += shots.len();
        for shot in shots {
            match shot.told {
                Told::Yes => self.found.accepted += 1,
                Told::No => self.found.refused += 1,
                Told::Away => {
                    self.found.unavailable += 1;
                    if self.fault == Fault::None {
                        self.found.unavailable_by_itself += 1;
                    }
                }
                Told::Left => {}
                Told::Hung => self
                    .found
                    .hung
                    .push("a request was not answered".to_owned()),
            }
        }
    }

    async fn generation(&self, pass: &Pass) -> Generation {
        loop {
            if let Ok(shown) = self.nodes[0].show_token(&operator(), &pass.id).await {
                return shown.row.generation;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a node says now, asked until it can say.
    async fn passes(&self, pass: &Pass) -> bool {
        loop {
            match self.nodes[1]
                .verify(pass.text.expose(), &world::caller())
                .await
            {
                Answer::Accepted(_) => return true,
                Answer::Refused(_) => return false,
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// One rotation.
    async fn round(&mut self) {
        self.round += 1;
        let round = self.round;
        self.fault = Fault::None;
        self.integrations.clear();
        for number in 0..2 {
            let account = format!("Account {round} {number}");
            self.integrations
                .push(world::integration(&self.nodes[0], &account).await);
        }
        let mut all = self
            .tokens(AT_START + AT_REVOKE + AT_FINALISE + DORMANT)
            .await;
        let dormant = all.split_off(AT_START + AT_REVOKE + AT_FINALISE);
        let at_finalise = all.split_off(AT_START + AT_REVOKE);
        let at_revoke = all.split_off(AT_START);
        let at_start = all;
        self.warm(&at_start).await;
        self.warm(&at_revoke).await;
        self.warm(&at_finalise[..AT_FINALISE / 2]).await;
        self.fault = Fault::draw(&mut self.rng);

        // One request each: a second would capture what the first should have.
        let shots = Shots::one_each(&at_start, &self.nodes, 450, &mut self.rng);
        let (started, acknowledged) = self.raced("start", Act::Start, shots).await;
        let after: Vec<&Shot> = started
            .iter()
            .filter(|shot| shot.sent > acknowledged)
            .collect();
        let mut carried: Vec<Arc<Pass>> = Vec::new();
        carried.extend(
            after
                .iter()
                .filter(|shot| shot.told == Told::Yes)
                .map(|shot| shot.pass.clone()),
        );

        self.revokes(&at_revoke).await;

        let shots = Shots::one_each(&at_finalise, &self.nodes, 120, &mut self.rng);
        let (shot_at, acknowledged) = self.raced("finalise", Act::Finalise, shots).await;
        // With the answer to a request in flight, what was captured stays captured.
        let yes = shot_at.iter().filter(|shot| shot.told == Told::Yes);
        carried.extend(yes.map(|shot| shot.pass.clone()));
        self.fault = Fault::None;
        let target = self.nodes[0].open_rotation().await;
        let target = match &target {
            Ok(Some(open)) => open.target_generation,
            other => panic!("no rotation is open: {other:?}"),
        };
        let mut left = Vec::new();
        for pass in at_finalise.iter().chain(&at_start).chain(&dormant) {
            if self.generation(pass).await < target {
                left.push(pass.clone());
            }
        }
        let shots = Shots::some_each(&left, &self.nodes, 2, 80, &mut self.rng);
        let after = shots.fly(Fault::None).landed().await;
        self.count(&after);
        for shot in after.iter().chain(&shot_at) {
            let is_left = left.iter().any(|pass| pass.id == shot.pass.id);
            if is_left && shot.sent > acknowledged && shot.told == Told::Yes {
                self.found
                    .dormant_accepted
                    .push(format!("round {round}: {}", shot.pass.id));
            }
        }
        for pass in &carried {
            if !self.passes(pass).await {
                self.found
                    .not_captured
                    .push(format!("round {round}: {}", pass.id));
            }
        }
        self.reopen(&left).await;
    }

    /// Revokes, each on some node, while the tokens are used on every node.
    async fn revokes(&mut self, passes: &[Arc<Pass>]) {
        let shots = Shots::some_each(passes, &self.nodes, 6, 500, &mut self.rng);
        let (fault, rng) = (self.fault, self.rng.fork());
        let disturbing = tokio::spawn(disturb(self.place.clone(), fault, rng));
        let flying = shots.fly(fault);
        let mut revokes = JoinSet::new();
        for pass in passes {
            let (node, pass, wait) = (self.node(), pass.clone(), self.rng.u64(..120));
            revokes.spawn(async move {
                sleep(Duration::from_millis(wait)).await;
                let by = operator();
                let revoked = timeout(Duration::from_secs(15), node.revoke_token(&by, &pass.id));
                // Only what this very call has done is acknowledged by it.
                let done = matches!(revoked.await, Ok(Ok(true)));
                (pass.id.clone(), done.then(Instant::now))
            });
        }
        let acknowledged = revokes.join_all().await;
        let flown = flying.landed().await;
        self.found.cuts += disturbing.await.unwrap();
        self.count(&flown);
        for shot in &flown {
            let revoked = acknowledged.iter().find(|(id, _)| *id == shot.pass.id);
            let at = revoked.and_then(|(_, at)| *at);
            if shot.told == Told::Yes && at.is_some_and(|at| shot.sent > at) {
                let late = at.map_or(0, |at| (shot.sent - at).as_millis());
                self.found
                    .revoked_accepted
                    .push(format!("{} {late} ms after", shot.pass.id));
            }
        }
    }

    /// Back to recording: what was dormant is accepted again, and captured; then the end.
    async fn reopen(&mut self, left: &[Arc<Pass>]) {
        let shots = Shots::one_each(left, &self.nodes, 450, &mut self.rng);
        let (flown, acknowledged) = self.raced("reopen", Act::Reopen, shots).await;
        for shot in flown.iter().filter(|shot| shot.sent > acknowledged) {
            if shot.told == Told::No {
                self.found
                    .refused_wrongly
                    .push(format!("{} after reopen", shot.pass.id));
            }
        }
        let none = Shots::default();
        self.raced("finalise", Act::Finalise, none).await;
        let yes: HashSet<&str> = flown
            .iter()
            .filter(|shot| shot.told == Told::Yes)
            .map(|shot| shot.pass.id.as_str())
            .collect();
        for pass in left.iter().filter(|pass| yes.contains(pass.id.as_str())) {
            if !self.passes(pass).await {
                self.found
                    .not_captured
                    .push(format!("{} after reopen", pass.id));
            }
        }
        self.raced("close", Act::Close, Shots::default()).await;
    }
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Start,
    Finalise,
    Reopen,
    Close,
}

/// Cuts connections of Rollcall, some or all, a few times; gives how many.
async fn disturb(place: Arc<Place>, fault: Fault, mut rng: Rng) -> usize {
    let mut cuts = 0;
    if fault != Fault::Cut {
        return cuts;
    }
    let mut owner = PgConnection::connect(&place.url).await.unwrap();
    for _ in 0..rng.usize(1..4) {
        sleep(Duration::from_millis(rng.u64(..120))).await;
        cuts += cut(
            &mut owner,
            "datname = current_database() and random() < 0.4",
        )
        .await;
    }
    cuts
}

pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    let template = Template::new(Kind::Postgres, i64::try_from(LEASE_MS).unwrap());
    let wanted = plan.pick(400, 10_000);
    let runtime = world::runtime(2);
    let found = runtime.block_on(async {
        let rng = plan.rng("races");
        let played = tokio::spawn(async move {
            let mut scene = Scene::new(&template, rng).await;
            while scene.found.races < wanted {
                scene.round().await;
            }
            scene.found
        });
        played.await.unwrap()
    });
    runtime.shutdown_background();
    let show = |what: &str, list: &[String]| {
        list.iter()
            .take(3)
            .for_each(|one| println!("  {what}: {one}"));
    };
    show("accepted after start and not captured", &found.not_captured);
    show(
        "dormant and accepted after finalise",
        &found.dormant_accepted,
    );
    show(
        "accepted after its revoke was acknowledged",
        &found.revoked_accepted,
    );
    show("refused after reopen", &found.refused_wrongly);
    show("hung", &found.hung);
    report.at_least("requests raced against steps", &found.races, &wanted);
    report.at_least("connections cut", &found.cuts, &plan.pick(0, 100));
    report.tell("accepted", &found.accepted);
    report.tell("refused", &found.refused);
    report.tell(
        "503, with connections cut or clients leaving",
        &(found.unavailable - found.unavailable_by_itself),
    );
    report.exactly("503 without a fault", &found.unavailable_by_itself, &0);
    report.exactly(
        "I1: 2xx after start, yet not captured",
        &found.not_captured.len(),
        &0,
    );
    report.exactly(
        "I2: 2xx for a dormant token after finalise",
        &found.dormant_accepted.len(),
        &0,
    );
    report.exactly(
        "2xx on any node after a revoke was acknowledged",
        &found.revoked_accepted.len(),
        &0,
    );
    report.exactly(
        "refused after reopen was acknowledged",
        &found.refused_wrongly.len(),
        &0,
    );
    report.at_most("longest step, in ms", &found.longest_ms, &15_000);
    report.exactly("steps or requests that hung", &found.hung.len(), &0);
    report
}
