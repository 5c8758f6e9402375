use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rollcall::auth;
use rollcall::model::{Clock, Expiry, Operator, Random, Retirement};
use rollcall::rotation::phases::Plan;
use rollcall::rotation::registry::Order;
use rollcall::rotation::{Engine, MasterKey, Settings};
use rollcall::store::Db;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::http::Http;

/// An installation in a folder of its own: what the harness does to it from outside.
pub struct Place {
    pub url: String,
    pub address: SocketAddr,
    folder: TempDir,
    master: MasterKey,
    runtime: Runtime,
    rotations: u32,
}

/// A token that a client has.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Its public id.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Its integration.
    pub integration: String,
}

/// A program that wraps `rollcall serve`, or what it is given besides.
#[derive(Default)]
pub struct Dress {
    /// What stands before it on the command line.
    pub wrapper: Vec<String>,
    /// Its environment besides.
    pub environment: Vec<(String, String)>,
}

impl Place {
    /// One on a SQLite file of its own.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rollcall.db").display());
        Self::with(folder, url)
    }

    /// One on a database that is there.
    pub fn on(url: String) -> Self {
        Self::with(tempfile::tempdir().unwrap(), url)
    }

    fn with(folder: TempDir, url: String) -> Self {
        // A port that was free a moment ago; the same one through every restart.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Self {
            url,
            address: listener.local_addr().unwrap(),
            folder,
            master: MasterKey::generate(&Random::system()),
            runtime: Runtime::new().unwrap(),
            rotations: 0,
        };
        place.within(async |_, _| ());
        place
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the servers said, for whoever looks why a harness failed.
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Works with the use cases as a command does: opens, works, closes. While the harness holds no
    /// connection, a killed server's database is recovered by the server that comes next.
    pub fn within<T>(&self, work: impl AsyncFnOnce(&Engine, &Operator) -> T) -> T {
        self.runtime.block_on(async {
            let db = Db::connect(self.url.as_str()).await.unwrap();
            db.migrate(2_000, &Random::system()).await.unwrap();
            let settings = Settings {
                public_url: format!("http://{}", self.address),
                audience: None,
            };
            let (clock, random) = (Clock::system(), Random::system());
            let engine = Engine::open(db, self.master.clone(), settings, clock, random)
                .await
                .unwrap();
            let operator = auth::operator("torture".to_owned());
            let value = work(&engine, &operator).await;
            engine.flush().await.unwrap();
            engine.db().close().await;
            value
        })
    }

    /// Runs something that waits, such as a look into the database.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Creates an account `label` with as many integrations as the tokens need, and issues those.
    pub fn issue(&self, label: &str, many: usize) -> Vec<Pass> {
        /// Below the most that an integration may have.
        const EACH: usize = 40;
        /// So that on a busy machine none waits inside a transaction for longer than it may.
        const AT_ONCE: usize = 8;
        self.within(async |engine, by| {
            let contact = "ops@customer.example".parse().unwrap();
            engine
                .create_account(by, label.parse().unwrap(), contact)
                .await
                .unwrap();
            let (mut tasks, mut passes) = (tokio::task::JoinSet::new(), Vec::new());
            for (number, first) in (0..many).step_by(EACH).enumerate() {
                if tasks.len() == AT_ONCE {
                    passes.extend(tasks.join_next().await.unwrap().unwrap());
                }
                let name = format!("Integration {number}").parse().unwrap();
                let made = engine.create_integration(by, label, name).await.unwrap();
                let (engine, by) = (engine.clone(), by.clone());
                tasks.spawn(async move {
                    let mut passes = Vec::new();
                    for _ in first..many.min(first + EACH) {
                        let order = Order {
                            integration: made.id.clone(),
                            expiry: Expiry::YEAR,
                            retirement: Retirement::Keep,
                            form_id: None,
                            instead_of: None,
                        };
                        let issued = engine.issue_token(&by, order).await.unwrap();
                        passes.push(Pass {
                            id: issued.row.id.to_string(),
                            text: issued.token.expose().to_owned(),
                            integration: made.id.to_string(),
                        });
                    }
                    passes
                });
            }
            passes.extend(tasks.join_all().await.concat());
            passes
        })
    }

    /// Creates integrations of an account that exists; gives their ids.
    pub fn integrations(&self, account: &str, many: usize) -> Vec<String> {
        self.within(async |engine, by| {
            let mut made = Vec::new();
            for number in 0..many {
                let name = format!("For new tokens {number}").parse().unwrap();
                let integration = engine.create_integration(by, account, name).await;
                made.push(integration.unwrap().id.to_string());
            }
            made
        })
    }

    /// Starts a rotation; gives its id.
    pub fn start_rotation(&mut self) -> String {
        self.rotations += 1;
        let plan = Plan {
            name: Some(self.rotation_name().parse().unwrap()),
            ..Plan::default()
        };
        self.within(async |engine, by| {
            engine.start_rotation(by, plan).await.unwrap();
            let open = engine.open_rotation().await.unwrap().unwrap();
            open.id.to_string()
        })
    }

    /// Ends the open rotation, in the way that keeps the tokens it captured: closed, or aborted.
    pub fn end_rotation(&self, closed: bool) {
        let name = self.rotation_name();
        self.within(async |engine, by| {
            if closed {
                engine.finalise(by, &name).await.unwrap();
                engine.close_rotation(by, &name).await.unwrap();
            } else {
                engine.abort(by, &name).await.unwrap();
            }
        });
    }

    /// Back to recording, where the rotation was finalised.
    pub fn reopen(&self) {
        let name = self.rotation_name();
        self.within(async |engine, by| {
            // Where it could not be finalised at all, the harness has said so.
            let _ = engine.reopen(by, &name).await;
        });
    }

    /// The name of the rotation that was started last.
    pub fn rotation_name(&self) -> String {
        format!("torture-{}", self.rotations)
    }

    /// The version mark beside a SQLite database.
    pub fn mark(&self) -> PathBuf {
        self.folder().join("rollcall.mark")
    }

    /// `rollcall serve` on the one address, as soon as it is ready to answer.
    pub fn serve(&self, dress: &Dress) -> Serving {
        let binary = env!("CARGO_BIN_EXE_rollcall").to_owned();
        let mut line = dress.wrapper.clone();
        line.extend([binary, "serve".to_owned()]);
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.unwrap();
        let mut command = Command::new(&line[0]);
        command
            .args(&line[1..])
            .current_dir(self.folder())
            .env_clear()
            .env("ROLLCALL_DATABASE_URL", &self.url)
            .env("ROLLCALL_ADDR", self.address.to_string())
            .env("ROLLCALL_MASTER_KEY", &*self.master.to_base64())
            .env("ROLLCALL_LOG", "warn")
            .envs(dress.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut serving = Serving(command.spawn().unwrap());
        for _ in 0..1_500 {
            let patience = Duration::from_secs(5);
            let ready = Http::new(self.address, patience).send("GET", "/readyz", &[], "");
            if ready.is_ok_and(|answer| answer.is_success()) {
                return serving;
            }
            if let Some(status) = serving.0.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", self.last_words());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server never was ready:\n{}", self.last_words());
    }

    /// The end of what the servers said.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(4_000)..]).into_owned()
    }
}

/// A server that runs, and is killed when nobody holds it any more.
pub struct Serving(Child);

impl Serving {
    /// SIGKILL: it hears nothing and writes nothing more. What wraps it ends of itself, and has then
    /// written what it saw.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let wrapped = format!("/proc/{0}/task/{0}/children", self.0.id());
        let wrapped = std::fs::read_to_string(wrapped).unwrap_or_default();
        let mut ends_by_itself = false;
        for child in wrapped.split_whitespace() {
            if let Some(child) = child.parse().ok().and_then(Pid::from_raw) {
                ends_by_itself |= kill_process(child, Signal::KILL).is_ok();
            }
        }
        if !ends_by_itself {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}
