//! `/verify` and its neighbours, as a gateway meets them.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use super::both;
use super::http::Site;
use super::world::World;
use crate::web::Mode;

both! {
    async fn an_accepted_token_tells_the_gateway_whose_it_is(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        let site = Site::of(world).await;
        let page = site.verify(issued.token.expose()).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.body, "");
        assert_eq!(page.header("rollcall-integration"), integration.as_str());
        assert_eq!(page.header("rollcall-account"), issued.integration.account_id.as_str());
        assert_eq!(page.header("rollcall-token"), issued.row.id.as_str());
        assert_eq!(page.header("rollcall-standing"), "working");
        assert_eq!(page.header("rollcall-capture"), "");
        site.world.start().await;
        assert_eq!(site.verify(issued.token.expose()).await.header("rollcall-capture"), "recorded");
        assert_eq!(site.verify(issued.token.expose()).await.header("rollcall-capture"), "already");
    }
}

both! {
    async fn a_dormant_token_is_told_why_and_where_to_go(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        world.finalise().await;
        let site = Site::of(world).await;
        let page = site.verify(issued.token.expose()).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(page.header("content-type"), "application/problem+json");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("www-authenticate").contains("error=\"invalid_token\""));
        let problem = page.json();
        assert_eq!(problem["code"], "token_not_captured");
        assert_eq!(problem["status"], 401);
        assert_eq!(problem["rotation"], "2026-11");
        assert_eq!(problem["help_url"], format!("http://127.0.0.1:3000/fix?ref={}", issued.row.fix_ref));
        assert_eq!(problem["request_id"], page.header("x-request-id"));
        for field in ["type", "title", "detail", "rotated_at"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_token_of_ours_is_refused_by_name() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let issued = world.issue(&integration).await;
    let site = Site::of(world).await;
    let token = issued.token.expose();
    let code = async |request: Request<Body>| {
        let page = site.send(request).await;
        (
            page.status.as_u16(),
            page.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let with = |value: &str| {
        Request::get("/verify")
            .header("authorization", value)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(
        code(Request::get("/verify").body(Body::empty()).unwrap()).await,
        (401, "token_missing".to_owned())
    );
    assert_eq!(
        code(with("Bearer garbage")).await,
        (401, "token_malformed".to_owned())
    );
    assert_eq!(
        code(with(&format!("Bearer {}", "a".repeat(5000)))).await,
        (401, "token_malformed".to_owned())
    );
    let twice = Request::get("/verify")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(code(twice).await, (401, "token_malformed".to_owned()));
    // The same claims under another signature: one character is another.
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    assert_eq!(
        code(with(&format!("Bearer {head}.{other}{}", &signature[1..]))).await,
        (401, "token_unknown".to_owned())
    );
}

both! {
    /// A good signature on claims that were never issued: refused, and never captured (I3).
    async fn a_forgery_with_the_real_key_is_refused(world: World) {
        use crate::rotation::forge_for_tests;
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        let forged = forge_for_tests(&world.engine, &integration).await;
        world.start().await;
        let site = Site::of(world).await;
        let page = site.verify(forged.expose()).await;
        assert_eq!(page.json()["code"], "token_unknown");
        assert_eq!(site.world.engine.status().await.unwrap().tokens.captured, 0);
        assert_eq!(site.verify(issued.token.expose()).await.status, StatusCode::OK);
    }
}

both! {
    /// Whatever a stranger writes as the name of a key names none: the answer is no failure of ours.
    async fn a_key_of_any_name_is_looked_for(world: World) {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let site = Site::of(world).await;
        for kid in ["g1\\u0000", "", "../../dev/null", "x' or '1'='1"] {
            let head = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#);
            let page = site.verify(&format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(head))).await;
            assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{kid}");
            assert_eq!(page.json()["code"], "token_unknown", "{kid}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn observing_refuses_nobody_and_says_what_it_would_have_done() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let issued = world.issue(&integration).await;
    world.start().await;
    world.finalise().await;
    let site = Site::with_mode(world, Mode::Observe).await;
    let page = site.verify(issued.token.expose()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("rollcall-would-refuse"), "token_not_captured");
}

both! {
    async fn keys_and_health_are_public(world: World) {
        let site = Site::of(world).await;
        let get = async |path: &str| site.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(get("/livez").await.status, StatusCode::OK);
        assert_eq!(get("/readyz").await.status, StatusCode::OK);
        let keys = get("/.well-known/jwks.json").await;
        let keys: Value = keys.json();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
        assert_eq!(keys["keys"][0]["crv"], "Ed25519");
        assert!(keys["keys"][0].get("d").is_none());
    }
}

/// The database is gone: 503 with a time to come back, never a guess (I8).
#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_the_answer_is_unavailable() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let issued = world.issue(&integration).await;
    let site = Site::of(world).await;
    assert_eq!(
        site.verify(issued.token.expose()).await.status,
        StatusCode::OK
    );
    site.world.engine.db().close().await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let page = site.verify(issued.token.expose()).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.json()["code"], "unavailable");
    assert_eq!(page.header("retry-after"), "1");
}
