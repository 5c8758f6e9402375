//! What Rollcall promises of a key rotation, under crashes, faults, races and attack. Each harness
//! drives the real thing, counts, and says what it counted beside what was wanted.
//!
//! ```text
//! cargo test --test torture                              short: what `make test` runs
//! cargo test --test torture -- --long [--seed N] [--jobs N] [NAME…]  `make torture`: minutes to hours
//! cargo test --test torture -- --list
//! ```
//! The seed is printed; the same seed makes the same choices. `docs/torture.md` has the last figures.
#![cfg(feature = "ssr")]
#![expect(
    clippy::match_wildcard_for_single_variants,
    clippy::similar_names,
    clippy::struct_field_names,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a harness names what it plays, and one table of steps is read in one piece"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a harness measures the product from outside, by the clock on the wall"
)]

/// What the database says.
mod books;
/// A throwaway PostgreSQL cluster.
#[path = "../../src/tests/cluster.rs"]
#[expect(
    dead_code,
    reason = "the pooler and the shared cluster are for the library's tests"
)]
mod cluster;
/// A disk that fails, dawdles, lies and forgets.
mod disk;
/// The ways to write, and what their answers claim.
mod doors;
/// Faults against every path that writes.
mod faults;
/// With the real old private key, and without: 0 accepted.
mod forgeries;
/// Whatever reads what strangers write: 0 panics.
mod fuzz;
/// The races that matter most, held still.
mod held;
/// A client.
mod http;
/// SIGKILL under load.
mod kills;
/// Several harnesses in one run.
mod lanes;
/// Whatever ends a credential, raced against its capture.
mod logouts;
/// Sequences of everything against a simple model.
mod model;
/// Processes that are paused, and a database that crashes.
mod paused;
/// An installation, seen from outside.
mod place;
/// What a run is asked for, and what it found.
mod plan;
/// A cluster that is stopped, crashed and cut off.
mod postgres;
/// Power cuts.
mod powercut;
/// The product, as the model's steps are done to it.
mod product;
/// A slow road to a database.
mod proxy;
/// Steps raced against traffic on three nodes.
mod races;
/// The simple model.
mod rules;
/// Servers as processes.
mod serving;
/// Requests at a drawn moment, and what they were told.
mod shots;
/// Synced before it is answered.
mod sync;
/// What strace wrote.
mod trace;
/// What a forger makes of a token.
mod tricks;
/// Installations, and processes on them inside this one.
mod world;

use std::process::ExitCode;
use std::time::Instant;

use plan::{Plan, Report};
// For the helper that starts a cluster, which is the crate's own in its unit tests.
use rollcall::store;

/// A harness: its name on the command line, what it holds Rollcall to, and what runs it.
struct Harness {
    name: &'static str,
    promise: &'static str,
    run: fn(&Plan) -> Report,
    /// It measures time: nothing may run beside it.
    alone: bool,
}

/// In the order in which they are begun: what takes longest first.
const HARNESSES: &[Harness] = &[
    Harness {
        name: "model",
        promise: "every answer is what a simple model says",
        run: model::run,
        alone: false,
    },
    Harness {
        name: "logouts",
        promise: "what has ended stays so, whatever captures it meanwhile",
        run: logouts::run,
        alone: false,
    },
    Harness {
        name: "fuzz",
        promise: "nothing that strangers write makes a reader panic, or take what it should not",
        run: fuzz::run,
        alone: false,
    },
    Harness {
        name: "races-paused",
        promise: "a paused node wakes to obey, and holds nobody up; a crashed database loses nothing",
        run: paused::run,
        alone: false,
    },
    Harness {
        name: "kills",
        promise: "what a 2xx acknowledged survives SIGKILL at any moment",
        run: kills::run,
        alone: false,
    },
    Harness {
        name: "races-held",
        promise: "what must not overtake does not, with all the time to",
        run: held::run,
        alone: false,
    },
    Harness {
        name: "races",
        promise: "a step is one moment on every node: I1 and I2, whatever is raced against it",
        run: races::run,
        alone: false,
    },
    Harness {
        name: "sync",
        promise: "a first capture is synced before it is answered",
        run: sync::run,
        alone: false,
    },
    Harness {
        name: "forgeries",
        promise: "a forged token is never accepted, with the real old key or without",
        run: forgeries::run,
        alone: false,
    },
    Harness {
        name: "powercut",
        promise: "what a 2xx acknowledged survives the loss of all that was not synced",
        run: powercut::run,
        alone: false,
    },
    Harness {
        name: "faults",
        promise: "whatever fails: 503 or a correct answer, and well again within a second",
        run: faults::run,
        alone: true,
    },
];

fn main() -> ExitCode {
    let asked = match Plan::of_arguments(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(what) => {
            eprintln!("{what}");
            return ExitCode::from(2);
        }
    };
    if asked.list {
        for harness in HARNESSES {
            println!("{:<12} {}", harness.name, harness.promise);
        }
        return ExitCode::SUCCESS;
    }
    let chosen = chosen(&asked.names);
    let holds = match chosen[..] {
        [harness] => told(harness, &asked.plan),
        _ => lanes::run(&chosen, &asked.plan, asked.jobs),
    };
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Those of these names; without a name, all. As `cargo test` does it: a name is a part of a name, and
/// one that fits nothing runs nothing. A whole name is that one alone.
fn chosen(names: &[String]) -> Vec<&'static Harness> {
    let whole = |name: &str| HARNESSES.iter().any(|harness| harness.name == name);
    let fits = |harness: &&Harness| {
        names.is_empty()
            || names.iter().any(|name| {
                harness.name == name || !whole(name) && harness.name.contains(name.as_str())
            })
    };
    HARNESSES.iter().filter(fits).collect()
}

/// Runs one in this process and tells what it found; true when it holds.
fn told(harness: &Harness, plan: &Plan) -> bool {
    println!("\n{} – {}\n  ({plan})", harness.name, harness.promise);
    let began = Instant::now();
    let report = (harness.run)(plan);
    print!("{report}");
    println!("  {:.1} s", began.elapsed().as_secs_f64());
    report.holds()
}
