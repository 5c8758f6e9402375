//! Everything that reads what strangers write, fed with mutations of valid input. Nothing panics,
//! and what is taken is what it should be, by another reader's judgement.

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fastrand::Rng;
use rollcall::api;
use rollcall::auth::is_own_path;
use rollcall::model::Reason;
use rollcall::rotation::is_well_formed;
use rollcall::rotation::ledger::Ledger;
use rollcall::web::{self, AppState, Mode};
use tower::ServiceExt as _;
use url::Url;

use crate::plan::{Plan, Report};
use crate::world::{Kind, Node, Template};

/// What is tried on one reader.
struct Target {
    name: &'static str,
    seeds: &'static [&'static str],
    /// What matters to this reader: put in at random places.
    bits: &'static [&'static str],
    /// Reads one input: whether it was taken, or what is wrong with how it was read.
    read: fn(&[u8]) -> Result<bool, String>,
}

const TOKEN: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImcxLUFBQUFBQUFBIn0.\
     eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjMwMDAiLCJzdWIiOiJpbnRfMDFBUlozTkRFS1RTVjRSUkZGUTY5RzVGQVYifQ.\
     c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmUtc2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmUtc2lnbmEA";

/// Readers that are functions. One more is one more line, with its invariant.
const TARGETS: &[Target] = &[
    Target {
        name: "token form",
        seeds: &[TOKEN, "aaaa.bbbb.cccc", "e30.e30.AA", "A-_w.e30.AAA"],
        bits: &[
            ".", "..", "=", "-", "_", "+", "/", "A", "B", "\0", " ", "\u{e9}", "%2E", "\n",
        ],
        read: token_form,
    },
    Target {
        name: "bearer header",
        seeds: &[
            "Bearer aaaa.bbbb.cccc",
            "bearer e30.e30.AA",
            "Basic dXNlcjpwYXNz",
            "Bearer",
            "Bearer a.b.c\nBearer d.e.f",
        ],
        bits: &[
            " ", "\t", "\n", "Bearer ", "BEARER", ",", "\u{e9}", "\u{7f}", "\"", "=", "Bearer\t",
        ],
        read: bearer_header,
    },
    Target {
        name: "next",
        seeds: &[
            "/",
            "/integrations/int_01ARZ3NDEKTSV4RRFFQ69G5FAV?x=1#y",
            "/fix?ref=abc",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/login?next=//evil.example",
        ],
        bits: &[
            "/",
            "//",
            "\\",
            "\t",
            "\n",
            "\r",
            " ",
            "\0",
            "@",
            ":",
            "..",
            "%2f",
            "%5c",
            "?",
            "#",
            "evil.example",
            "javascript:",
            "\u{2028}",
            "\u{ff0f}",
            "\u{feff}",
            "\u{ad}",
            "https:",
        ],
        read: next,
    },
    Target {
        name: "CSV import",
        seeds: &[
            LEDGER,
            "digest,account,integration,expires_at\n\
             0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,\"North, wind\",Sync,2031-01-01T00:00:00Z\n",
            "account,integration,token,contact\r\nNorthwind,Sync,e30.e30.AA,ops@northwind.example\r\n",
        ],
        bits: &[
            ",",
            "\"",
            "\"\"",
            "\n",
            "\r\n",
            "\n\n",
            ";",
            "\t",
            "\0",
            "\u{feff}",
            "\u{e9}",
            "token",
            "account",
            "integration",
            "issued",
            "-1",
            "99999999999999999999",
            "2026-02-30",
            "=1+1",
            "e30.e30.AA",
        ],
        read: ledger,
    },
];

/// A ledger of tokens issued elsewhere.
const LEDGER: &str = "token,account,integration,issued,expires,last_used\n\
     e30.eyJleHAiOjR9.AA,Northwind,Order sync,2026-01-01,2031-01-01,2026-11-01T10:00:00Z\n\
     eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl,Tailspin,\"Export, nightly\",1767225600,,\n";

/// An independent reader's judgement: three parts that decode and encode to the same text.
fn canonical(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let same = |part: &&str| {
        let decoded = URL_SAFE_NO_PAD.decode(part);
        !part.is_empty() && decoded.is_ok_and(|bytes| URL_SAFE_NO_PAD.encode(bytes) == **part)
    };
    text.len() <= 4_096 && parts.len() == 3 && parts.iter().all(same)
}

fn token_form(input: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(input);
    let taken = is_well_formed(&text);
    if taken == canonical(&text) {
        Ok(taken)
    } else {
        Err(format!("taken: {taken}, canonical: {}", !taken))
    }
}

/// Lines are headers of one request.
fn bearer_header(input: &[u8]) -> Result<bool, String> {
    let mut headers = HeaderMap::new();
    let mut sent = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            sent.push(line.to_vec());
            headers.append(AUTHORIZATION, value);
        }
    }
    match api::bearer(&headers) {
        Ok(token) => {
            let [line] = &sent[..] else {
                return Err(format!("a token out of {} headers", sent.len()));
            };
            let line = String::from_utf8_lossy(line);
            let scheme = line
                .get(..6)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
            let rest = line.get(7..).unwrap_or_default();
            if scheme && !token.is_empty() && rest.trim_start_matches(' ') == token {
                Ok(true)
            } else {
                Err(format!("took {token:?}"))
            }
        }
        Err(Reason::Missing | Reason::Malformed) => Ok(false),
        Err(other) => Err(format!("refused as {other}")),
    }
}

fn next(input: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(input);
    let taken = is_own_path(&text);
    if taken {
        for base in [
            "https://rollcall.example/login",
            "http://127.0.0.1:3000/fix?ref=x",
        ] {
            let base = Url::parse(base).expect("it is one");
            let there = base.join(&text).map_err(|error| error.to_string())?;
            if there.origin() != base.origin() {
                return Err(format!("leads to {there}"));
            }
        }
        HeaderValue::from_str(&text)
            .or_else(|_| HeaderValue::from_bytes(text.as_bytes()))
            .map_err(|_| "is no header".to_owned())?;
    }
    Ok(taken)
}

/// Rows come in the order of their lines; what is said of a wrong one does not repeat what may be a
/// token.
fn ledger(input: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(input);
    let secrets: Vec<&str> = text
        .split([',', '\n', '"', ';', '\t'])
        .map(str::trim)
        .filter(|piece| piece.len() >= 16)
        .collect();
    let tells = |said: &str| match secrets.iter().find(|secret| said.contains(**secret)) {
        Some(secret) => Err(format!("{said:?} repeats {secret:?}")),
        None => Ok(false),
    };
    let mut ledger = match Ledger::open(input) {
        Ok(ledger) => ledger,
        Err(error) => return tells(&error.to_string()),
    };
    let lines = input.split(|byte| *byte == b'\n').count() as u64;
    let (mut before, mut taken) = (0, false);
    loop {
        let (line, row) = match ledger.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(taken),
            Err(error) => return tells(&error.to_string()),
        };
        if line <= before || line > lines {
            return Err(format!("line {line} after {before}, of {lines}"));
        }
        before = line;
        match row {
            Ok(row)
                if row.account.is_empty() || row.integration.is_empty() || row.hint.len() != 4 =>
            {
                return Err(format!("{row:?}"));
            }
            Ok(_) => taken = true,
            Err(said) => {
                tells(&said)?;
            }
        }
    }
}

/// A valid input with some changes.
fn mutate(seeds: &[&str], bits: &[&str], rng: &mut Rng) -> Vec<u8> {
    let mut input = seeds[rng.usize(..seeds.len())].as_bytes().to_vec();
    for _ in 0..rng.usize(..6) {
        let at = rng.usize(..=input.len());
        match rng.u8(..8) {
            0 | 1 => {
                let bit = bits[rng.usize(..bits.len())].bytes();
                input.splice(at..at, bit).for_each(drop);
            }
            2 if at < input.len() => input[at] = rng.u8(..),
            3 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
            4 => {
                let end = rng.usize(at..=input.len());
                input.drain(at..end);
            }
            5 => input.truncate(at),
            6 => {
                let end = (at + rng.usize(..40)).min(input.len());
                let copy = input[at..end].to_vec();
                let to = rng.usize(..=input.len());
                input.splice(to..to, copy).for_each(drop);
            }
            _ => {
                let other = seeds[rng.usize(..seeds.len())].as_bytes();
                let from = rng.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
        // Now and then very long.
        if rng.u16(..) < 40 && !input.is_empty() {
            input = input.repeat(1 + 6_000 / input.len());
        }
    }
    input
}

fn try_target(target: &Target, many: usize, plan: &Plan, report: &mut Report) {
    let mut rng = plan.rng(&format!("fuzz {}", target.name));
    let (mut taken, mut panics, mut wrong) = (0_usize, 0_usize, 0_usize);
    for _ in 0..many {
        let input = mutate(target.seeds, target.bits, &mut rng);
        let shown = || String::from_utf8_lossy(&input[..input.len().min(200)]).into_owned();
        match catch_unwind(AssertUnwindSafe(|| (target.read)(&input))) {
            Ok(Ok(yes)) => taken += usize::from(yes),
            Ok(Err(what)) => {
                wrong += 1;
                if wrong < 4 {
                    println!("  {}: {:?}: {what}", target.name, shown());
                }
            }
            Err(_) => {
                panics += 1;
                println!("  {}: panicked on {:?}", target.name, shown());
            }
        }
    }
    let name = target.name;
    report.at_least(format!("{name}: executions"), &many, &many);
    report.at_least(format!("{name}: taken"), &taken, &(many / 100));
    report.exactly(format!("{name}: taken wrongly, or wrongly not"), &wrong, &0);
    report.exactly(format!("{name}: panics"), &panics, &0);
}

/// Cookies through the site: an id of no session, or no id, is nobody; nothing is echoed.
fn cookies(many: usize, plan: &Plan, report: &mut Report) {
    const SEEDS: &[&str] = &[
        "rollcall_3000=AAAAAAAAAAAAAAAAAAAAAA; ended=rotation",
        "rollcall_3000=IGBTHV1mVoh0hMJWjYGZZQ",
        "a=b; rollcall_3000=\"IGBTHV1mVoh0hMJWjYGZZQ\"; theme=dark",
        "__Host-rollcall=AAAAAAAAAAAAAAAAAAAAAA",
    ];
    const BITS: &[&str] = &[
        ";",
        "=",
        "; ",
        ",",
        "\"",
        "%00",
        "%",
        "\u{e9}",
        "rollcall_3000=",
        "ended=",
        "theme=",
        "=;",
        "\t",
        "AAAA",
        "-",
        "_",
    ];
    let template = Template::new(Kind::Sqlite, 2_000);
    let place = template.copy();
    let node = Node::serving(&place, 0);
    let app = AppState::new(
        node.engine.clone(),
        Vec::new(),
        Mode::Enforce,
        3000,
        "file:///dev/null",
    );
    let router = web::router(&app);
    let threads = 2;
    let (mut sent, mut panics, mut wrong) = (0_usize, 0_usize, 0_usize);
    node.run(async |_| {
        let mut tasks = tokio::task::JoinSet::new();
        for thread in 0..threads {
            let (mut rng, router) = (plan.rng(&format!("fuzz cookie {thread}")), router.clone());
            tasks.spawn(async move {
                let (mut sent, mut panics, mut wrong) = (0, 0, 0);
                while sent < many.div_ceil(threads) {
                    let input = mutate(SEEDS, BITS, &mut rng);
                    let Ok(value) = HeaderValue::from_bytes(&input) else {
                        continue;
                    };
                    let mut request = Request::get("/").header(COOKIE, value);
                    if rng.u8(..8) == 0 {
                        request = request.header(COOKIE, "rollcall_3000=AAAA");
                    }
                    let request = request.body(Body::empty()).expect("it is one");
                    let answer = router.clone().oneshot(request).await.expect("it answers");
                    sent += 1;
                    panics += usize::from(answer.status() == 500);
                    let to = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
                    let fine = answer.status() == 303 && to == Some(b"/login?next=/");
                    let echoed = answer.headers().get_all(SET_COOKIE).iter().any(|set| {
                        let set = String::from_utf8_lossy(set.as_bytes());
                        !(set.starts_with("rollcall_3000=;") && set.contains("Max-Age=0"))
                    });
                    if !fine || echoed {
                        wrong += 1;
                        let shown = String::from_utf8_lossy(&input).into_owned();
                        println!(
                            "  cookie: {shown:?}: {} {:?}",
                            answer.status(),
                            answer.headers()
                        );
                    }
                }
                (sent, panics, wrong)
            });
        }
        for (more, fell, off) in tasks.join_all().await {
            sent += more;
            panics += fell;
            wrong += off;
        }
    });
    report.at_least("cookie: executions", &sent, &many);
    report.exactly("cookie: answered but \"sign in\"", &wrong, &0);
    report.exactly("cookie: panics", &panics, &0);
}

pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    for target in TARGETS {
        try_target(target, plan.pick(20_000, 1_000_000), plan, &mut report);
    }
    cookies(plan.pick(1_000, 1_000_000), plan, &mut report);
    report
}
