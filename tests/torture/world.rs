//! An installation on a database of its own, and processes on it that live inside this one: each
//! has a runtime of its own, so that dropping it ends everything it was doing.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};

use rollcall::auth;
use rollcall::model::{Clock, IntegrationId, Operator, Random, Retirement};
use rollcall::rotation::phases::Plan as Rotation;
use rollcall::rotation::registry::{Issued, Order};
use rollcall::rotation::{Caller, Engine, MasterKey, Settings};
use rollcall::store::Db;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::cluster;

/// Which engine the database is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A database with the schema and a first key in it, of which copies are cheap.
pub struct Template {
    url: String,
    master: MasterKey,
    copies: AtomicU32,
    folder: TempDir,
    kind: Kind,
}

/// A database of one's own.
pub struct Place {
    pub url: String,
    pub master: MasterKey,
    /// The file to remove, or the database to drop, when it is gone.
    leaves: Leaves,
}

enum Leaves {
    File(PathBuf),
    Database { owner: String, name: String },
}

/// Where files cost no wait for the disk: what is tried here is not durability.
pub fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = tempfile::Builder::new()
        .prefix("rollcall-")
        .tempdir_in(memory);
    made.unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

impl Template {
    pub fn new(kind: Kind, lease_ms: i64) -> Self {
        let folder = folder();
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("template.db").display()),
            Kind::Postgres => cluster::new_database(),
        };
        let master = MasterKey::generate(&Random::system());
        let runtime = runtime(1);
        runtime.block_on(async {
            let db = Db::connect(url.as_str()).await.unwrap();
            db.migrate(lease_ms, &Random::system()).await.unwrap();
            let engine = open(db, &master).await;
            engine.stop().await.unwrap();
        });
        Self {
            url,
            master,
            copies: AtomicU32::new(0),
            folder,
            kind,
        }
    }

    /// A copy of its own.
    pub fn copy(&self) -> Place {
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let (url, leaves) = match self.kind {
            Kind::Sqlite => {
                let from = self.folder.path().join("template.db");
                let to = self.folder.path().join(format!("copy-{number}.db"));
                std::fs::copy(from, &to).unwrap();
                (format!("sqlite://{}", to.display()), Leaves::File(to))
            }
            Kind::Postgres => {
                let template = database_of(&self.url);
                let name = format!("{template}_copy_{number}");
                let owner = self.url.replace(&template, "postgres");
                as_owner(
                    &owner,
                    format!("create database {name} template {template}"),
                );
                let url = self.url.replace(&template, &name);
                (url, Leaves::Database { owner, name })
            }
        };
        Place {
            url,
            master: self.master.clone(),
            leaves,
        }
    }
}

/// The name of the database in a URL.
fn database_of(url: &str) -> String {
    let (_, rest) = url.split_once("localhost/").unwrap();
    rest.split('?').next().unwrap().to_owned()
}

/// Runs a statement as the owner of the cluster; in a thread of its own, for those who are inside a
/// runtime already.
fn as_owner(url: &str, statement: String) {
    let run = || {
        runtime(1).block_on(async {
            let options = PgConnectOptions::from_str(url).unwrap();
            let mut connection = PgConnection::connect_with(&options).await.unwrap();
            let done = connection.execute(AssertSqlSafe(statement)).await;
            done.unwrap();
            connection.close().await.unwrap();
        });
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

impl Drop for Place {
    fn drop(&mut self) {
        match &self.leaves {
            Leaves::File(file) => {
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = file.as_os_str().to_owned();
                    name.push(suffix);
                    let _ = std::fs::remove_file(name);
                }
            }
            Leaves::Database { owner, name } => {
                as_owner(
                    owner,
                    format!("drop database if exists {name} with (force)"),
                );
            }
        }
    }
}

/// A process on a database, inside this one.
pub struct Node {
    pub engine: Engine,
    runtime: Option<Runtime>,
}

impl Node {
    /// One that answers requests, so that every step waits for it.
    pub fn serving(place: &Place, shifted: i64) -> Self {
        let node = Self::command(place, shifted);
        node.run(async |engine| engine.serve().await.unwrap());
        node
    }

    /// One that does single things, as the command does.
    pub fn command(place: &Place, shifted: i64) -> Self {
        let runtime = runtime(1);
        let engine = runtime.block_on(async {
            let db = Db::connect(place.url.as_str()).await.unwrap();
            db.shift_clock(shifted);
            open(db, &place.master).await
        });
        Self {
            engine,
            runtime: Some(runtime),
        }
    }

    /// Does something in this process.
    pub fn run<T>(&self, work: impl AsyncFnOnce(&Engine) -> T) -> T {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(work(&self.engine))
    }

    /// Its tasks, for those who start some beside.
    pub fn handle(&self) -> &tokio::runtime::Handle {
        self.runtime.as_ref().unwrap().handle()
    }
}

impl Drop for Node {
    /// Ends it as a killed process ends: whatever it was at, and whatever waited in memory.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A process on a database, in the runtime of whoever asks.
pub async fn engine(place: &Place) -> Engine {
    engine_at(place, &place.url).await
}

/// The same, by a way of its own to the database.
pub async fn engine_at(place: &Place, url: &str) -> Engine {
    open(Db::connect(url).await.unwrap(), &place.master).await
}

async fn open(db: Db, master: &MasterKey) -> Engine {
    let settings = Settings {
        public_url: "http://127.0.0.1:3000".to_owned(),
        audience: None,
    };
    let (clock, random) = (Clock::system(), Random::system());
    Engine::open(db, master.clone(), settings, clock, random)
        .await
        .unwrap()
}

/// A runtime of one's own.
pub fn runtime(threads: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap()
}

/// Whoever steers.
pub fn operator() -> Operator {
    auth::operator("torture".to_owned())
}

/// Whoever calls.
pub fn caller() -> Caller {
    Caller {
        source: Some("203.0.113.7".to_owned()),
        agent: Some("torture".to_owned()),
    }
}

/// A rotation of that name.
pub fn rotation(name: &str) -> Rotation {
    Rotation {
        name: Some(name.parse().unwrap()),
        ..Rotation::default()
    }
}

/// Creates an account with one integration.
pub async fn integration(engine: &Engine, account: &str) -> IntegrationId {
    let contact = "ops@customer.example".parse().unwrap();
    let name = account.parse().unwrap();
    engine
        .create_account(&operator(), name, contact)
        .await
        .unwrap();
    another_integration(engine, account, "Order sync").await
}

/// Creates one more integration of an account.
pub async fn another_integration(engine: &Engine, account: &str, name: &str) -> IntegrationId {
    let name = name.parse().unwrap();
    let made = engine.create_integration(&operator(), account, name).await;
    made.unwrap().id
}

/// Issues a token that lives for ever and replaces nothing.
pub async fn issue(engine: &Engine, integration: &IntegrationId) -> Issued {
    let order = Order {
        integration: integration.clone(),
        expiry: rollcall::model::Expiry::Never,
        retirement: Retirement::Keep,
        form_id: None,
        instead_of: None,
    };
    engine.issue_token(&operator(), order).await.unwrap()
}
