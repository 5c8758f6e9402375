use axum::http::StatusCode;

use super::super::elsewhere::platform::Platform;
use super::super::http::{Page, Site, Visitor};
use super::super::world::World;
use crate::model::{PlainToken, Reason, TokenId};

const ADMIN: &str = "priya@platform.example";

/// Alpha exists, Beta does not; one held token of each, and an admin who has signed in.
async fn with_held() -> (Site, Visitor, [PlainToken; 2]) {
    let world = World::sqlite().await;
    world.integration("Alpha").await;
    let old = Platform::hs256(None);
    old.import_into(&world).await;
    let tokens = [
        old.issued("alpha", "<b>Reports</b>"),
        old.issued("Beta", "Order sync"),
    ];
    for token in &tokens {
        world.accepted(token).await;
        world.engine.flush().await.unwrap();
    }
    let site = Site::of(world).await;
    site.user(None, ADMIN).await;
    site.user(Some("Alpha"), "ana@alpha.example").await;
    let admin = site.signed_in(ADMIN).await;
    (site, admin, tokens)
}

fn path(token: &PlainToken) -> String {
    format!("/admin/held/{}", TokenId::of_digest(&token.digest()))
}

fn refused(page: &Page) -> bool {
    page.status == StatusCode::UNPROCESSABLE_ENTITY && page.body.contains("<title>Error: ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_first_what_the_phase_makes_of_held_tokens() {
    let (site, mut admin, tokens) = with_held().await;
    let page = admin.get("/admin/held").await;
    assert_eq!(page.h1(), "2 held tokens work until the next cutover.");
    assert!(page.body.contains("&lt;b"), "a claim is text");
    assert!(!page.body.contains("<b>Reports"));
    assert!(page.body.contains("no such account"));
    for secret in [tokens[0].expose(), "keep-this-secret"] {
        assert!(!page.body.contains(secret));
    }
    assert!(
        admin
            .get("/admin")
            .await
            .body
            .contains("href=\"/admin/held\"")
    );
    site.world.start().await;
    let page = admin.get("/admin/held").await;
    assert_eq!(
        page.h1(),
        "2 held tokens stop working at the cutover, unless you approve them."
    );
    let rotation = site.world.engine.open_rotation().await.unwrap().unwrap();
    let rotation = format!("/admin/rotations/{}", rotation.id);
    assert_eq!(
        admin.get(&rotation).await.h1(),
        "If you finalised now, nobody would lose an integration, and 2 held tokens would be refused."
    );
    let finalise = format!("{rotation}/finalise");
    let mut form = vec![
        ("stops", "yes"),
        ("sessions", "yes"),
        ("promise", "yes"),
        ("confirm", "2026-11"),
    ];
    let page = admin.post(&finalise, &form).await;
    assert!(
        refused(&page),
        "held tokens are a consequence to acknowledge"
    );
    form.push(("held", "yes"));
    assert_eq!(
        admin.post(&finalise, &form).await.status,
        StatusCode::SEE_OTHER
    );
    let page = admin.get("/admin/held").await;
    assert_eq!(
        page.h1(),
        "2 held tokens are refused since the cutover, unless you approve them."
    );
    site.world.close().await;
    assert_eq!(admin.get("/admin/held").await.h1(), "No token is held.");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_approved_where_it_belongs() {
    let (site, mut admin, [alpha, beta]) = with_held().await;
    site.world.start().await;
    let page = admin.get(&path(&alpha)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        (page.field("account"), page.field("contact")),
        ("Alpha".to_owned(), String::new())
    );
    let approve = format!("{}/approve", path(&alpha));
    let to_sync = [
        ("account", "Alpha"),
        ("integration", "Order sync"),
        ("contact", ""),
    ];
    for _ in 0..2 {
        // A second submit finds it approved, and that is no error.
        let page = admin.post(&approve, &to_sync).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(admin.get(&path(&alpha)).await.status, StatusCode::NOT_FOUND);

    let approve = format!("{}/approve", path(&beta));
    let page = admin
        .post(&approve, &[("account", "Beta"), ("integration", "Main")])
        .await;
    assert!(
        refused(&page) && page.body.contains("There is no account Beta"),
        "{}",
        page.body
    );
    assert_eq!(page.field("integration"), "Main", "what was typed is kept");
    let nobody = [("account", "Beta"), ("contact", "nonsense")];
    assert!(refused(&admin.post(&approve, &nobody).await));
    let made = [
        ("account", "Beta"),
        ("integration", ""),
        ("contact", "ops@beta.example"),
    ];
    let page = admin.post(&approve, &made).await;
    assert!(page.header("location").starts_with("/admin/accounts/acc_"));
    site.world.finalise().await;
    for token in [&alpha, &beta] {
        site.world.accepted(token).await;
    }
    let page = admin.follow(page.header("location")).await;
    assert!(page.body.contains("ops@beta.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_refused_after_a_tick() {
    let (site, mut admin, [alpha, _]) = with_held().await;
    let refuse = format!("{}/refuse", path(&alpha));
    assert!(refused(&admin.post(&refuse, &[]).await));
    site.world.accepted(&alpha).await;
    for _ in 0..2 {
        let page = admin.post(&refuse, &[("known", "yes")]).await;
        assert_eq!(page.header("location"), "/admin/held");
    }
    assert_eq!(site.world.reason(&alpha).await, Reason::Revoked);
    assert!(
        admin
            .get("/admin/held?show=refused")
            .await
            .body
            .contains(&path(&alpha))
    );
    assert!(!admin.get("/admin/held").await.body.contains(&path(&alpha)));
    assert!(
        admin
            .get(&path(&alpha))
            .await
            .body
            .contains("It has been refused since")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_approves_what_it_can_and_says_what_it_cannot() {
    let (site, mut admin, [alpha, beta]) = with_held().await;
    for wrong in ["", "soon", "2199-01-01"] {
        let page = admin
            .post("/admin/held/approve", &[("before", wrong)])
            .await;
        assert!(refused(&page), "{wrong}");
        assert_eq!(page.field("before"), wrong, "what was typed is kept");
    }
    site.world.pass(60_000).await;
    let before = site.world.engine.now().to_string();
    let page = admin
        .post("/admin/held/approve", &[("before", &before)])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("1 token approved. 1 token stays held"),
        "{}",
        page.body
    );
    let contact = [("before", before.as_str()), ("contact", "ops@beta.example")];
    let page = admin.post("/admin/held/approve", &contact).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    for token in [&alpha, &beta] {
        let id = TokenId::of_digest(&token.digest());
        site.world
            .engine
            .show_token(&site.world.operator, &id)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_full_says_so_until_it_is_read() {
    let (site, mut admin, _) = with_held().await;
    crate::rotation::held::limit_for_tests(&site.world.engine, 2);
    let old = Platform::hs256(None);
    site.world
        .accepted(&old.issued("Alpha", "one too many"))
        .await;
    site.world.engine.flush().await.unwrap();
    let page = admin.get("/admin/held").await;
    assert!(
        page.body
            .contains("1 request with a held token found no room"),
        "{}",
        page.body
    );
    assert!(
        admin
            .get("/admin")
            .await
            .body
            .contains("More of them arrive than may be listed")
    );
    let page = admin.post("/admin/held/seen", &[]).await;
    assert_eq!(page.header("location"), "/admin/held");
    assert!(
        !admin
            .get("/admin/held")
            .await
            .body
            .contains("found no room")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_member_held_tokens_do_not_exist() {
    let (site, _, [alpha, _]) = with_held().await;
    let mut member = site.signed_in("ana@alpha.example").await;
    for page in ["/admin/held".to_owned(), path(&alpha)] {
        assert_eq!(member.get(&page).await.status, StatusCode::NOT_FOUND);
    }
    for post in [
        "/admin/held/approve".to_owned(),
        "/admin/held/seen".to_owned(),
        format!("{}/approve", path(&alpha)),
        format!("{}/refuse", path(&alpha)),
    ] {
        let page = member
            .post(
                &post,
                &[
                    ("known", "yes"),
                    ("before", "2020-01-01"),
                    ("account", "Alpha"),
                ],
            )
            .await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{post}");
    }
    site.world.accepted(&alpha).await;
    assert_eq!(site.world.engine.status().await.unwrap().tokens.held, 2);
}

/// An imported key never signs here, and is counted among those that verify, also when it is compromised.
#[tokio::test(flavor = "multi_thread")]
async fn the_keys_page_counts_an_imported_key_that_verifies() {
    let (site, mut admin, _) = with_held().await;
    let page = admin.get("/admin/keys").await;
    assert!(page.h1().ends_with("1 other key still verifies."));
    assert!(page.body.contains("never here"), "{}", page.body);
    let (engine, by) = (&site.world.engine, &site.world.operator);
    let keys = engine.keys().await.unwrap();
    let imported = keys.into_iter().find(|key| key.origin == "imported");
    let kid = imported.unwrap().kid;
    engine
        .mark_compromised(by, &kid, "a laptop was lost")
        .await
        .unwrap();
    let page = admin.get("/admin/keys").await;
    assert!(page.h1().ends_with("1 other key still verifies."));
}
