//! Sequences of everything that can be done to an installation, made at random, each done to the
//! product and to [`Model`]: every answer, the counts and the rehearsal must be the same after
//! every step.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use crate::plan::{Plan, Report};
use crate::product::{Product, take};
use crate::rules::{ACCOUNTS, DAY, INTEGRATIONS, Model, NOON, Retires};
use crate::world::{Kind, Template};

/// Long enough for a view to be used, short enough to wait for a crashed process.
const LEASE_MS: i64 = 400;
const STEPS: usize = 40;

/// One step. Numbers name what there is, counted round, so that a sequence with steps cut out of
/// it still is one. `elsewhere`: done by another process on the same database.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Issue {
        integration: usize,
        lifetime: Option<i64>,
        retires: Retires,
        elsewhere: bool,
    },
    Request(usize),
    Inspect(usize),
    Revoke {
        token: usize,
        elsewhere: bool,
    },
    Readmit {
        token: usize,
        elsewhere: bool,
    },
    Toggle {
        account: usize,
        elsewhere: bool,
    },
    Pass(i64),
    Start {
        lookback: i64,
        elsewhere: bool,
    },
    Move {
        to: &'static str,
        confirmed: bool,
        elsewhere: bool,
    },
    Begin(usize),
    View(usize),
    End(usize),
    Crash,
    Restart,
}

fn draw(rng: &mut Rng) -> Step {
    let elsewhere = rng.u8(..) < 64;
    match rng.u8(0..100) {
        0..14 => Step::Issue {
            integration: rng.usize(..INTEGRATIONS),
            lifetime: [None, Some(2 * DAY + NOON), Some(20 * DAY + NOON)][rng.usize(..3)],
            retires: match rng.u8(..5) {
                0 => Retires::AtOnce,
                1 => Retires::AfterFirstUse(NOON),
                2 => Retires::AfterFirstUse(0),
                _ => Retires::Keep,
            },
            elsewhere,
        },
        14..40 => Step::Request(rng.usize(..64)),
        40..43 => Step::Inspect(rng.usize(..64)),
        43..48 => Step::Revoke {
            token: rng.usize(..64),
            elsewhere,
        },
        48..50 => Step::Readmit {
            token: rng.usize(..64),
            elsewhere,
        },
        50..54 => Step::Toggle {
            account: rng.usize(..ACCOUNTS),
            elsewhere,
        },
        54..59 => Step::Pass(DAY * rng.i64(1..6)),
        59..66 => Step::Start {
            lookback: if rng.u8(..8) == 0 { 5 * DAY + NOON } else { 0 },
            elsewhere,
        },
        66..84 => Step::Move {
            to: ["finalised", "finalised", "recording", "closed", "aborted"][rng.usize(..5)],
            confirmed: rng.u8(..10) > 0,
            elsewhere,
        },
        84..87 => Step::Begin(rng.usize(..ACCOUNTS)),
        87..94 => Step::View(rng.usize(..64)),
        94..96 => Step::End(rng.usize(..64)),
        96..98 => Step::Crash,
        _ => Step::Restart,
    }
}

/// Where a sequence went apart from the model.
struct Difference {
    step: usize,
    words: String,
}

/// Plays a sequence; counts what was said.
fn play(
    template: &Template,
    steps: &[Step],
    heard: &mut BTreeMap<String, usize>,
) -> Option<Difference> {
    let mut model = Model::new();
    let mut product = Product::new(template);
    for (number, step) in steps.iter().enumerate() {
        // No two steps happen in one millisecond.
        model.now += 1;
        product.shift(1);
        let Some((wanted, found)) = take(*step, &mut model, &mut product) else {
            continue;
        };
        let differ = |what: &str, wanted: &str, found: &str| Difference {
            step: number,
            words: format!("{what}\n      wanted {wanted}\n      found  {found}"),
        };
        if wanted != found {
            return Some(differ(&format!("{step:?}"), &wanted, &found));
        }
        if matches!(step, Step::Request(_)) {
            let word = found.split(" at ").next().unwrap_or_default().to_owned();
            *heard.entry(word).or_default() += 1;
        }
        let (wanted, found) = (model.status(), product.status());
        if wanted != found {
            return Some(differ(
                &format!("the status after {step:?}"),
                &wanted,
                &found,
            ));
        }
    }
    None
}

/// Cuts out of a failing sequence what it can do without.
fn shrink(
    template: &Template,
    mut steps: Vec<Step>,
    mut difference: Difference,
) -> (Vec<Step>, Difference) {
    steps.truncate(difference.step + 1);
    let mut number = steps.len() - 1;
    while number > 0 {
        number -= 1;
        let mut fewer = steps.clone();
        fewer.remove(number);
        if let Some(still) = play(template, &fewer, &mut BTreeMap::new()) {
            fewer.truncate(still.step + 1);
            number = number.min(fewer.len().saturating_sub(1));
            (steps, difference) = (fewer, still);
        }
    }
    (steps, difference)
}

pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    let sequences = plan.pick(6, 2_000);
    for kind in Kind::BOTH {
        let template = Template::new(kind, LEASE_MS);
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let heard = Mutex::new(BTreeMap::<String, usize>::new());
        std::thread::scope(|scope| {
            for _ in 0..plan.pick(3, 6) {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= sequences || found.lock().unwrap().len() > 2 {
                            return;
                        }
                        let mut rng = plan.rng(&format!("model {} {number}", kind.name()));
                        let steps: Vec<Step> = (0..STEPS).map(|_| draw(&mut rng)).collect();
                        let mut words = BTreeMap::new();
                        let difference = play(&template, &steps, &mut words);
                        for (word, times) in words {
                            *heard.lock().unwrap().entry(word).or_default() += times;
                        }
                        if let Some(difference) = difference {
                            found.lock().unwrap().push(number);
                            let (steps, difference) = shrink(&template, steps, difference);
                            println!(
                                "  {} sequence {number} (seed {}):",
                                kind.name(),
                                plan.seed()
                            );
                            for step in &steps {
                                println!("    {step:?}");
                            }
                            println!("    differs at {}", difference.words);
                        }
                    }
                });
            }
        });
        let played = next.into_inner().min(sequences);
        let name = kind.name();
        for (word, times) in heard.into_inner().unwrap() {
            report.tell(format!("{name}: requests answered \"{word}\""), &times);
        }
        report.at_least(
            format!("{name}: sequences of {STEPS} steps"),
            &played,
            &sequences,
        );
        let found = found.into_inner().unwrap().len();
        report.exactly(format!("{name}: differences from the model"), &found, &0);
    }
    report
}
