use std::sync::Arc;
use std::time::Duration;

use crate::books::{Books, integrity};
use crate::disk::{Behaviour, Disk, Leaves};
use crate::kills::{Load, Notes};
use crate::place::Place;
use crate::plan::{Plan, Report};

/// What is done to one server after the other.
struct Size {
    tokens: usize,
    cuts: usize,
    captures: u64,
}

/// What was counted.
#[derive(Default)]
struct Found {
    cuts: usize,
    captures: u64,
    dropped: usize,
    syncs: i64,
    lost: usize,
    integrity: Vec<String>,
    wrong: String,
}

/// Power cuts: with every kill, all or any part of what the server wrote to SQLite's files and did
/// not sync is gone. A kill alone never loses that: the machine keeps it.
pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    let size = Size {
        tokens: plan.pick(200, 2_500),
        cuts: plan.pick(3, 60),
        captures: plan.pick(200, 15_000),
    };
    let found = cut(plan, &size, false);
    report.at_least("power cuts under load", &found.cuts, &size.cuts);
    report.at_least("captures acknowledged", &found.captures, &size.captures);
    // A cut seldom falls between a write and its sync: a few of them may all miss it.
    report.at_least(
        "unsynced writes lost by the cuts",
        &found.dropped,
        &plan.pick(0, 1),
    );
    report.tell("syncs that the disk did", &found.syncs);
    report.exactly("acknowledged and lost", &found.lost, &0);
    report.exactly("wrong answers", &found.wrong.as_str(), &"none");
    let unclean = found.integrity.iter().find(|found| *found != "ok");
    let unclean = unclean.map_or("clean", String::as_str);
    report.exactly("integrity", &unclean, &"clean");
    // The harness itself is put to the proof: on a disk that lies it must find losses.
    let size = Size {
        tokens: 200,
        cuts: 2,
        captures: 100,
    };
    let found = cut(plan, &size, true);
    report.at_least("control: lost on a disk that lies", &found.lost, &1);
    report
}

fn cut(plan: &Plan, size: &Size, lies: bool) -> Found {
    let mut random = plan.rng(if lies { "lies" } else { "cuts" });
    let mut place = Place::sqlite();
    let mut passes = place.issue("Customers", size.tokens);
    let disk = Disk::below(&place);
    disk.behave(Behaviour {
        keeps_undo: true,
        lies,
        ..Behaviour::default()
    });
    let notes = Arc::new(Notes::new(place.folder()));
    let mut found = Found::default();
    let mut rotations = 0_u32;
    while found.cuts < size.cuts || notes.captures() < size.captures {
        rotations += 1;
        // While no server runs: what the harness writes itself is none of the disk's business.
        let rotation = place.start_rotation();
        random.shuffle(&mut passes);
        notes.begin();
        let load = Load::start(&place, &passes, &notes);
        loop {
            if lies {
                // The version mark would notice what such a disk loses, and refuse to serve.
                std::fs::remove_file(place.mark()).ok();
            }
            let serving = place.serve(&disk.dress());
            let acknowledged = notes.snapshot();
            found.lost += place
                .wait(Books::read(&place.url, &rotation))
                .lost(&acknowledged)
                .len();
            let done = load.is_done();
            if !done {
                std::thread::sleep(Duration::from_millis(random.u64(10..plan.pick(250, 600))));
            }
            serving.kill();
            let leaves = if lies || random.bool() {
                Leaves::Nothing
            } else {
                Leaves::Some
            };
            found.dropped += disk.cut_power(leaves, &mut random);
            found.cuts += 1;
            if done {
                break;
            }
        }
        load.join();
        found.integrity.push(place.wait(integrity(&place.url)));
        let acknowledged = notes.snapshot();
        found.lost += place
            .wait(Books::read(&place.url, &rotation))
            .lost(&acknowledged)
            .len();
        place.end_rotation(rotations.is_multiple_of(2));
    }
    found.captures = notes.captures();
    found.syncs = disk.counts().1;
    found.wrong = notes.wrong();
    found
}
