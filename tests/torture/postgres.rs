//! A PostgreSQL cluster of one's own, to be stopped, crashed and cut off.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::{Builder, Runtime};

use crate::cluster;

/// What a cluster does for a commit by default.
#[derive(Clone, Copy, Debug)]
pub enum Durability {
    /// As shipped: a commit is answered when it is synced.
    Real,
    /// Nothing by default: a commit is answered before it is even written, so that what survives a
    /// crash of the server survives because its transaction asked for that. No syncs: the machine
    /// goes on.
    Careless,
}

/// Where Rollcall's connections are listed. A harness that cuts or kills them counts how many it
/// met: a name that has changed would make it a harness that does nothing.
pub const ROLLCALLS: &str = "pg_stat_activity where application_name like 'rollcall, process %'";

/// Cuts those of Rollcall's connections for which `also` holds; gives how many.
pub async fn cut(connection: &mut PgConnection, also: &str) -> usize {
    let query = format!(
        "select count(*) filter (where pg_terminate_backend(pid)) from {ROLLCALLS} and {also}"
    );
    let cut: i64 = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(connection)
        .await
        .unwrap();
    usize::try_from(cut).unwrap()
}

pub struct Cluster {
    folder: PathBuf,
    runtime: Runtime,
}

impl Cluster {
    pub fn start(durability: Durability) -> Self {
        let settings: &[&str] = match durability {
            Durability::Real => &["fsync = on", "synchronous_commit = on"],
            Durability::Careless => &[
                "fsync = off",
                "synchronous_commit = off",
                // What is not asked for stays in memory as long as it may.
                "wal_writer_delay = 10s",
                "wal_writer_flush_after = 0",
            ],
        };
        Self {
            folder: cluster::start(settings),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    pub fn new_database(&self) -> String {
        cluster::database_in(&self.folder)
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Ends it as a failing machine does: no checkpoint, what was in memory is lost.
    pub fn stop(&self) {
        cluster::run(
            cluster::command("pg_ctl")
                .args(["stop", "--wait", "--mode", "immediate", "--pgdata"])
                .arg(self.data()),
        );
    }

    pub fn start_again(&self) {
        cluster::run(
            cluster::command("pg_ctl")
                .args(["start", "--wait", "--pgdata"])
                .arg(self.data())
                .arg("--log")
                .arg(self.folder.join("log")),
        );
    }

    /// Ends it, and starts it under a program that stands before it on the command line.
    pub fn restart_under(&self, wrapper: &[String]) -> Wrapped {
        self.stop();
        let child = cluster::as_owner(&wrapper[0])
            .args(&wrapper[1..])
            .arg(cluster::binary("postgres"))
            .arg("-D")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.wait_until_it_answers();
        Wrapped(child.unwrap())
    }

    /// Kills a process that works for Rollcall; PostgreSQL then throws away its memory and recovers
    /// from its log. False when there was none to kill. Returns when it answers again.
    pub fn crash(&self) -> bool {
        let query = format!(
            "select pid from {ROLLCALLS} order by (state = 'active') desc, random() limit 1"
        );
        let victim: Vec<(i32,)> = self.ask(query);
        let Some(victim) = victim.first().and_then(|(pid,)| Pid::from_raw(*pid)) else {
            return false;
        };
        let killed = kill_process(victim, Signal::KILL).is_ok();
        self.wait_until_it_answers();
        killed
    }

    /// Cuts every connection of Rollcall, whatever it is at, again and again until told to stop.
    pub fn keep_cutting(&self) -> Cutting {
        let (owner, stop) = (self.owner(), Arc::new(AtomicBool::new(false)));
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&owner).await.unwrap();
                while !told.load(Ordering::Relaxed) {
                    cut(&mut connection, "true").await;
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                let _ = connection.close().await;
            });
        });
        Cutting { stop, thread }
    }

    /// What `pg_amcheck` finds in every table and index of a database: `ok`, or its words.
    pub fn check(&self, url: &str) -> String {
        let database = url
            .split_once("localhost/")
            .and_then(|(_, rest)| rest.split('?').next())
            .unwrap();
        let output = cluster::command("pg_amcheck")
            .args(["--install-missing", "--heapallindexed", "--username"])
            .args(["postgres", "--host"])
            .arg(&self.folder)
            .arg(database)
            .output();
        match output {
            Ok(output) if output.status.success() => "ok".to_owned(),
            Ok(output) => String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
                .lines()
                .take(3)
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => error.to_string(),
        }
    }

    /// Runs a query as the cluster's owner.
    fn ask<R>(&self, query: String) -> Vec<R>
    where
        R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.owner()).await.unwrap();
            let rows = sqlx::query_as(AssertSqlSafe(query))
                .fetch_all(&mut connection)
                .await;
            let _ = connection.close().await;
            rows.unwrap()
        })
    }

    fn owner(&self) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            self.folder.display()
        )
    }

    fn wait_until_it_answers(&self) {
        // It notices within this.
        std::thread::sleep(Duration::from_millis(100));
        self.runtime.block_on(async {
            for _ in 0..3_000 {
                if let Ok(connection) = PgConnection::connect(&self.owner()).await {
                    let _ = connection.close().await;
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("PostgreSQL does not come back");
        });
    }
}

/// The program around a cluster.
pub struct Wrapped(Child);

impl Wrapped {
    /// Waits until it has ended after the cluster, and has written what it saw.
    pub fn ended(mut self) {
        let _ = self.0.wait();
    }
}

/// Somebody who cuts connections.
pub struct Cutting {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Cutting {
    /// Returns when no more connections are cut.
    pub fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}
