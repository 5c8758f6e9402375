//! The rules of a rotation in plain Rust, with nothing but numbers: obviously right, so that what
//! the product says can be held against it. Time is counted in milliseconds from the beginning.

pub const DAY: i64 = 86_400_000;
/// Everything that ends does so at noon, and time passes in whole days: nothing is a close call.
pub const NOON: i64 = DAY / 2;
/// Accounts, each with two integrations and one user.
pub const ACCOUNTS: usize = 3;
pub const INTEGRATIONS: usize = 2 * ACCOUNTS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retires {
    Keep,
    AtOnce,
    AfterFirstUse(i64),
}

pub struct Token {
    pub integration: usize,
    born: i64,
    generation: i64,
    issued: i64,
    expires: Option<i64>,
    revoked: Option<i64>,
    ends: Option<i64>,
    first_used: Option<i64>,
    last_used: Option<i64>,
    retires: Retires,
}

struct Session {
    account: usize,
    generation: i64,
    ended: bool,
    idle_until: i64,
    expires: i64,
    seen: i64,
}

struct Rotation {
    name: String,
    phase: &'static str,
    from: i64,
    target: i64,
    finalised: Option<i64>,
}

/// What the product must agree with.
#[derive(Default)]
pub struct Model {
    pub now: i64,
    current: i64,
    newest: i64,
    rotations: Vec<Rotation>,
    disabled: [bool; ACCOUNTS],
    pub tokens: Vec<Token>,
    sessions: Vec<Session>,
}

type Said = String;

fn over(end: Option<i64>, now: i64) -> bool {
    end.is_some_and(|end| end <= now)
}

impl Token {
    fn live_at(&self, at: i64) -> bool {
        !over(self.revoked, at) && !over(self.ends, at) && !over(self.expires, at)
    }
}

impl Model {
    pub fn new() -> Self {
        Self {
            current: 1,
            newest: 1,
            ..Self::default()
        }
    }

    fn open(&self) -> Option<&Rotation> {
        let last = self.rotations.last()?;
        matches!(last.phase, "recording" | "finalised").then_some(last)
    }

    fn target(&self) -> Option<i64> {
        let open = self.open()?;
        (open.phase == "recording").then_some(open.target)
    }

    fn required(&self) -> i64 {
        self.target().unwrap_or(self.current)
    }

    fn last_cutover(&self) -> Option<(&str, i64)> {
        let done = self.rotations.iter();
        let done = done.filter_map(|one| Some((one.name.as_str(), one.finalised?)));
        done.max_by_key(|(_, at)| *at)
    }

    pub fn issue(&mut self, integration: usize, lifetime: Option<i64>, retires: Retires) -> Said {
        if self.disabled[integration / 2] {
            return "refused: AccountDisabled".to_owned();
        }
        let now = self.now;
        self.tokens.push(Token {
            integration,
            born: self.newest,
            generation: self.newest,
            issued: now,
            expires: lifetime.map(|lifetime| now + lifetime),
            revoked: None,
            ends: None,
            first_used: None,
            last_used: None,
            retires,
        });
        if retires == Retires::AtOnce {
            self.retire_before(self.tokens.len() - 1, now);
        }
        format!("generation {}", self.newest)
    }

    fn retire_before(&mut self, successor: usize, end: i64) {
        let (now, integration) = (self.now, self.tokens[successor].integration);
        for older in &mut self.tokens[..successor] {
            if older.integration == integration && older.live_at(now) {
                older.ends = Some(older.ends.map_or(end, |ends| ends.min(end)));
            }
        }
    }

    /// What a request with a token would be told, without its effect.
    pub fn judge(&self, number: usize) -> Result<(), &'static str> {
        let token = &self.tokens[number];
        if self.disabled[token.integration / 2] {
            Err("account_disabled")
        } else if token.revoked.is_some() {
            Err("token_revoked")
        } else if over(token.ends, self.now) {
            Err("token_replaced")
        } else if over(token.expires, self.now) {
            Err("token_expired")
        } else if token.generation < self.current {
            Err("token_not_captured")
        } else {
            Ok(())
        }
    }

    pub fn request(&mut self, number: usize) -> Said {
        match self.judge(number) {
            Err("token_not_captured") => {
                let missed = self.last_cutover().map_or("", |(name, _)| name);
                return format!("token_not_captured at {missed}");
            }
            Err(reason) => return reason.to_owned(),
            Ok(()) => {}
        }
        let (now, target, required) = (self.now, self.target(), self.required());
        let token = &mut self.tokens[number];
        let receipt = match target {
            None => "-",
            Some(target) if token.born >= target => "new-key",
            Some(target) if token.generation >= target => "already",
            Some(target) => {
                token.generation = target;
                "recorded"
            }
        };
        let standing = if token.born >= required {
            "working"
        } else {
            "captured"
        };
        token.last_used = Some(now);
        if token.first_used.is_none() {
            token.first_used = Some(now);
            if let Retires::AfterFirstUse(overlap) = token.retires {
                self.retire_before(number, now + overlap);
            }
        }
        format!("{standing} {receipt}")
    }

    pub fn revoke(&mut self, number: usize) -> Said {
        let token = &mut self.tokens[number];
        let first = token.revoked.is_none();
        token.revoked.get_or_insert(self.now);
        first.to_string()
    }

    pub fn readmit(&mut self, number: usize) -> Said {
        let (now, required) = (self.now, self.required());
        let token = &mut self.tokens[number];
        let enabled = !self.disabled[token.integration / 2];
        if token.generation < required && enabled && token.live_at(now) {
            token.generation = required;
            "done".to_owned()
        } else {
            "refused: NotDormant".to_owned()
        }
    }

    /// Disables an account, or enables it again.
    pub fn toggle(&mut self, account: usize) -> Said {
        self.disabled[account] = !self.disabled[account];
        format!("disabled {}", self.disabled[account])
    }

    pub fn is_disabled(&self, account: usize) -> bool {
        self.disabled[account]
    }

    pub fn start(&mut self, name: &str, lookback: i64) -> Said {
        if self.open().is_some() {
            return "refused: AlreadyOpen".to_owned();
        }
        self.newest += 1;
        let (target, since, current) = (self.newest, self.now - lookback, self.current);
        self.rotations.push(Rotation {
            name: name.to_owned(),
            phase: "recording",
            from: self.current,
            target,
            finalised: None,
        });
        // What an earlier cutover ended is not brought back.
        if lookback > 0 {
            for token in &mut self.tokens {
                let present = token.last_used.is_some_and(|at| at >= since);
                let enabled = !self.disabled[token.integration / 2];
                if present && enabled && token.live_at(self.now) && token.generation >= current {
                    token.generation = target;
                }
            }
            for session in &mut self.sessions {
                let live = !session.ended && session.idle_until.min(session.expires) > self.now;
                let present = session.seen >= since && !self.disabled[session.account];
                if live && present && session.generation >= current {
                    session.generation = target;
                }
            }
        }
        "done".to_owned()
    }

    /// Finalise, reopen, abort, close.
    pub fn step(&mut self, to: &'static str, confirmed: bool) -> Said {
        let Some(open) = self.open() else {
            return "refused: NoneOpen".to_owned();
        };
        let way = matches!(
            (open.phase, to),
            ("recording", "finalised" | "aborted") | ("finalised", "recording" | "closed")
        );
        if !way {
            return "refused: WrongPhase".to_owned();
        }
        if !confirmed {
            return "refused: Unconfirmed".to_owned();
        }
        let now = self.now;
        let Some(open) = self.rotations.last_mut() else {
            unreachable!("it was open");
        };
        open.phase = to;
        match to {
            "finalised" => {
                open.finalised = Some(now);
                self.current = open.target;
            }
            "recording" => {
                open.finalised = None;
                self.current = open.from;
            }
            _ => {}
        }
        "done".to_owned()
    }

    pub fn open_name(&self) -> &str {
        self.open().map_or("none", |open| open.name.as_str())
    }

    pub fn begin(&mut self, account: usize) {
        self.sessions.push(Session {
            account,
            generation: self.newest,
            ended: false,
            idle_until: self.now + 7 * DAY,
            expires: self.now + 30 * DAY,
            seen: self.now,
        });
    }

    /// A page view with a session.
    pub fn view(&mut self, number: usize) -> Said {
        let (now, current, target) = (self.now, self.current, self.target());
        let cutover = self.last_cutover().map(|(name, _)| name.to_owned());
        let session = &mut self.sessions[number];
        if session.ended || session.idle_until <= now || session.expires <= now {
            return "gone".to_owned();
        }
        if session.generation < current {
            return cutover.map_or("gone".to_owned(), |name| format!("ended by {name}"));
        }
        if self.disabled[session.account] {
            return "nobody".to_owned();
        }
        session.seen = now;
        session.idle_until = session.expires.min(now + 7 * DAY);
        session.generation = session.generation.max(target.unwrap_or(0));
        "live".to_owned()
    }

    pub fn end(&mut self, number: usize) {
        self.sessions[number].ended = true;
    }

    /// For each token that is or would be refused, whether the rehearsal names it (`None`: not hit).
    fn hit(&self, number: usize, at: i64) -> bool {
        let token = &self.tokens[number];
        let superseded = self.newer(number).any(|newer| {
            newer.first_used.is_some_and(|used| used <= at) && !over(newer.revoked, at)
        });
        token.generation < self.required() && token.issued <= at && token.live_at(at) && !superseded
    }

    fn newer(&self, number: usize) -> impl Iterator<Item = &Token> {
        let integration = self.tokens[number].integration;
        let newer = self.tokens[number + 1..].iter();
        newer.filter(move |newer| newer.integration == integration)
    }

    fn recovered(&self, number: usize, at: i64) -> bool {
        let used = |newer: &Token| newer.first_used.is_some() && newer.revoked.is_none();
        at < self.now && self.newer(number).any(used)
    }

    /// Phase, counts and rehearsal, as they must be told.
    pub fn status(&self) -> Said {
        let (now, required) = (self.now, self.required());
        let at = match self.open() {
            Some(open) => open.finalised.unwrap_or(now),
            None => self.last_cutover().map_or(now, |(_, at)| at),
        };
        let live = || self.tokens.iter().filter(|token| token.live_at(now));
        let captured = live().filter(|token| token.generation >= required && token.born < required);
        let behind = live().filter(|token| token.generation < required).count();
        let (not_seen, dormant) = match self.target() {
            Some(_) => (behind, 0),
            None => (0, behind),
        };
        let lives = |one: &&Session| !one.ended && one.idle_until > now && one.expires > now;
        let sessions = || self.sessions.iter().filter(lives);
        let carried = sessions().filter(|one| one.generation >= required).count();
        let mut hits = Vec::new();
        let (mut hurt, mut well) = ([false; ACCOUNTS], [false; ACCOUNTS]);
        for number in (0..self.tokens.len()).filter(|number| self.hit(*number, at)) {
            let token = &self.tokens[number];
            let account = token.integration / 2;
            if self.disabled[account] {
                continue;
            }
            if self.recovered(number, at) {
                well[account] = true;
            } else if token.live_at(now) {
                hurt[account] = true;
                hits.push(number);
            }
        }
        let affected = hurt.iter().filter(|hurt| **hurt).count();
        let recovered = (0..ACCOUNTS)
            .filter(|one| well[*one] && !hurt[*one])
            .count();
        format!(
            "{} {} current {} target {:?} tokens {} {not_seen} {dormant} sessions {carried} {} \
             accounts {affected} {recovered} hits {hits:?}",
            self.open().map_or("idle", |open| open.phase),
            self.open_name(),
            self.current,
            self.open().map(|open| open.target),
            captured.count(),
            sessions().count() - carried,
        )
    }
}
