//! The races that matter most, held still: a transaction of the harness holds one row or table at
//! the one moment, so that what should not overtake has all the time to. On PostgreSQL, two nodes.

use std::future::Future;
use std::time::{Duration, Instant};

use rollcall::model::{IntegrationId, hex};
use rollcall::rotation::registry::Issued;
use rollcall::rotation::{Answer, Engine};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::plan::{Plan, Report};
use crate::world::{self, Kind, Place, Template, caller, operator};

const LEASE_MS: i64 = 1_000;
/// Long enough for everything that need not wait to be over: every node has polled twice.
const HOLD: Duration = Duration::from_millis(700);
/// What no step may take longer than: the lock's patience and two leases.
const PATIENCE: Duration = Duration::from_secs(14);
/// The role of a node that can be cut off alone.
const ROLE: &str = "rollcall_held";

/// Two nodes on one database, and a way of the harness's own to it.
struct Scene {
    a: Engine,
    b: Engine,
    id_of_a: String,
    integration: IntegrationId,
    owner: PgConnection,
    place: Place,
}

/// What broke a promise, in words.
type Broken = String;

/// A case: what it is called, and what plays it.
struct Case {
    promise: &'static str,
    play: fn(Scene) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>,
}

macro_rules! cases {
    ($($promise:literal => $play:ident,)*) => {
        const CASES: &[Case] = &[$(Case { promise: $promise, play: |scene| Box::pin($play(scene)) },)*];
    };
}

cases! {
    "finalise waits for a capture in flight" => capture_at_finalise,
    "start waits for an issue in flight" => issue_at_start,
    "what takes the lock late signs with the new key" => issue_after_start,
    "a read from before a revoke is not remembered" => read_before_revoke,
    "a capture from before a disable is not remembered" => capture_before_disable,
    "versions commit in the order they count" => versions_in_order,
    "a node cut off answers nothing after its lease" => cut_off,
    "a node given up comes back before it answers" => given_up,
}

impl Scene {
    async fn new(template: &Template) -> Self {
        let place = tokio::task::block_in_place(|| template.copy());
        let mut owner = PgConnection::connect(&place.url).await.unwrap();
        let role = format!(
            "do $$ begin create role {ROLE} superuser login; \
             exception when duplicate_object then null; end $$"
        );
        owner.execute(AssertSqlSafe(role)).await.unwrap();
        let by_role = place
            .url
            .replace("postgres://postgres@", &format!("postgres://{ROLE}@"));
        let (a, b) = (
            world::engine(&place).await,
            world::engine_at(&place, &by_role).await,
        );
        a.serve().await.unwrap();
        let id = "select id from nodes";
        let id_of_a: String = sqlx::query_scalar(id).fetch_one(&mut owner).await.unwrap();
        b.serve().await.unwrap();
        let integration = world::integration(&a, "Held").await;
        Self {
            a,
            b,
            id_of_a,
            integration,
            owner,
            place,
        }
    }

    async fn issue(&self) -> Issued {
        world::issue(&self.a, &self.integration).await
    }

    /// Another transaction, which holds what the statement takes until it is dropped.
    async fn hold(&self, statement: String) -> PgConnection {
        let mut holder = PgConnection::connect(&self.place.url).await.unwrap();
        holder.execute("begin").await.unwrap();
        holder.execute(AssertSqlSafe(statement)).await.unwrap();
        holder
    }

    /// Waits until something waits for what the holder holds: a moment at any other lock, as every
    /// node has now and then, is not it.
    async fn until_held_up(&mut self, holder: &mut PgConnection) {
        let id: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(holder)
            .await
            .unwrap();
        let behind = format!("{id} = any(pg_blocking_pids(pid))");
        self.until(&behind, 1).await;
    }

    /// Waits until so many of Rollcall's connections wait for a lock.
    async fn until_waiting(&mut self, many: i64) {
        self.until("wait_event_type = 'Lock'", many).await;
    }

    async fn until(&mut self, waits: &str, many: i64) {
        let query = format!(
            "select count(*) from pg_stat_activity where datname = current_database() and {waits}"
        );
        for _ in 0..1_000 {
            let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(query.clone()))
                .fetch_one(&mut self.owner)
                .await
                .unwrap();
            if waiting >= many {
                return;
            }
            sleep(Duration::from_millis(2)).await;
        }
        let query = "select string_agg(concat_ws(' ', pid, state, wait_event_type, wait_event, left(query, 60)), '; ') \
                     from pg_stat_activity where datname = current_database()";
        let there: Option<String> = sqlx::query_scalar(query)
            .fetch_one(&mut self.owner)
            .await
            .unwrap();
        panic!(
            "{many} should wait for what is held: {}",
            there.unwrap_or_default()
        );
    }

    async fn start(&self) {
        self.a
            .start_rotation(&operator(), world::rotation("held"))
            .await
            .unwrap();
    }
}

async fn release(holder: PgConnection) {
    holder.close().await.unwrap();
}

async fn request(engine: &Engine, issued: &Issued) -> Answer {
    let (text, caller) = (issued.token.expose(), caller());
    let answer = timeout(PATIENCE, engine.verify(text, &caller)).await;
    answer.unwrap_or(Answer::Unavailable)
}

async fn passes(engine: &Engine, issued: &Issued) -> bool {
    matches!(request(engine, issued).await, Answer::Accepted(_))
}

/// A request that goes on beside.
fn requesting(engine: &Engine, issued: &Issued) -> JoinHandle<bool> {
    let (engine, text) = (engine.clone(), issued.token.clone());
    tokio::spawn(async move {
        let answer = timeout(PATIENCE, engine.verify(text.expose(), &caller())).await;
        matches!(answer, Ok(Answer::Accepted(_)))
    })
}

async fn ended<T>(step: JoinHandle<T>) -> Result<T, Broken> {
    let ended = timeout(PATIENCE, step).await;
    ended
        .map_err(|_| "a step hangs".to_owned())?
        .map_err(|error| error.to_string())
}

fn promise(kept: bool, broken: &str) -> Result<(), Broken> {
    if kept { Ok(()) } else { Err(broken.to_owned()) }
}

async fn capture_at_finalise(mut scene: Scene) -> Result<(), Broken> {
    let issued = scene.issue().await;
    scene.start().await;
    let row = format!(
        "select 1 from tokens where id = '{}' for update",
        issued.row.id
    );
    let mut holder = scene.hold(row).await;
    let capture = requesting(&scene.b, &issued);
    scene.until_held_up(&mut holder).await;
    let a = scene.a.clone();
    let step = tokio::spawn(async move { a.finalise(&operator(), "held").await.map(drop) });
    sleep(HOLD).await;
    let overtook = step.is_finished();
    release(holder).await;
    let accepted = ended(capture).await?;
    ended(step).await?.map_err(|error| error.to_string())?;
    promise(
        !overtook,
        "finalise was acknowledged while a capture was in flight: what it left dormant is captured after it",
    )?;
    let passes = passes(&scene.a, &issued).await;
    promise(
        passes == accepted,
        "a request in flight at finalise was answered one way and the next another",
    )
}

async fn issue_at_start(mut scene: Scene) -> Result<(), Broken> {
    let row = format!(
        "select 1 from integrations where id = '{}' for update",
        scene.integration
    );
    let mut holder = scene.hold(row).await;
    let (b, integration) = (scene.b.clone(), scene.integration.clone());
    let issue = tokio::spawn(async move { world::issue(&b, &integration).await });
    scene.until_held_up(&mut holder).await;
    let a = scene.a.clone();
    let step = tokio::spawn(async move {
        a.start_rotation(&operator(), world::rotation("held"))
            .await
            .map(drop)
    });
    sleep(HOLD).await;
    let overtook = step.is_finished();
    release(holder).await;
    ended(issue).await?;
    ended(step).await?.map_err(|error| error.to_string())?;
    promise(
        !overtook,
        "start was acknowledged while an issue was in flight: its token is of the old generation",
    )
}

/// Start is held in the middle of taking effect, while others ask for tokens: those get the lock
/// after it.
async fn issue_after_start(mut scene: Scene) -> Result<(), Broken> {
    let old = "select 1 from signing_keys where generation = 1 for update";
    let mut holder = scene.hold(old.to_owned()).await;
    let a = scene.a.clone();
    let step = tokio::spawn(async move {
        a.start_rotation(&operator(), world::rotation("held"))
            .await
            .map(drop)
    });
    scene.until_held_up(&mut holder).await;
    let mut issues = Vec::new();
    for _ in 0..8 {
        let (b, integration) = (scene.b.clone(), scene.integration.clone());
        issues.push(tokio::spawn(
            async move { world::issue(&b, &integration).await },
        ));
    }
    scene.until_waiting(9).await;
    release(holder).await;
    ended(step).await?.map_err(|error| error.to_string())?;
    let open = scene.a.open_rotation().await.unwrap().unwrap();
    for issue in issues {
        let row = ended(issue).await?.row;
        let late = row.born < open.target_generation && Some(row.issued_at) > open.effective_at;
        promise(
            !late,
            "a token that was issued after start took effect is signed with the old key",
        )?;
    }
    Ok(())
}

async fn read_before_revoke(mut scene: Scene) -> Result<(), Broken> {
    let issued = scene.issue().await;
    promise(passes(&scene.a, &issued).await, "a live token was refused")?;
    let mut holder = scene
        .hold("lock table signing_keys in access exclusive mode".to_owned())
        .await;
    let read = requesting(&scene.b, &issued);
    scene.until_held_up(&mut holder).await;
    let revoked = timeout(PATIENCE, scene.a.revoke_token(&operator(), &issued.row.id)).await;
    revoked
        .map_err(|_| "revoke hangs".to_owned())?
        .map_err(|error| error.to_string())?;
    release(holder).await;
    ended(read).await?;
    for engine in [&scene.b, &scene.a] {
        promise(
            !passes(engine, &issued).await,
            "a revoked token is accepted after the revoke was acknowledged: a node remembers a row from before it",
        )?;
    }
    Ok(())
}

async fn capture_before_disable(mut scene: Scene) -> Result<(), Broken> {
    let issued = scene.issue().await;
    scene.start().await;
    let row = format!(
        "select 1 from tokens where id = '{}' for update",
        issued.row.id
    );
    let mut holder = scene.hold(row).await;
    let capture = requesting(&scene.b, &issued);
    scene.until_held_up(&mut holder).await;
    let disabled = scene
        .a
        .set_account_disabled(&operator(), "Held", true)
        .await;
    disabled.map_err(|error| error.to_string())?;
    release(holder).await;
    ended(capture).await?;
    promise(
        !passes(&scene.b, &issued).await,
        "a token of a disabled account is accepted after the disable was acknowledged: a node remembers a row from before it",
    )
}

async fn versions_in_order(mut scene: Scene) -> Result<(), Broken> {
    let (one, two) = (scene.issue().await, scene.issue().await);
    for issued in [&one, &two, &one, &two] {
        promise(passes(&scene.b, issued).await, "a live token was refused")?;
    }
    // The first revoke is held after it has drawn its version: the row it writes next is there.
    let next = "select coalesce(max(version), 0) + 1 from changes";
    let next: i64 = sqlx::query_scalar(next)
        .fetch_one(&mut scene.owner)
        .await
        .unwrap();
    let digest = hex(one.row.digest.as_bytes());
    let rows: Vec<String> = (next - 1..next + 4)
        .map(|next| format!("({next}, 'token', '{digest}', 0)"))
        .collect();
    let insert = format!(
        "insert into changes (version, kind, subject, at) values {}",
        rows.join(", ")
    );
    let holder = scene.hold(insert).await;
    let mut steps = Vec::new();
    for issued in [&one, &two] {
        let (a, id) = (scene.a.clone(), issued.row.id.clone());
        steps.push(tokio::spawn(async move {
            a.revoke_token(&operator(), &id).await
        }));
        scene.until_waiting(1).await;
        sleep(Duration::from_millis(100)).await;
    }
    sleep(HOLD).await;
    release(holder).await;
    for step in steps {
        ended(step).await?.map_err(|error| error.to_string())?;
    }
    for issued in [&one, &two] {
        promise(
            !passes(&scene.b, issued).await,
            "a revoked token is accepted after the revoke was acknowledged: its version was passed over",
        )?;
    }
    Ok(())
}

/// Takes a node's way to the database, or gives it back.
async fn set_way(scene: &mut Scene, open: bool) {
    let login = if open { "login" } else { "nologin" };
    let alter = format!("alter role {ROLE} {login}");
    scene.owner.execute(AssertSqlSafe(alter)).await.unwrap();
    if !open {
        let cut = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{ROLE}'"
        );
        scene.owner.execute(AssertSqlSafe(cut)).await.unwrap();
    }
}

async fn cut_off(mut scene: Scene) -> Result<(), Broken> {
    let (issued, other) = (scene.issue().await, scene.issue().await);
    for issued in [&issued, &other, &issued, &other] {
        promise(passes(&scene.b, issued).await, "a live token was refused")?;
    }
    set_way(&mut scene, false).await;
    let began = Instant::now();
    let started = timeout(
        PATIENCE,
        scene.a.start_rotation(&operator(), world::rotation("held")),
    )
    .await;
    let after_start = passes(&scene.b, &issued).await;
    let took = began.elapsed();
    let revoked = timeout(PATIENCE, scene.a.revoke_token(&operator(), &other.row.id)).await;
    let after_revoke = passes(&scene.b, &other).await;
    set_way(&mut scene, true).await;
    started
        .map_err(|_| "start hangs on a node that was cut off".to_owned())?
        .map_err(|error| error.to_string())?;
    revoked
        .map_err(|_| "revoke hangs on a node that was cut off".to_owned())?
        .map_err(|error| error.to_string())?;
    promise(
        !after_start,
        "a node that was cut off accepted a token after start was acknowledged, and captured nothing",
    )?;
    promise(
        !after_revoke,
        "a node that was cut off accepted a token after its revoke was acknowledged",
    )?;
    promise(
        took > Duration::from_millis(LEASE_MS.unsigned_abs()),
        "start did not wait for the lease of a node that was cut off",
    )?;
    // It finds its way back by itself.
    for _ in 0..60 {
        if passes(&scene.b, &issued).await {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    Err("a node that was cut off does not come back".to_owned())
}

/// A node cannot say that it obeys until a step has given it up; then it can again. The next step
/// must wait for it all the same, or it must not answer from memory.
async fn given_up(scene: Scene) -> Result<(), Broken> {
    let mut issued = Vec::new();
    for _ in 0..12 {
        issued.push(scene.issue().await);
    }
    for one in issued.iter().chain(&issued) {
        promise(passes(&scene.b, one).await, "a live token was refused")?;
    }
    let first = issued.pop().expect("there are some");
    let row = format!(
        "select 1 from nodes where id <> '{}' for update",
        scene.id_of_a
    );
    let holder = scene.hold(row).await;
    let (a, id) = (scene.a.clone(), first.row.id.clone());
    let step = tokio::spawn(async move { a.revoke_token(&operator(), &id).await });
    sleep(Duration::from_millis(LEASE_MS.unsigned_abs() + 400)).await;
    release(holder).await;
    ended(step).await?.map_err(|error| error.to_string())?;
    for one in issued {
        // Wherever in its poll the node is: a revoke returns when it obeys.
        scene
            .a
            .revoke_token(&operator(), &one.row.id)
            .await
            .map_err(|error| error.to_string())?;
        promise(
            !passes(&scene.b, &one).await,
            "a revoked token is accepted after the revoke was acknowledged: the step did not wait for a node that it had given up before",
        )?;
    }
    Ok(())
}

pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    let template = Template::new(Kind::Postgres, LEASE_MS);
    let times = plan.pick(1, 20);
    for case in CASES {
        let mut broken = Vec::new();
        for _ in 0..times {
            let runtime = world::runtime(2);
            let played = runtime.block_on(async {
                let play = tokio::spawn({
                    let scene = Scene::new(&template).await;
                    (case.play)(scene)
                });
                play.await
            });
            runtime.shutdown_background();
            if let Err(words) = played.unwrap_or_else(|error| Err(error.to_string())) {
                broken.push(words);
            }
        }
        if let Some(words) = broken.first() {
            println!("  broken: {words}");
        }
        report.exactly(
            format!("{}: broken of {times}", case.promise),
            &broken.len(),
            &0,
        );
    }
    report
}
