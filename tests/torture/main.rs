//! What Rollcall promises of a key rotation, under crashes, faults, races and attack. Each harness
//! drives the real thing, counts, and says what it counted beside what was wanted.
//!
//! ```text
//! cargo test --test torture                              short: what `make test` runs
//! cargo test --test torture -- --long [--seed N] [NAME…]  `make torture`: minutes to hours
//! cargo test --test torture -- --list
//! ```
//! The seed is printed; the same seed makes the same choices. `docs/torture.md` has the last figures.
#![cfg(feature = "ssr")]
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
    reason = "clusters of one's own, not the one that tests share"
)]
mod cluster;
/// A disk that fails, dawdles, lies and forgets.
mod disk;
/// The ways to write, and what their answers claim.
mod doors;
/// Faults against every path that writes.
mod faults;
/// A client.
mod http;
/// SIGKILL under load.
mod kills;
/// An installation, seen from outside.
mod place;
/// What a run is asked for, and what it found.
mod plan;
/// A cluster that is stopped, crashed and cut off.
mod postgres;
/// Power cuts.
mod powercut;
/// A slow road to a database.
mod proxy;
/// Synced before it is answered.
mod sync;
/// What strace wrote.
mod trace;

use std::process::ExitCode;
use std::time::Instant;

use plan::{Plan, Report};
// `cluster.rs` is a module of the library's tests too, and says `crate::store`.
use rollcall::store;

/// A harness: its name on the command line, what it holds Rollcall to, and what runs it.
struct Harness {
    name: &'static str,
    promise: &'static str,
    run: fn(&Plan) -> Report,
}

/// In the order in which they run.
const HARNESSES: &[Harness] = &[
    Harness {
        name: "kills",
        promise: "what a 2xx acknowledged survives SIGKILL at any moment",
        run: kills::run,
    },
    Harness {
        name: "sync",
        promise: "a first capture is synced before it is answered",
        run: sync::run,
    },
    Harness {
        name: "powercut",
        promise: "what a 2xx acknowledged survives the loss of all that was not synced",
        run: powercut::run,
    },
    Harness {
        name: "faults",
        promise: "whatever fails: 503 or a correct answer, and well again within a second",
        run: faults::run,
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
    // As `cargo test` does it: a name is a part of a name, and one that fits nothing runs nothing.
    let fits = |harness: &&Harness| {
        asked.names.is_empty()
            || asked
                .names
                .iter()
                .any(|name| harness.name.contains(name.as_str()))
    };
    let chosen: Vec<&Harness> = HARNESSES.iter().filter(fits).collect();
    println!(
        "torture: {} run, seed {}",
        asked.plan.size(),
        asked.plan.seed()
    );
    let (mut held, mut broke) = (0_usize, 0_usize);
    for harness in chosen {
        println!("\n{} – {}", harness.name, harness.promise);
        let began = Instant::now();
        let report = (harness.run)(&asked.plan);
        print!("{report}");
        println!("  {:.1} s", began.elapsed().as_secs_f64());
        if report.holds() {
            held += 1;
        } else {
            broke += 1;
        }
    }
    println!("\n{held} passed, {broke} failed");
    if broke == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
