//! Integrations are renamed and archived on their pages.

use axum::http::StatusCode;

use super::super::http::{Site, Visitor};
use super::super::world::World;

const ANA: &str = "ana@alpha.example";
const BO: &str = "bo@beta.example";

/// Ana's integration, and Bo of another account.
async fn site() -> (Site, String) {
    let world = World::sqlite().await;
    let id = world.integration("Alpha").await.to_string();
    world.integration("Beta").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    site.user(Some("Beta"), BO).await;
    (site, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_is_renamed_to_what_can_be_a_name() {
    let (site, id) = site().await;
    let mut ana = site.signed_in(ANA).await;
    ana.post("/integrations", &[("name", "Billing")]).await;
    let path = format!("/integrations/{id}/rename");
    for wrong in ["billing", "", "a\nb"] {
        let page = ana.post(&path, &[("name", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(page.body.contains("<title>Error: "));
    }
    let page = ana.post(&path, &[("name", " Export ")]).await;
    let page = ana.get(page.header("location")).await;
    assert_eq!(page.h1(), "Export has no token yet.");
    assert!(page.body.contains("Renamed. Nothing else has changed."));
    assert!(page.body.contains("Renamed from “Order sync” to “Export”"));
    // The address of the form, opened by hand.
    let page = ana.get(&path).await;
    assert_eq!(page.header("location"), format!("/integrations/{id}/edit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_integration_leaves_its_story() {
    let (site, id) = site().await;
    let integration = id.parse().unwrap();
    let issued = site.world.issue(&integration).await;
    site.world.accepted(&issued.token).await;
    let mut ana = site.signed_in(ANA).await;
    let path = format!("/integrations/{id}/archive");

    let page = ana.get(&format!("/integrations/{id}/edit")).await;
    assert_eq!(page.h1(), "Rename or archive Order sync");
    assert!(page.body.contains("Its working token is revoked at once"));
    for wrong in ["", "order sync", "yes"] {
        let page = ana.post(&path, &[("confirm", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        site.world.accepted(&issued.token).await;
    }
    // Twice: a double click.
    for _ in 0..2 {
        let page = ana.post(&path, &[("confirm", "Order sync")]).await;
        assert_eq!(page.header("location"), format!("/?archived={id}"));
    }
    let refused = site.verify(issued.token.expose()).await;
    assert_eq!(refused.json()["code"], "token_revoked");

    let start = ana.get(&format!("/?archived={id}")).await;
    assert_eq!(start.h1(), "You have no integrations yet.");
    assert!(start.body.contains("Order sync is archived."));
    assert!(start.body.contains("1 archived integration"));
    let page = ana.get(&format!("/integrations/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.h1(), "Order sync is archived.");
    assert!(
        page.body
            .contains("The integration was archived by ana@alpha.example.")
    );
    assert!(!page.body.contains("action=\"/integrations/"));
    // The link in the 401 of its token leads to the same page.
    let help = refused.json()["help_url"].as_str().unwrap().to_owned();
    let fix = help.split_once("3000").unwrap().1;
    let page = ana.follow(fix).await;
    assert_eq!(page.h1(), "Order sync is archived.");
    // Nothing is done to it any more.
    for (what, field) in [("tokens", "form"), ("rename", "name")] {
        let path = format!("/integrations/{id}/{what}");
        let page = ana.post(&path, &[(field, "one")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{what}");
    }
    let page = ana.get(&format!("/integrations/{id}/edit")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    // Its name is free.
    let page = ana.post("/integrations", &[("name", "Order sync")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_finds_nothing_archived_or_not() {
    let (site, id) = site().await;
    let mut bo = site.signed_in(BO).await;
    let all = async |bo: &mut Visitor| {
        for path in ["", "/edit"] {
            let page = bo.get(&format!("/integrations/{id}{path}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
        for (what, field) in [("rename", "name"), ("archive", "confirm")] {
            let path = format!("/integrations/{id}/{what}");
            let page = bo.post(&path, &[(field, "Order sync")]).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{what}");
        }
        let page = bo.get(&format!("/?archived={id}")).await;
        assert!(!page.body.contains("is archived"));
    };
    all(&mut bo).await;
    let mut ana = site.signed_in(ANA).await;
    let path = format!("/integrations/{id}/archive");
    ana.post(&path, &[("confirm", "Order sync")]).await;
    all(&mut bo).await;
}
