use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crate::http::Http;
use crate::place::{Dress, Pass, Place};
use crate::plan::{Plan, Report};
use crate::postgres::{Cluster, Durability};
use crate::trace::{self, Call};

/// The system calls with which an answer leaves.
const ANSWERS: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];
/// How long a frame's header is in SQLite's write-ahead log, and where it says how large the
/// database is after a commit; zero in a frame that does not end one.
/// <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>
const FRAME_HEADER: usize = 24;
const COMMIT_SIZE: std::ops::Range<usize> = 4..8;

/// By strace: no first capture is answered before the log that holds it was synced.
pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    if let Err(why) = trace::usable() {
        report.tell("NOT SHOWN, system calls cannot be traced here", &why);
        return report;
    }
    let many = plan.pick(40, 1_200);
    let least = plan.pick(40, 1_000);
    for (engine, (traced, synced)) in [
        ("SQLite", sqlite(plan, many)),
        ("PostgreSQL", postgres(many)),
    ] {
        report.at_least(format!("{engine}: first captures traced"), &traced, &least);
        report.exactly(
            format!("{engine}: of them synced before the answer"),
            &synced,
            &traced,
        );
    }
    report
}

/// The page that holds a capture goes into the write-ahead log, then a frame that commits, then a
/// sync of the log that succeeds, and only then does the answer to that token begin.
fn sqlite(plan: &Plan, many: usize) -> (usize, usize) {
    let mut place = Place::sqlite();
    let passes = place.issue("Customers", many);
    let rotation = place.start_rotation();
    let file = place.folder().join("trace");
    let calls = "pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg";
    let dress = Dress {
        wrapper: trace::command(calls, &file),
        ..Dress::default()
    };
    let serving = place.serve(&dress);
    // Several at once, so that batches hold more than one; each token is looked for by itself.
    let shares = passes.chunks(passes.len().div_ceil(plan.pick(2, 3)));
    std::thread::scope(|scope| {
        for share in shares {
            let address = place.address;
            scope.spawn(move || ask(address, share));
        }
    });
    serving.kill();
    sqlite_trace(&file, &rotation)
}

/// What of a trace matters, in order.
enum Step {
    /// A frame's header: whether it commits.
    Header { commits: bool },
    /// A page, with the tokens whose capture it holds.
    Page { tokens: Vec<String>, ended: usize },
    /// A sync that succeeded.
    Sync { began: usize, ended: usize },
}

fn sqlite_trace(file: &Path, rotation: &str) -> (usize, usize) {
    let mut steps = Vec::new();
    let mut answers: HashMap<String, usize> = HashMap::new();
    trace::read(file, |call| {
        let on_log = call
            .arguments
            .split(',')
            .next()
            .unwrap_or("")
            .ends_with("-wal>");
        match call.name.as_str() {
            "pwrite64" if on_log && call.result > 0 => {
                let data = trace::bytes(&call.arguments);
                steps.push(if data.len() == FRAME_HEADER {
                    let commits = data[COMMIT_SIZE] != [0; 4];
                    Step::Header { commits }
                } else {
                    let tokens = captured(&call.arguments, rotation);
                    Step::Page {
                        tokens,
                        ended: call.ended,
                    }
                });
            }
            "fdatasync" | "fsync"
                if (on_log || call.arguments.ends_with("-wal>")) && call.result == 0 =>
            {
                let (began, ended) = (call.began, call.ended);
                steps.push(Step::Sync { began, ended });
            }
            name if ANSWERS.contains(&name) => {
                if let Some(token) = recorded(&call) {
                    answers.entry(token).or_insert(call.began);
                }
            }
            _ => {}
        }
    });
    let synced = synced(&steps);
    let before = answers
        .iter()
        .filter(|(token, began)| synced.get(*token).is_some_and(|ended| ended < began));
    (answers.len(), before.count())
}

/// By token: the line at which the sync of its capture's commit had succeeded.
fn synced(steps: &[Step]) -> HashMap<String, usize> {
    let mut synced = HashMap::new();
    // Captures whose commit is not in the log yet, and those whose commit is but is not synced.
    let (mut open, mut committed): (Vec<&String>, Vec<(&String, usize)>) = (Vec::new(), Vec::new());
    let mut commits = false;
    for step in steps {
        match step {
            Step::Header { commits: now } => commits = *now,
            Step::Page { tokens, ended } => {
                open.extend(tokens);
                if std::mem::take(&mut commits) {
                    committed.extend(open.drain(..).map(|token| (token, *ended)));
                }
            }
            Step::Sync { began, ended } => committed.retain(|(token, written)| {
                if written < began {
                    synced.entry((*token).clone()).or_insert(*ended);
                }
                written >= began
            }),
        }
    }
    synced
}

/// The tokens whose captures a page holds: only there does a token's id follow a rotation's at once.
fn captured(page: &str, rotation: &str) -> Vec<String> {
    page.split(rotation)
        .skip(1)
        .filter(|rest| rest.starts_with("tok_"))
        .map(id)
        .collect()
}

fn id(text: &str) -> String {
    let rest = text.strip_prefix("tok_").unwrap_or_default();
    let id: String = rest
        .chars()
        .take(26)
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("tok_{id}")
}

/// The token to which this call answers that it is captured.
fn recorded(call: &Call) -> Option<String> {
    if !call.arguments.contains("rollcall-capture: recorded") {
        return None;
    }
    let (_, rest) = call.arguments.split_once("rollcall-token: ")?;
    Some(id(rest))
}

/// One process of PostgreSQL takes the capture, then the commit; writes the log, syncs it, and only
/// then says that it is committed; and only after that does Rollcall answer. Two traces, compared by
/// the one clock that both were stamped with.
fn postgres(many: usize) -> (usize, usize) {
    let cluster = Cluster::start(Durability::Real);
    let mut place = Place::on(cluster.new_database());
    let passes = place.issue("Customers", many);
    let rotation = place.start_rotation();
    let database = cluster.folder().join("trace");
    let calls = "recvfrom,pwrite64,pwritev,fdatasync,fsync,sendto";
    let traced = cluster.restart_under(&trace::command(calls, &database));
    let file = place.folder().join("trace");
    let dress = Dress {
        wrapper: trace::command("write,writev,sendto,sendmsg", &file),
        ..Dress::default()
    };
    let serving = place.serve(&dress);
    // One at a time: what happens in between belongs to it.
    ask(place.address, &passes);
    serving.kill();
    cluster.stop();
    traced.ended();
    let mut answers: HashMap<String, f64> = HashMap::new();
    trace::read(&file, |call| {
        if let Some(token) = recorded(&call) {
            answers.entry(token).or_insert(call.at);
        }
    });
    let committed = postgres_trace(&database, &rotation);
    let before = answers
        .iter()
        .filter(|(token, began)| committed.get(*token).is_some_and(|told| told < began));
    (answers.len(), before.count())
}

/// What one process of PostgreSQL is at.
#[derive(Default)]
struct Backend {
    /// The tokens whose captures it was sent in this transaction.
    tokens: Vec<String>,
    /// The line at which it was told to commit.
    commit: Option<usize>,
    /// The line at which it had written the log since then.
    written: Option<usize>,
    synced: bool,
}

/// By token: when PostgreSQL said that its capture is committed, having synced the log before.
fn postgres_trace(file: &Path, rotation: &str) -> HashMap<String, f64> {
    let mut backends: HashMap<u32, Backend> = HashMap::new();
    let mut told = HashMap::new();
    trace::read(file, |call| {
        let backend = backends.entry(call.thread).or_default();
        let on_log = call
            .arguments
            .split('>')
            .next()
            .unwrap_or("")
            .contains("/pg_wal/");
        match call.name.as_str() {
            "recvfrom" if call.result > 0 => {
                if call.arguments.contains("insert into captures")
                    || call.arguments.contains(rotation)
                {
                    let ids = call.arguments.split("tok_").skip(1);
                    backend
                        .tokens
                        .extend(ids.map(|rest| id(&format!("tok_{rest}"))));
                }
                if call.arguments.contains("COMMIT") {
                    backend.commit = Some(call.ended);
                    (backend.written, backend.synced) = (None, false);
                }
            }
            "pwrite64" | "pwritev"
                if on_log && backend.commit.is_some_and(|at| at < call.began) =>
            {
                backend.written = Some(call.ended);
            }
            "fdatasync" | "fsync" if on_log && call.result == 0 => {
                backend.synced = backend.written.is_some_and(|at| at < call.began);
            }
            "sendto" if backend.commit.is_some() && call.arguments.contains("COMMIT") => {
                let done = std::mem::take(backend);
                if done.synced {
                    for token in done.tokens {
                        // Counts that are written later name it again.
                        told.entry(token).or_insert(call.at);
                    }
                }
            }
            _ => {}
        }
    });
    told
}

/// Asks with each token once; whatever the answer, the trace tells.
fn ask(address: std::net::SocketAddr, passes: &[Pass]) {
    let mut http = Http::new(address, Duration::from_mins(1));
    for pass in passes {
        let answer = http.verify(&pass.text).unwrap();
        assert_eq!(answer.header("rollcall-capture"), "recorded", "{answer:?}");
    }
}
