//! Whatever ends a credential, raced against its capture: once it has ended it stays so, in the
//! recording phase and after the cutover, and what was refused was not captured.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use rollcall::auth::SessionRows;
use rollcall::model::{Digest, OneTimeSecret, PlainToken, TokenId, UserId};
use rollcall::rotation::sessions::Fate;
use rollcall::rotation::{Answer, Engine, NewUser, RotationError, Setup};
use tokio::task::JoinSet;
use tower_sessions::SessionStore as _;
use tower_sessions::cookie::time::{Duration as CookieDuration, OffsetDateTime};
use tower_sessions::session::{Id, Record};

use crate::plan::{Plan, Report};
use crate::world::{self, Kind, Template, caller, operator};

/// Pairs in one round; each round is a rotation of its own.
const ROUND: usize = 200;
/// How long a client waits before it asks again.
const AGAIN: Duration = Duration::from_millis(50);
/// How often it asks before it gives up.
const TRIES: usize = 100;
/// Credentials of one user or account, which end together.
const TOGETHER: usize = 8;

/// What ends a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Logout,
    Password,
    DisableSessions,
    DisableTokens,
    Revoke,
}

const ENDS: [(End, &str); 5] = [
    (End::Logout, "logout × session"),
    (End::Password, "password change × session"),
    (End::DisableSessions, "account disable × session"),
    (End::DisableTokens, "account disable × token"),
    (End::Revoke, "revoke × token"),
];

/// Two processes on one database: what ends, and what captures.
struct Scene {
    ends: Engine,
    captures: Engine,
    rounds: usize,
    accounts: usize,
}

#[derive(Default)]
struct Counts {
    raced: usize,
    /// The capture was first, and the answer was yes.
    accepted: usize,
    /// Ended, and accepted afterwards.
    revived: usize,
    /// Refused, and captured all the same.
    captured: usize,
}

/// A little while, in which the other may be first: as long as a few transactions.
async fn hesitate(mut rng: Rng) {
    tokio::time::sleep(Duration::from_micros(rng.u64(..24_000))).await;
}

fn digest(id: &Id) -> Digest {
    Digest::of(&id.0.to_le_bytes())
}

/// Signs a user in, as the session layer does.
async fn sign_in(engine: &Engine, user: &UserId) -> Record {
    let mut record = Record {
        id: Id::default(),
        data: [("user".to_owned(), user.as_str().into())].into(),
        expiry_date: OffsetDateTime::now_utc() + CookieDuration::days(30),
    };
    SessionRows(engine.clone())
        .create(&mut record)
        .await
        .unwrap();
    record
}

/// Shows a page to a session, as the extractor and the session layer do: true when it is signed in.
async fn view(engine: &Engine, record: &Record) -> bool {
    let rows = SessionRows(engine.clone());
    let Some(loaded) = rows.load(&record.id).await.unwrap() else {
        return false;
    };
    let Fate::Live(session) = engine.session(&digest(&record.id)).await.unwrap() else {
        return false;
    };
    let user = engine.user(&session.user_id).await.unwrap().unwrap();
    if user.disabled_at.is_some() || user.account_disabled_at.is_some() {
        return false;
    }
    engine.use_session(&session, &caller()).await.unwrap();
    // What the handler changed is saved when the answer is ready: late.
    rows.save(&loaded).await.unwrap();
    true
}

async fn lives(engine: &Engine, record: &Record) -> bool {
    SessionRows(engine.clone())
        .load(&record.id)
        .await
        .unwrap()
        .is_some()
}

async fn accepts(engine: &Engine, token: &PlainToken) -> bool {
    for _ in 0..TRIES {
        match engine.verify(token.expose(), &caller()).await {
            Answer::Accepted(_) => return true,
            Answer::Refused(_) => return false,
            // Two hundred at once, on a machine that is busy: a client tries again.
            Answer::Unavailable => tokio::time::sleep(AGAIN).await,
        }
    }
    panic!("no answer but 503")
}

/// Revokes, and tries again where the database had no room.
async fn revoke(engine: &Engine, id: &TokenId) {
    for _ in 0..TRIES {
        match engine.revoke_token(&operator(), id).await {
            // False after a first try whose answer was lost.
            Ok(_) => return,
            Err(RotationError::Store(_)) => tokio::time::sleep(AGAIN).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("nothing is revoked")
}

/// A credential, and whether the request that raced was answered yes.
enum Credential {
    Token(TokenId, PlainToken),
    Session(Record),
}

/// Credentials that end by one deed.
struct Group {
    account: String,
    /// What sets the password of the user whose sessions they are.
    link: Option<OneTimeSecret>,
    credentials: Vec<Arc<Credential>>,
}

impl Scene {
    async fn new(template: &Template) -> (Self, world::Place) {
        let place = template.copy();
        let (ends, captures) = (world::engine(&place).await, world::engine(&place).await);
        for engine in [&ends, &captures] {
            engine.serve().await.unwrap();
        }
        let scene = Self {
            ends,
            captures,
            rounds: 0,
            accounts: 0,
        };
        (scene, place)
    }

    async fn group(&mut self, end: End) -> Group {
        self.accounts += 1;
        let account = format!("Account {}", self.accounts);
        // Each its own: an integration holds so many live tokens and no more.
        let integration = world::integration(&self.ends, &account).await;
        let mut group = Group {
            account: account.clone(),
            link: None,
            credentials: Vec::new(),
        };
        if matches!(end, End::Revoke | End::DisableTokens) {
            let many = if end == End::Revoke { 1 } else { TOGETHER };
            for _ in 0..many {
                let issued = world::issue(&self.ends, &integration).await;
                group
                    .credentials
                    .push(Arc::new(Credential::Token(issued.row.id, issued.token)));
            }
            return group;
        }
        let new = NewUser {
            account: Some(account),
            name: None,
            email: format!("user{}@customer.example", self.accounts)
                .parse()
                .unwrap(),
            password_hash: None,
        };
        let Setup { user, link } = self.ends.create_user(&operator(), new).await.unwrap();
        let many = if end == End::Logout { 1 } else { TOGETHER };
        for _ in 0..many {
            let record = sign_in(&self.ends, &user).await;
            group
                .credentials
                .push(Arc::new(Credential::Session(record)));
        }
        group.link = link;
        group
    }

    /// One rotation: groups of credentials from before it, each ended while it is captured.
    async fn round(&mut self, end: End, pairs: usize, rng: &mut Rng, counts: &mut Counts) {
        self.rounds += 1;
        let name = format!("{end:?}-{}", self.rounds);
        let mut groups = Vec::new();
        let mut made = 0;
        while made < pairs {
            let group = self.group(end).await;
            made += group.credentials.len();
            groups.push(group);
        }
        let started = self
            .ends
            .start_rotation(&operator(), world::rotation(&name))
            .await;
        let target = started.unwrap().target;
        let mut races = JoinSet::new();
        for group in groups {
            let (ends, captures) = (self.ends.clone(), self.captures.clone());
            races.spawn(race(ends, captures, end, group, rng.fork()));
        }
        let raced = races.join_all().await;
        for (group, answers) in &raced {
            counts.raced += answers.len();
            counts.accepted += answers.iter().filter(|yes| **yes).count();
            for credential in &group.credentials {
                // Here a captured one would be captured again: sessions that are loaded are not used.
                let again = match &**credential {
                    Credential::Token(_, token) => accepts(&self.captures, token).await,
                    Credential::Session(record) if end != End::DisableSessions => {
                        lives(&self.captures, record).await
                    }
                    Credential::Session(record) => view(&self.captures, record).await,
                };
                counts.revived += usize::from(again);
            }
            for (credential, answered) in group.credentials.iter().zip(answers) {
                if let (Credential::Token(id, _), false) = (&**credential, answered) {
                    let shown = self.ends.show_token(&operator(), id).await.unwrap();
                    counts.captured += usize::from(Some(shown.row.generation) == target);
                }
            }
        }
        self.ends.finalise(&operator(), &name).await.unwrap();
        for (group, answers) in &raced {
            if matches!(end, End::DisableSessions | End::DisableTokens) {
                let by = operator();
                let enabled = self.ends.set_account_disabled(&by, &group.account, false);
                enabled.await.unwrap();
            }
            for (credential, answered) in group.credentials.iter().zip(answers) {
                let lives_on = match &**credential {
                    Credential::Token(_, token) => accepts(&self.captures, token).await,
                    Credential::Session(record) => lives(&self.captures, record).await,
                };
                match end {
                    // Enabling an account again gives back what was captured before, and no more.
                    End::DisableSessions | End::DisableTokens => {
                        counts.captured += usize::from(lives_on && !answered);
                    }
                    _ => counts.revived += usize::from(lives_on),
                }
            }
        }
        self.ends.close_rotation(&operator(), &name).await.unwrap();
    }
}

async fn race(
    ends: Engine,
    captures: Engine,
    end: End,
    group: Group,
    mut rng: Rng,
) -> (Group, Vec<bool>) {
    // Not all at once: one after the other they would wait for the one writer of SQLite.
    tokio::time::sleep(Duration::from_millis(rng.u64(..1_000))).await;
    let mut uses = Vec::new();
    for credential in group.credentials.clone() {
        let (engine, rng) = (captures.clone(), rng.fork());
        uses.push(tokio::spawn(async move {
            hesitate(rng).await;
            match &*credential {
                Credential::Token(_, token) => accepts(&engine, token).await,
                Credential::Session(record) => view(&engine, record).await,
            }
        }));
    }
    hesitate(rng.fork()).await;
    match (end, &*group.credentials[0]) {
        (End::Logout, Credential::Session(record)) => {
            SessionRows(ends).delete(&record.id).await.unwrap();
        }
        (End::Revoke, Credential::Token(id, _)) => {
            revoke(&ends, id).await;
        }
        (End::Password, _) => {
            let link = group.link.as_ref().unwrap();
            ends.set_password_by_link(link, "a hash".to_owned())
                .await
                .unwrap();
        }
        _ => {
            ends.set_account_disabled(&operator(), &group.account, true)
                .await
                .unwrap();
        }
    }
    let mut answers = Vec::new();
    for one in uses {
        answers.push(one.await.unwrap());
    }
    (group, answers)
}

/// The two engines beside each other: each waits for its disk most of the time.
pub fn run(plan: &Plan) -> Report {
    std::thread::scope(|scope| {
        let [sqlite, postgres] = Kind::BOTH.map(|kind| scope.spawn(move || on(plan, kind)));
        let mut report = sqlite.join().unwrap();
        report.append(postgres.join().unwrap());
        report
    })
}

fn on(plan: &Plan, kind: Kind) -> Report {
    let mut report = Report::default();
    let wanted = plan.pick(48, 10_000);
    let template = Template::new(kind, 2_000);
    let runtime = world::runtime(2);
    let (mut scene, place) = runtime.block_on(Scene::new(&template));
    for (end, what) in ENDS {
        let mut rng = plan.rng(&format!("logouts {} {end:?}", kind.name()));
        let mut counts = Counts::default();
        while counts.raced < wanted {
            let pairs = ROUND.min(wanted - counts.raced);
            runtime.block_on(scene.round(end, pairs, &mut rng, &mut counts));
        }
        let what = format!("{}: {what}", kind.name());
        report.at_least(format!("{what}: raced"), &counts.raced, &wanted);
        report.tell(format!("{what}: captured first"), &counts.accepted);
        report.exactly(format!("{what}: ended and revived"), &counts.revived, &0);
        let what = format!("{what}: refused, yet captured");
        report.exactly(what, &counts.captured, &0);
    }
    runtime.shutdown_background();
    drop(place);
    report
}
