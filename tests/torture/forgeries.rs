//! A thief who has the master key and took the sealed private key before the rotation began: what
//! they sign with the real key, and every trick with a token's form, in every phase.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rollcall::model::IntegrationId;
use rollcall::rotation::{Engine, MasterKey};
use rollcall::web::{self, AppState, Mode};
use tower::ServiceExt as _;

use crate::plan::{Plan, Report};
use crate::tricks::{Forger, TRICKS};
use crate::world::{self, Kind, Node, Template, operator};

/// Tokens that are registered and make no request, for the thief to work from.
const REGISTERED: usize = 8;

/// The private key of a generation, as whoever has the master key opens it.
fn steal(sealed: &[u8], kid: &str, master: &MasterKey) -> Ed25519KeyPair {
    let master = STANDARD.decode(master.to_base64().as_str()).unwrap();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &master).unwrap());
    let (nonce, body) = sealed.split_at(12);
    let mut body = body.to_vec();
    let bound = format!("rollcall signing key {kid} active");
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    let seed = cipher
        .open_in_place(nonce, Aad::from(bound), &mut body)
        .unwrap();
    Ed25519KeyPair::from_seed_unchecked(seed).unwrap()
}

/// What a batch of forgeries was answered.
#[derive(Default)]
struct Tried {
    answers: BTreeMap<String, usize>,
    accepted: Vec<String>,
    tried: usize,
}

/// What a gateway would ask with these Authorization headers.
async fn ask(router: &Router, headers: &[String], query: &str) -> Option<(u16, String)> {
    let mut request = Request::get(format!("/verify{query}"));
    for header in headers {
        // What is no header cannot be sent.
        request = request.header(
            AUTHORIZATION,
            HeaderValue::from_bytes(header.as_bytes()).ok()?,
        );
    }
    let request = request.body(Body::empty()).ok()?;
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 65_536)
        .await
        .unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default();
    Some((status, code.to_owned()))
}

/// Tries `many` forgeries in one phase.
async fn attack(router: &Router, forger: &mut Forger, phase: &str, many: usize, tried: &mut Tried) {
    for _ in 0..many {
        let forgery = forger.forge();
        let Some((status, code)) = ask(router, &forgery.headers, &forgery.query).await else {
            continue;
        };
        tried.tried += 1;
        *tried.answers.entry(format!("{status} {code}")).or_default() += 1;
        if status != 401 {
            let trick = forgery.trick;
            tried
                .accepted
                .push(format!("{status} to \"{trick}\" while {phase}"));
        }
    }
}

struct Scene {
    node: Node,
    router: Router,
    control: IntegrationId,
    forger: Forger,
}

async fn prepare(
    engine: &Engine,
    master: &MasterKey,
    rng: fastrand::Rng,
) -> (Forger, IntegrationId) {
    let (victim, control) = (
        world::integration(engine, "Victim").await,
        world::integration(engine, "Control").await,
    );
    let mut tokens = Vec::new();
    for _ in 0..REGISTERED {
        let issued = world::issue(engine, &victim).await;
        tokens.push(issued.token.expose().to_owned());
    }
    let keys = engine.keys().await.unwrap();
    let key = &keys[0];
    let pair = steal(key.sealed.as_deref().unwrap(), &key.kid, master);
    let public = key.public_key.clone().unwrap();
    assert_eq!(
        pair.public_key().as_ref(),
        public,
        "the key that was stolen is the key"
    );
    (
        Forger::new(pair, public, key.kid.clone(), tokens, rng),
        control,
    )
}

/// One whole rotation under attack.
fn rotate(kind: Kind, many: usize, rng: fastrand::Rng, report: &mut Report) {
    let template = Template::new(kind, 2_000);
    let place = template.copy();
    let node = Node::serving(&place, 0);
    let name = kind.name();
    let mut tried = Tried::default();
    let (forger, control) = node.run(async |engine| prepare(engine, &place.master, rng).await);
    let app = AppState::new(
        node.engine.clone(),
        Vec::new(),
        Mode::Enforce,
        3000,
        "file:///dev/null",
    );
    let router = web::router(&app);
    let scene = Scene {
        node,
        router,
        control,
        forger,
    };
    let Scene {
        node,
        router,
        control,
        mut forger,
    } = scene;
    let (same, captured, uses) = node.run(async |engine| {
        let same = forger.signs_the_same_again();
        let real = world::issue(engine, &control).await;
        let header = vec![format!("Bearer {}", real.token.expose())];
        attack(&router, &mut forger, "idle", many / 4, &mut tried).await;
        engine
            .start_rotation(&operator(), world::rotation("attacked"))
            .await
            .unwrap();
        forger.new_kid(engine.keys().await.unwrap()[0].kid.clone());
        attack(&router, &mut forger, "recording", many / 4, &mut tried).await;
        // The one real request: it shows that the site answers at all.
        let answer = ask(&router, &header, "").await.unwrap();
        assert_eq!(
            answer.0, 200,
            "the real token of another account: {answer:?}"
        );
        let captured = engine.status().await.unwrap().tokens.captured;
        engine.finalise(&operator(), "attacked").await.unwrap();
        attack(&router, &mut forger, "finalised", many / 4, &mut tried).await;
        engine
            .close_rotation(&operator(), "attacked")
            .await
            .unwrap();
        attack(
            &router,
            &mut forger,
            "closed",
            many - 3 * (many / 4),
            &mut tried,
        )
        .await;
        engine.flush().await.unwrap();
        let uses = engine.status().await.unwrap().tokens.captured;
        (same, captured, uses)
    });
    report.at_least(
        format!("{name}: forgeries tried, of {TRICKS} kinds"),
        &tried.tried,
        &(many * 9 / 10),
    );
    for (answer, times) in &tried.answers {
        report.tell(format!("{name}: answered {answer}"), times);
    }
    for accepted in tried.accepted.iter().take(5) {
        println!("  {name}: {accepted}");
    }
    report.exactly(
        format!("{name}: answered anything but 401"),
        &tried.accepted.len(),
        &0,
    );
    report.exactly(
        format!("{name}: captured, beside the one real token"),
        &(captured - 1),
        &0,
    );
    report.exactly(format!("{name}: carried over after all"), &(uses - 1), &0);
    // Ed25519 has no randomness: the same words signed again are no other token.
    report.exactly(
        format!("{name}: same claims, signed again: the token itself"),
        &same,
        &REGISTERED,
    );
}

pub fn run(plan: &Plan) -> Report {
    let mut report = Report::default();
    for kind in Kind::BOTH {
        let rng = plan.rng(&format!("forgeries {}", kind.name()));
        rotate(kind, plan.pick(400, 50_000), rng, &mut report);
    }
    report
}
