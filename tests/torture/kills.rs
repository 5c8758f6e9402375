use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::books::{Books, Told, integrity};
use crate::http::Http;
use crate::place::{Dress, Pass, Place};
use crate::plan::{Plan, Report};
use crate::postgres::{Cluster, Durability};

/// Clients that load the server at the same time.
const CLIENTS: usize = 24;

/// How much one engine is put through.
struct Size {
    tokens: usize,
    fresh: usize,
    kills: usize,
    captures: u64,
    /// How many blows fall in one rotation; then its clients are left in peace.
    blows: usize,
}

/// SIGKILL at random moments under load, again and again; every 2xx a client noted must be found in
/// the database, after each restart and at the end. On PostgreSQL the database crashes too.
pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    let size = Size {
        tokens: plan.pick(240, 4_000),
        fresh: plan.pick(10, 40),
        kills: plan.pick(4, 110),
        captures: plan.pick(400, 100_000),
        blows: plan.pick(2, 6),
    };
    one(plan, &size, Place::sqlite(), None, &mut report);
    // What a session or a whole cluster leaves off by default must not reach a capture.
    let cluster = Cluster::start(Durability::Careless);
    let place = Place::on(cluster.new_database());
    one(plan, &size, place, Some(&cluster), &mut report);
    report
}

fn one(plan: &Plan, size: &Size, mut place: Place, cluster: Option<&Cluster>, report: &mut Report) {
    let engine = if cluster.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    let mut random = plan.rng(engine);
    let mut passes = place.issue("Customers", size.tokens);
    let mut serving = Some(place.serve(&Dress::default()));
    let notes = Arc::new(Notes::new(place.folder()));
    let (mut kills, mut crashes, mut lost, mut rotations) = (0_usize, 0_usize, 0_usize, 0_u64);
    let mut unclean = Vec::new();
    while kills < size.kills || notes.captures() < size.captures {
        rotations += 1;
        let rotation = place.start_rotation();
        // Signed by the new key: their first use is all that must be written.
        passes.extend(place.issue(&format!("New customers {rotations}"), size.fresh));
        random.shuffle(&mut passes);
        notes.begin();
        let load = Load::start(&place, &passes, &notes);
        let longest = plan.pick(150, 900);
        let mut blows = 0;
        while blows < size.blows && !load.is_done() {
            blows += 1;
            std::thread::sleep(Duration::from_millis(random.u64(10..longest)));
            match cluster {
                Some(cluster) if random.u8(..3) == 0 => {
                    crashes += usize::from(cluster.crash());
                }
                _ => {
                    if let Some(serving) = serving.take() {
                        serving.kill();
                    }
                    kills += 1;
                    serving = Some(place.serve(&Dress::default()));
                }
            }
            let acknowledged = notes.snapshot();
            lost += place
                .wait(Books::read(&place.url, &rotation))
                .lost(&acknowledged)
                .len();
        }
        load.join();
        let acknowledged = notes.snapshot();
        lost += place
            .wait(Books::read(&place.url, &rotation))
            .lost(&acknowledged)
            .len();
        let found = match cluster {
            Some(cluster) => cluster.check(&place.url),
            None => place.wait(integrity(&place.url)),
        };
        if found != "ok" {
            unclean.push(found);
        }
        // A closed rotation leaves captured tokens to their digest; an aborted one to their key.
        place.end_rotation(rotations.is_multiple_of(2));
    }
    if let Some(serving) = serving {
        serving.kill();
    }
    report.at_least(format!("{engine}: kills of Rollcall"), &kills, &size.kills);
    if cluster.is_some() {
        let least = plan.pick(0, 30);
        report.at_least(format!("{engine}: crashes of PostgreSQL"), &crashes, &least);
    }
    report.tell(format!("{engine}: rotations"), &rotations);
    report.at_least(
        format!("{engine}: captures acknowledged"),
        &notes.captures(),
        &size.captures,
    );
    report.tell(format!("{engine}: first uses acknowledged"), &notes.fresh());
    report.exactly(format!("{engine}: acknowledged and lost"), &lost, &0);
    report.exactly(
        format!("{engine}: wrong answers"),
        &notes.wrong().as_str(),
        &"none",
    );
    let unclean = if unclean.is_empty() {
        "clean".to_owned()
    } else {
        unclean.join("; ")
    };
    report.exactly(format!("{engine}: integrity"), &unclean.as_str(), &"clean");
}

/// What clients were told, in a file and in memory, for the rotation that runs.
pub struct Notes {
    told: Mutex<(HashMap<String, Told>, File)>,
    captures: AtomicU64,
    fresh: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Notes {
    pub fn new(folder: &Path) -> Self {
        let file = File::create(folder.join("acknowledged")).unwrap();
        Self {
            told: Mutex::new((HashMap::new(), file)),
            captures: AtomicU64::new(0),
            fresh: AtomicU64::new(0),
            wrong: Mutex::default(),
        }
    }

    /// A new rotation: the notes of the last one have been checked.
    pub fn begin(&self) {
        self.told.lock().unwrap().0.clear();
    }

    /// Notes a 2xx.
    pub fn note(&self, token: &str, receipt: &str) {
        let Some(told) = Told::by(receipt) else {
            return self.complain(format!("receipt {receipt}"));
        };
        let mut notes = self.told.lock().unwrap();
        writeln!(notes.1, "{token} {receipt}").unwrap();
        if notes.0.insert(token.to_owned(), told).is_none() {
            let counter = match told {
                Told::Captured => &self.captures,
                Told::NewKey | Told::Passed => &self.fresh,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn complain(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    pub fn snapshot(&self) -> HashMap<String, Told> {
        self.told.lock().unwrap().0.clone()
    }

    pub fn captures(&self) -> u64 {
        self.captures.load(Ordering::Relaxed)
    }

    fn fresh(&self) -> u64 {
        self.fresh.load(Ordering::Relaxed)
    }

    /// The answers that should not have been, or `none`.
    pub fn wrong(&self) -> String {
        let wrong = self.wrong.lock().unwrap();
        match wrong.first() {
            None => "none".to_owned(),
            Some(first) => format!("{}, first: {first}", wrong.len()),
        }
    }
}

/// Clients that ask for every token until it got its 2xx.
pub struct Load {
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(place: &Place, passes: &[Pass], notes: &Arc<Notes>) -> Self {
        let passes: Arc<[Pass]> = passes.into();
        let next = Arc::new(AtomicUsize::new(0));
        let address = place.address;
        let clients = (0..CLIENTS).map(|_| {
            let (passes, next, notes) = (passes.clone(), next.clone(), notes.clone());
            std::thread::spawn(move || {
                let mut http = Http::new(address, Duration::from_secs(30));
                while let Some(pass) = passes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    while !insist(&mut http, pass, &notes) {
                        std::thread::sleep(Duration::from_millis(15));
                    }
                }
            })
        });
        Self {
            clients: clients.collect(),
        }
    }

    pub fn is_done(&self) -> bool {
        self.clients.iter().all(JoinHandle::is_finished)
    }

    /// Waits until every token has its 2xx.
    pub fn join(self) {
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

/// One request. True when the token is done with: a 2xx was noted, or an answer that is wrong.
fn insist(http: &mut Http, pass: &Pass, notes: &Notes) -> bool {
    match http.verify(&pass.text) {
        Ok(answer) if answer.is_success() => {
            notes.note(&pass.id, answer.header("rollcall-capture"));
            true
        }
        Ok(answer) if answer.status == 503 && !answer.header("retry-after").is_empty() => false,
        Ok(answer) => {
            notes.complain(format!("{} {}", answer.status, answer.body));
            true
        }
        // Cut or refused: nothing was acknowledged.
        Err(_) => false,
    }
}
