//! Real `rollcall serve` processes that are paused: across steps for longer than the lease, inside a
//! transaction, and while the database crashes; and a server beside commands on one SQLite file.
//! What was sent to a paused node waits in its sockets, and is answered when it wakes: by then the
//! step has long been acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rollcall::model::{IntegrationId, TokenId};
use rollcall::rotation::{Answer, Engine};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::plan::{Plan, Report};
use crate::serving::{Serving, command, restart_postgres, signal};
use crate::world::{self, Kind, Place, Template, caller, operator};

const LEASE_MS: i64 = 1_000;
const TOKENS: usize = 24;
/// What no step may take longer than.
const PATIENCE: Duration = Duration::from_secs(15);
/// After what a step gives up on a process that holds SQLite's one writer, and some more.
const HELD_PATIENCE: Duration = Duration::from_secs(35);

/// A token that a client has.
#[derive(Clone)]
struct Pass {
    id: TokenId,
    text: String,
}

#[derive(Default)]
struct Found {
    requests: usize,
    accepted: usize,
    unavailable: usize,
    steps: usize,
    /// Steps that a paused process kept from SQLite's one writer, as it is documented.
    held: usize,
    longest_ms: u128,
    broken: Vec<String>,
}

struct Scene {
    servers: Vec<Serving>,
    /// Does what the command does, and looks what became of it.
    steers: Engine,
    integration: IntegrationId,
    place: Arc<Place>,
    round: usize,
    rng: Rng,
    found: Found,
}

/// Requests on their way to one server: each token once.
struct Sent(JoinSet<(Pass, Option<u16>)>);

impl Sent {
    async fn answered(self) -> Vec<(Pass, Option<u16>)> {
        self.0.join_all().await
    }
}

impl Scene {
    async fn new(template: &Template, servers: usize, rng: Rng) -> Self {
        let place = Arc::new(tokio::task::block_in_place(|| template.copy()));
        let steers = world::engine(&place).await;
        let integration = world::integration(&steers, "Paused").await;
        let servers = (0..servers)
            .map(|_| Serving::start(&place, LEASE_MS))
            .collect();
        Self {
            servers,
            steers,
            integration,
            place,
            round: 0,
            rng,
            found: Found::default(),
        }
    }

    fn name(&self) -> String {
        format!("round-{}", self.round)
    }

    async fn tokens(&self, many: usize) -> Vec<Pass> {
        let mut passes = Vec::new();
        for _ in 0..many {
            let issued = world::issue(&self.steers, &self.integration).await;
            passes.push(Pass {
                id: issued.row.id,
                text: issued.token.expose().to_owned(),
            });
        }
        passes
    }

    fn send(&self, server: usize, passes: &[Pass]) -> Sent {
        let mut tasks = JoinSet::new();
        for pass in passes {
            let (pass, ask) = (pass.clone(), self.servers[server].ask(&pass.text));
            tasks.spawn(async move { (pass, ask.await) });
        }
        Sent(tasks)
    }

    fn count(&mut self, answers: &[(Pass, Option<u16>)]) {
        self.found.requests += answers.len();
        for (_, status) in answers {
            match status {
                Some(200) => self.found.accepted += 1,
                Some(503) => self.found.unavailable += 1,
                Some(401) => {}
                other => self
                    .found
                    .broken
                    .push(format!("a request was answered {other:?}")),
            }
        }
    }

    fn broken(&mut self, what: &str, id: &TokenId) {
        self.found
            .broken
            .push(format!("{}: {what}: {id}", self.name()));
    }

    /// Takes a step while a server is paused. Where that server was paused in the middle of a write
    /// to a SQLite file, the step is refused and says so: then it is woken, and the step taken again.
    async fn step_past(&mut self, paused: usize, verb: &str) {
        signal(self.servers[paused].id(), "STOP");
        if self.step(verb).await {
            return;
        }
        signal(self.servers[paused].id(), "CONT");
        if !self.step(verb).await {
            let name = self.name();
            let words = format!("{name}: {verb}: held by a process that goes on");
            self.found.broken.push(words);
        }
    }

    /// Takes a step, as the command or within this process; notes how long it took. False when one
    /// of the servers holds SQLite's one writer.
    async fn step(&mut self, verb: &str) -> bool {
        let (name, by) = (self.name(), operator());
        let began = Instant::now();
        let taken: Result<(), String> = if self.place.url.starts_with("sqlite") {
            let confirm = if verb == "start" {
                "--name"
            } else {
                "--confirm"
            };
            let arguments = ["rotation", verb, confirm, &name];
            let mut command = command(&self.place, LEASE_MS, &arguments);
            let output = tokio::task::spawn_blocking(move || command.output().unwrap());
            let output = output.await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                Ok(())
            } else {
                Err(said)
            }
        } else {
            let taken = match verb {
                "start" => {
                    self.steers
                        .start_rotation(&by, world::rotation(&name))
                        .await
                }
                "finalise" => self.steers.finalise(&by, &name).await,
                "reopen" => self.steers.reopen(&by, &name).await,
                _ => self.steers.close_rotation(&by, &name).await,
            };
            taken.map(drop).map_err(|error| format!("{error:?}"))
        };
        let took = began.elapsed();
        let held = matches!(&taken, Err(error) if self.is_held(error));
        let patience = if held { HELD_PATIENCE } else { PATIENCE };
        if took > patience {
            self.found
                .broken
                .push(format!("{name}: {verb} took {} ms", took.as_millis()));
        }
        if held {
            self.found.held += 1;
            return false;
        }
        self.found.steps += 1;
        self.found.longest_ms = self.found.longest_ms.max(took.as_millis());
        if let Err(error) = taken {
            self.found.broken.push(format!("{name}: {verb}: {error}"));
        }
        true
    }

    /// Whether a refusal names one of the servers as the one that writes to the SQLite file.
    fn is_held(&self, refusal: &str) -> bool {
        let writes = |server: &Serving| format!("process {} is writing to", server.id());
        self.servers
            .iter()
            .any(|server| refusal.contains(&writes(server)))
    }

    async fn passes(&self, pass: &Pass) -> bool {
        for _ in 0..100 {
            match self.steers.verify(&pass.text, &caller()).await {
                Answer::Accepted(_) => return true,
                Answer::Refused(_) => return false,
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
        false
    }

    /// Every server has them in memory.
    async fn warm(&mut self, passes: &[Pass]) {
        for _ in 0..2 {
            for server in 0..self.servers.len() {
                let answers = self.send(server, passes).answered().await;
                self.count(&answers);
            }
        }
    }

    /// One rotation, with one server paused across each step.
    async fn across_steps(&mut self) {
        self.round += 1;
        let passes = self.tokens(TOKENS).await;
        self.warm(&passes).await;
        let paused = self.rng.usize(..self.servers.len());
        let (used, rest) = passes.split_at(TOKENS / 2);
        let (revoked, unused) = rest.split_at(TOKENS / 4);

        self.step_past(paused, "start").await;
        let sent = self.send(paused, used);
        sleep(Duration::from_millis(60)).await;
        signal(self.servers[paused].id(), "CONT");
        let after_start = sent.answered().await;
        self.count(&after_start);

        self.warm(revoked).await;
        signal(self.servers[paused].id(), "STOP");
        for pass in revoked {
            if !self.revoke(pass).await {
                signal(self.servers[paused].id(), "CONT");
                self.revoke(pass).await;
            }
        }
        let sent = self.send(paused, revoked);
        sleep(Duration::from_millis(60)).await;
        signal(self.servers[paused].id(), "CONT");
        let answers = sent.answered().await;
        self.count(&answers);
        for (pass, status) in &answers {
            if *status == Some(200) {
                self.broken("2xx after its revoke was acknowledged", &pass.id);
            }
        }

        self.step_past(paused, "finalise").await;
        let sent = self.send(paused, unused);
        sleep(Duration::from_millis(60)).await;
        signal(self.servers[paused].id(), "CONT");
        let answers = sent.answered().await;
        self.count(&answers);
        for (pass, status) in &answers {
            if *status == Some(200) {
                self.broken("I2: 2xx for a dormant token after finalise", &pass.id);
            }
        }
        for (pass, status) in &after_start {
            if *status == Some(200) && !self.passes(pass).await {
                self.broken("I1: 2xx after start, yet not captured", &pass.id);
            }
        }
        self.step("close").await;
        for pass in passes {
            self.revoke(&pass).await;
        }
    }

    /// False when one of the servers holds SQLite's one writer.
    async fn revoke(&mut self, pass: &Pass) -> bool {
        let Err(error) = self.steers.revoke_token(&operator(), &pass.id).await else {
            return true;
        };
        if self.is_held(&error.to_string()) {
            self.found.held += 1;
            return false;
        }
        self.broken(&format!("revoke: {error:?}"), &pass.id);
        true
    }

    /// A server is paused while its transaction holds the lock that finalise needs.
    async fn inside_a_transaction(&mut self) {
        self.round += 1;
        let passes = self.tokens(4).await;
        self.step("start").await;
        let paused = self.rng.usize(..self.servers.len());
        let mut holder = PgConnection::connect(&self.place.url).await.unwrap();
        holder.execute("begin").await.unwrap();
        let rows = format!(
            "select 1 from tokens where integration_id = '{}' for update",
            self.integration
        );
        holder.execute(AssertSqlSafe(rows)).await.unwrap();
        let sent = self.send(paused, &passes);
        let mut owner = PgConnection::connect(&self.place.url).await.unwrap();
        let waits = "select count(*) from pg_stat_activity where datname = current_database() \
                     and wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waits)
            .fetch_one(&mut owner)
            .await
            .unwrap()
            == 0
        {
            sleep(Duration::from_millis(2)).await;
        }
        signal(self.servers[paused].id(), "STOP");
        holder.close().await.unwrap();
        sleep(Duration::from_millis(50)).await;
        self.step("finalise").await;
        signal(self.servers[paused].id(), "CONT");
        let answers = sent.answered().await;
        self.count(&answers);
        for (pass, status) in &answers {
            let passes = self.passes(pass).await;
            if (*status == Some(200)) != passes {
                self.broken(&format!("answered {status:?} and then {passes}"), &pass.id);
            }
        }
        self.step("close").await;
        for pass in passes {
            self.revoke(&pass).await;
        }
    }

    /// The database crashes and comes back while captures are written.
    async fn database_crashes(&mut self) {
        self.round += 1;
        let passes = self.tokens(TOKENS).await;
        self.step("start").await;
        let mut waves = Vec::new();
        for (number, some) in passes.chunks(4).enumerate() {
            waves.push(self.send(number % self.servers.len(), some));
            if number == 2 {
                let url = self.place.url.clone();
                let restarted = tokio::task::spawn_blocking(move || restart_postgres(&url));
                sleep(Duration::from_millis(self.rng.u64(..60))).await;
                waves.push(self.send(0, some));
                restarted.await.unwrap();
            }
            sleep(Duration::from_millis(self.rng.u64(..30))).await;
        }
        let mut accepted = Vec::new();
        for wave in waves {
            let answers = wave.answered().await;
            self.count(&answers);
            accepted.extend(
                answers
                    .into_iter()
                    .filter(|(_, status)| *status == Some(200)),
            );
        }
        let began = Instant::now();
        while self.servers.iter().any(|server| !server.is_ready()) {
            sleep(Duration::from_millis(20)).await;
            if began.elapsed() > PATIENCE {
                self.found
                    .broken
                    .push("a node does not come back after the database did".to_owned());
                break;
            }
        }
        self.step("finalise").await;
        for (pass, _) in accepted {
            if !self.passes(&pass).await {
                self.broken("2xx while the database crashed, yet not captured", &pass.id);
            }
        }
        self.step("close").await;
        for pass in passes {
            self.revoke(&pass).await;
        }
    }
}

fn tell(report: &mut Report, what: &str, found: &Found, steps: usize) {
    found
        .broken
        .iter()
        .take(5)
        .for_each(|words| println!("  {what}: {words}"));
    report.at_least(format!("{what}: steps"), &found.steps, &steps);
    report.tell(format!("{what}: requests"), &found.requests);
    report.tell(format!("{what}: accepted"), &found.accepted);
    report.tell(format!("{what}: 503"), &found.unavailable);
    report.tell(format!("{what}: longest step, in ms"), &found.longest_ms);
    report.tell(
        format!("{what}: steps refused, naming the paused writer"),
        &found.held,
    );
    report.exactly(format!("{what}: promises broken"), &found.broken.len(), &0);
}

pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    let rounds = plan.pick(1, 25);
    for kind in Kind::BOTH {
        let template = Template::new(kind, LEASE_MS);
        let runtime = world::runtime(2);
        let rng = plan.rng(&format!("paused {}", kind.name()));
        let servers = match kind {
            Kind::Sqlite => 1,
            Kind::Postgres => 3,
        };
        let found = runtime.block_on(async {
            let played = tokio::spawn(async move {
                let mut scene = Scene::new(&template, servers, rng).await;
                for _ in 0..rounds {
                    scene.across_steps().await;
                    if kind == Kind::Postgres {
                        scene.inside_a_transaction().await;
                        scene.database_crashes().await;
                    }
                }
                scene.found
            });
            played.await.unwrap()
        });
        runtime.shutdown_background();
        let each = if kind == Kind::Postgres { 9 } else { 3 };
        tell(&mut report, kind.name(), &found, rounds * each);
    }
    report
}
