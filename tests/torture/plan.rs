use std::fmt;

/// How hard to try, and with which random choices.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    long: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub struct Asked {
    pub plan: Plan,
    pub names: Vec<String>,
    /// How many harnesses run beside each other.
    pub jobs: usize,
    pub list: bool,
}

impl Plan {
    /// Reads `[--long] [--seed N] [--jobs N] [--list] [NAME…]`.
    pub fn of_arguments(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
        let mut asked = Asked {
            plan: Self {
                seed: fastrand::u64(..),
                long: false,
            },
            names: Vec::new(),
            jobs: 1,
            list: false,
        };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--long" => asked.plan.long = true,
                "--list" => asked.list = true,
                "--seed" => {
                    let seed = arguments.next().and_then(|text| text.parse().ok());
                    asked.plan.seed = seed.ok_or("--seed takes a whole number")?;
                }
                "--jobs" => {
                    let jobs = arguments.next().and_then(|text| text.parse().ok());
                    asked.jobs = jobs
                        .filter(|jobs| *jobs > 0)
                        .ok_or("--jobs takes a whole number above 0")?;
                }
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
                name => asked.names.push(name.to_owned()),
            }
        }
        Ok(asked)
    }

    /// What asks for the same plan on the command line.
    pub fn arguments(&self) -> Vec<String> {
        let long = self.long.then(|| "--long".to_owned());
        let seed = ["--seed".to_owned(), self.seed.to_string()];
        long.into_iter().chain(seed).collect()
    }

    /// The one number of this size of run.
    pub fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The random choices of one part of a run: the same for the same seed and label.
    pub fn rng(&self, label: &str) -> fastrand::Rng {
        let mix = label.bytes().fold(self.seed, |sum, byte| {
            sum.rotate_left(7) ^ u64::from(byte).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        fastrand::Rng::with_seed(mix)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.pick("short", "long");
        write!(f, "{size} run, seed {}", self.seed)
    }
}

/// What a harness counted.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    what: String,
    found: String,
    wanted: Option<String>,
    holds: bool,
}

impl Report {
    /// A figure that is only told.
    pub fn tell(&mut self, what: impl Into<String>, found: &impl ToString) {
        self.lines.push(Line {
            what: what.into(),
            found: found.to_string(),
            wanted: None,
            holds: true,
        });
    }

    /// A figure that must be exactly so.
    pub fn exactly<T: PartialEq + ToString>(
        &mut self,
        what: impl Into<String>,
        found: &T,
        wanted: &T,
    ) {
        self.lines.push(Line {
            what: what.into(),
            holds: found == wanted,
            found: found.to_string(),
            wanted: Some(wanted.to_string()),
        });
    }

    /// A figure that must be at least so large: what was tried too little proves nothing.
    pub fn at_least<T: PartialOrd + ToString>(
        &mut self,
        what: impl Into<String>,
        found: &T,
        least: &T,
    ) {
        self.lines.push(Line {
            what: what.into(),
            holds: found >= least,
            found: found.to_string(),
            wanted: Some(format!("≥ {}", least.to_string())),
        });
    }

    /// A figure that must be at most so large.
    pub fn at_most<T: PartialOrd + ToString>(
        &mut self,
        what: impl Into<String>,
        found: &T,
        most: &T,
    ) {
        self.lines.push(Line {
            what: what.into(),
            holds: found <= most,
            found: found.to_string(),
            wanted: Some(format!("≤ {}", most.to_string())),
        });
    }

    /// Adds what another part of the harness counted.
    pub fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    /// Whether every figure is as wanted, and there is one.
    pub fn holds(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let mark = match (&line.wanted, line.holds) {
                (None, _) => " ",
                (Some(_), true) => "✓",
                (Some(_), false) => "✗",
            };
            write!(f, "  {mark} {:<52} {:>12}", line.what, line.found)?;
            match &line.wanted {
                Some(wanted) => writeln!(f, "   wanted {wanted}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
