use std::path::Path as FilePath;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::disk::{Behaviour, Disk, EIO, ENOSPC};
use crate::doors::{Claim, Doors, Outcome, Path, REPEATABLE, unfounded};
use crate::place::{Dress, Place};
use crate::plan::{Plan, Report};
use crate::postgres::{Cluster, Durability};
use crate::proxy::Proxy;

/// The lock that phase steps take alone (`src/store/db.rs`), held by somebody else.
const HOLD_ROTATION_LOCK: &str = "select pg_advisory_lock(x'00526f6c6c63616c'::bigint)";
const HOLD_TABLES: &str = "begin; lock table tokens, sessions, rotations in access exclusive mode";
/// How soon everything must work again.
const RECOVERY: Duration = Duration::from_secs(1);

/// Something that goes wrong, and how it is put right again.
struct Fault<'f> {
    name: &'static str,
    /// Nothing can be written meanwhile, so that something must have been refused.
    stops_writes: bool,
    begin: Box<dyn Fn() -> End<'f> + 'f>,
}

type End<'f> = Box<dyn FnOnce() + 'f>;

/// Every fault against every path that writes: 503 or a correct answer, and all well again in time.
pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    sqlite(plan, &mut report);
    postgres(plan, &mut report);
    report
}

fn sqlite(plan: &Plan, report: &mut Report) {
    let mut place = Place::sqlite();
    let prepared = Doors::prepare(&mut place, plan.pick(400, 3_000));
    let disk = Disk::below(&place);
    let serving = place.serve(&disk.dress());
    let doors = Doors::open(&place, prepared);
    let disk = &disk;
    let disk_with = |name, stops_writes, behaviour| Fault {
        name,
        stops_writes,
        begin: Box::new(move || {
            disk.behave(behaviour);
            Box::new(|| disk.behave(Behaviour::default()))
        }),
    };
    let sound = Behaviour::default();
    let url = place.url.clone();
    let faults = [
        disk_with(
            "sync error",
            true,
            Behaviour {
                sync_errno: EIO,
                ..sound
            },
        ),
        disk_with(
            "disk full",
            true,
            Behaviour {
                write_errno: ENOSPC,
                ..sound
            },
        ),
        disk_with(
            "disk gone",
            true,
            Behaviour {
                all_errno: EIO,
                ..sound
            },
        ),
        disk_with(
            "disk slow, 100 ms a write",
            false,
            Behaviour {
                delay_us: 100_000,
                ..sound
            },
        ),
        Fault {
            name: "database locked",
            stops_writes: false,
            begin: Box::new(|| {
                let path = url.strip_prefix("sqlite://").unwrap();
                let options = SqliteConnectOptions::new().filename(path);
                let mut holder = place.wait(options.connect()).unwrap();
                place
                    .wait(sqlx::query("begin immediate").execute(&mut holder))
                    .unwrap();
                let place = &place;
                Box::new(move || {
                    place.wait(holder.close()).unwrap();
                })
            }),
        },
    ];
    for fault in &faults {
        suffer(plan, "SQLite", &place, &doors, fault, report);
    }
    drop(faults);
    serving.kill();
}

fn postgres(plan: &Plan, report: &mut Report) {
    let cluster = Cluster::start(Durability::Real);
    let proxy = Proxy::to(cluster.folder());
    let direct = cluster.new_database();
    let road = direct.replace(folder(cluster.folder()), folder(proxy.folder()));
    let mut place = Place::on(direct);
    let prepared = Doors::prepare(&mut place, plan.pick(400, 3_000));
    let serving = place.serve(&Dress {
        environment: vec![("ROLLCALL_DATABASE_URL".to_owned(), road)],
        ..Dress::default()
    });
    let doors = Doors::open(&place, prepared);
    let (cluster, proxy, place) = (&cluster, &proxy, &place);
    let hold = |query: &'static str| {
        move || {
            let options: PgConnectOptions = place.url.parse().unwrap();
            let mut holder = place.wait(options.connect()).unwrap();
            place
                .wait(sqlx::raw_sql(query).execute(&mut holder))
                .unwrap();
            let end: End<'_> = Box::new(move || place.wait(holder.close()).unwrap());
            end
        }
    };
    let faults = [
        Fault {
            name: "rotation lock held",
            stops_writes: false,
            begin: Box::new(hold(HOLD_ROTATION_LOCK)),
        },
        Fault {
            name: "tables locked",
            stops_writes: false,
            begin: Box::new(hold(HOLD_TABLES)),
        },
        Fault {
            name: "PostgreSQL gone",
            stops_writes: true,
            begin: Box::new(|| {
                cluster.stop();
                Box::new(|| cluster.start_again())
            }),
        },
        Fault {
            name: "connections cut",
            stops_writes: true,
            begin: Box::new(|| {
                let cutting = cluster.keep_cutting();
                Box::new(|| cutting.end())
            }),
        },
        Fault {
            name: "database slow, 100 ms each way",
            stops_writes: false,
            begin: Box::new(|| {
                proxy.delay(Duration::from_millis(100));
                Box::new(|| proxy.delay(Duration::ZERO))
            }),
        },
        Fault {
            name: "database silent",
            stops_writes: false,
            begin: Box::new(|| {
                proxy.hold(true);
                Box::new(|| proxy.hold(false))
            }),
        },
    ];
    for fault in &faults {
        suffer(plan, "PostgreSQL", place, &doors, fault, report);
    }
    drop(faults);
    serving.kill();
}

fn folder(path: &FilePath) -> &str {
    path.to_str().unwrap()
}

/// What came of one fault.
#[derive(Default)]
struct Found {
    claims: Vec<Claim>,
    refused: usize,
    wrong: Vec<String>,
    /// The path that took longest to work again, and by how much longer than it takes anyway.
    recovery: Option<(Duration, Path)>,
    /// The longest that anybody waited for an answer.
    longest: Duration,
}

/// Lets every path run into a fault, ends it, and waits until every path works again; then the same
/// for the one path that can be gone only once.
fn suffer(
    plan: &Plan,
    engine: &str,
    place: &Place,
    doors: &Doors,
    fault: &Fault<'_>,
    report: &mut Report,
) {
    let found = Mutex::new(Found::default());
    for paths in [&REPEATABLE[..], &[Path::Finalise]] {
        let usual: Vec<Duration> = paths
            .iter()
            .map(|path| usual(place, doors, *path, &found))
            .collect();
        meet(plan, doors, fault, paths, &usual, &found);
    }
    let found = found.into_inner().unwrap();
    let unfounded = place.wait(unfounded(&place.url, &doors.rotation, &found.claims));
    place.reopen();
    if !found.wrong.is_empty() {
        eprintln!("{}", place.last_words());
    }
    let name = format!("{engine}, {}", fault.name);
    report.tell(
        format!("{name}: done / refused with 503"),
        &format!("{} / {}", found.claims.len(), found.refused),
    );
    report.tell(
        format!("{name}: longest answer, ms"),
        &found.longest.as_millis(),
    );
    if fault.stops_writes {
        report.at_least(format!("{name}: refused"), &found.refused, &1);
    }
    let wrong = match found.wrong.first() {
        None => "none".to_owned(),
        Some(first) => format!("{}, first: {first}", found.wrong.len()),
    };
    report.exactly(format!("{name}: wrong answers"), &wrong.as_str(), &"none");
    report.exactly(format!("{name}: claimed, not written"), &unfounded, &0);
    let (recovery, slowest) = found.recovery.unwrap();
    report.at_most(
        format!("{name}: works again after, ms ({slowest:?})"),
        &recovery.as_millis(),
        &RECOVERY.as_millis(),
    );
}

/// What a path takes while all is well, on this machine as busy as it is.
fn usual(place: &Place, doors: &Doors, path: Path, found: &Mutex<Found>) -> Duration {
    let longest = (0..2).map(|_| {
        let began = Instant::now();
        while !attempt(doors, path, found) {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{path:?} does not work at all"
            );
        }
        let took = began.elapsed();
        if path == Path::Finalise {
            place.reopen();
        }
        took
    });
    longest.max().unwrap_or_default()
}

fn meet(
    plan: &Plan,
    doors: &Doors,
    fault: &Fault<'_>,
    paths: &[Path],
    usual: &[Duration],
    found: &Mutex<Found>,
) {
    let is_over = AtomicBool::new(false);
    let end = (fault.begin)();
    std::thread::scope(|scope| {
        for &path in paths {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let done = attempt(doors, path, found);
                    if done && path == Path::Finalise {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
        // Longer than anything waits for a lock.
        std::thread::sleep(plan.pick(Duration::from_millis(250), Duration::from_secs(7)));
        is_over.store(true, Ordering::Relaxed);
        end();
        let ended = Instant::now();
        for (&path, &usual) in paths.iter().zip(usual) {
            scope.spawn(move || {
                while !attempt(doors, path, found) && ended.elapsed() < Duration::from_secs(30) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let took = ended.elapsed().saturating_sub(usual);
                let mut found = found.lock().unwrap();
                if found.recovery.is_none_or(|(longest, _)| longest < took) {
                    found.recovery = Some((took, path));
                }
            });
        }
    });
}

/// Goes one way once and notes what came of it. True when it was done.
fn attempt(doors: &Doors, path: Path, found: &Mutex<Found>) -> bool {
    let began = Instant::now();
    let outcome = doors.go(path);
    let took = began.elapsed();
    let mut found = found.lock().unwrap();
    found.longest = found.longest.max(took);
    match outcome {
        Outcome::Done(claim) => {
            found.claims.push(claim);
            return true;
        }
        Outcome::Unavailable => found.refused += 1,
        Outcome::Wrong(what) => found.wrong.push(what),
    }
    false
}
