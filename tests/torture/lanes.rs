//! Several harnesses in one run: each a process of its own, so that one that falls over ends nothing
//! but itself, and as many beside each other as were asked for.

use std::collections::VecDeque;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::Harness;
use crate::plan::Plan;

/// How a harness ended.
struct Ended {
    name: &'static str,
    holds: bool,
    took: Duration,
}

/// Runs the harnesses, those that are to be `alone` last, and prints what each said, then how each
/// ended. True when all hold.
pub fn run(chosen: &[&'static Harness], plan: &Plan, jobs: usize) -> bool {
    println!("torture: {plan}");
    let (alone, together): (Vec<_>, Vec<_>) = chosen.iter().partition(|harness| harness.alone);
    let ended = Mutex::new(Vec::new());
    beside_each_other(together, plan, jobs, &ended);
    beside_each_other(alone, plan, 1, &ended);
    let ended = ended.into_inner().unwrap();
    println!();
    for Ended { name, holds, took } in &ended {
        let mark = if *holds { '✓' } else { '✗' };
        println!("{mark} {name:<12} {:>8.1} s", took.as_secs_f64());
    }
    let broke = ended.iter().filter(|ended| !ended.holds).count();
    println!("\n{} passed, {broke} failed", ended.len() - broke);
    broke == 0
}

fn beside_each_other(
    harnesses: Vec<&'static Harness>,
    plan: &Plan,
    jobs: usize,
    ended: &Mutex<Vec<Ended>>,
) {
    let queue = Mutex::new(VecDeque::from(harnesses));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some(harness) = queue.lock().unwrap().pop_front() else {
                        return;
                    };
                    let began = Instant::now();
                    let said = alone(harness, plan);
                    // Held while it prints: what two said must not mix.
                    let mut ended = ended.lock().unwrap();
                    print!("{}", String::from_utf8_lossy(&said.stdout));
                    eprint!("{}", String::from_utf8_lossy(&said.stderr));
                    ended.push(Ended {
                        name: harness.name,
                        holds: said.status.success(),
                        took: began.elapsed(),
                    });
                }
            });
        }
    });
}

/// This program once more, for one harness.
fn alone(harness: &Harness, plan: &Plan) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(plan.arguments()).arg(harness.name);
    command.output().unwrap()
}
