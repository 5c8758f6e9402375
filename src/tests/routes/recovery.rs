//! From a 401 to a working token, as a browser without script does it.

use axum::http::StatusCode;

use super::super::http::{PASSWORD, Site, Visitor};
use super::super::world::World;
use crate::model::IntegrationId;
use crate::rotation::registry::Issued;

const ANA: &str = "ana@alpha.example";

/// A site on which Alpha's only token has stopped working at the cutover.
async fn after_cutover() -> (Site, IntegrationId, Issued) {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    world.integration("Beta").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    site.user(Some("Beta"), "bo@beta.example").await;
    let old = site.world.issue(&integration).await;
    site.world.accepted(&old.token).await;
    site.world.start().await;
    site.world.finalise().await;
    (site, integration, old)
}

/// Where the link in the 401 leads, as a path.
async fn fix_path(site: &Site, old: &Issued) -> String {
    let refusal = site.verify(old.token.expose()).await;
    assert_eq!(refusal.status, StatusCode::UNAUTHORIZED);
    // What was refused is noted behind the answer.
    site.world.engine.flush().await.unwrap();
    let help = refusal.json()["help_url"].as_str().unwrap().to_owned();
    help.strip_prefix("http://127.0.0.1:3000")
        .unwrap()
        .to_owned()
}

async fn generate(visitor: &mut Visitor, id: &IntegrationId) -> super::super::http::Page {
    let page = visitor.get(&format!("/integrations/{id}")).await;
    let form = page.field("form");
    visitor
        .post(
            &format!("/integrations/{id}/tokens"),
            &[("form", &form), ("expires", ""), ("old", "")],
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_401_to_a_working_token() {
    let (site, id, old) = after_cutover().await;
    let fix = fix_path(&site, &old).await;
    let mut ana = site.visitor();
    let page = ana.get(&fix).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        !page.body.contains("Alpha"),
        "whose token it was is not said to strangers"
    );

    let next = page.field("next");
    let page = ana
        .post(
            "/login",
            &[("email", ANA), ("password", PASSWORD), ("next", &next)],
        )
        .await;
    assert_eq!(page.header("location"), fix);
    let page = ana.follow(&fix).await;
    assert_eq!(page.h1(), "Order sync needs a new token.");
    assert!(
        page.body.contains("The 401 was about the token"),
        "{}",
        page.body
    );
    assert_eq!(page.body.matches("Generate new token<").count(), 1);

    let form = page.field("form");
    let path = format!("/integrations/{id}/tokens");
    let fresh = ana
        .post(&path, &[("form", &form), ("expires", "90d")])
        .await;
    assert_eq!(fresh.status, StatusCode::OK);
    assert_eq!(fresh.header("cache-control"), "no-store");
    let token = fresh.between("<output id=\"token\"", "</output>");
    let token = token.split_once('>').unwrap().1.to_owned();
    assert_eq!(fresh.body.matches(token.as_str()).count(), 1, "shown once");
    assert!(fresh.body.contains("Waiting for first request"));

    let again = ana.post(&path, &[("form", &form)]).await;
    let page_of = format!("/integrations/{id}?generated=");
    let made = again.header("location").strip_prefix(&page_of);
    assert!(made.is_some_and(|made| made.starts_with("tok_")));
    // Which form that was is not known of whoever only comes by: nothing is offered to be revoked.
    let by_address = ana.get(&path).await;
    assert_eq!(by_address.header("location"), format!("{page_of}already"));
    let page = ana.get(by_address.header("location")).await;
    assert!(page.body.contains("already generated") && !page.body.contains("instead_of"));
    let page = ana.get(again.header("location")).await;
    assert!(page.body.contains("already generated"));
    assert!(!page.body.contains(token.as_str()));
    assert_eq!(page.body.matches("Generate new token<").count(), 1);

    // Whoever did not see it takes it back with one button, and holds another.
    let lost = page.field("instead_of");
    let another = [("form", page.field("form")), ("instead_of", lost)];
    let another = another
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let fresh = ana.post(&path, &another).await;
    assert_eq!(fresh.status, StatusCode::OK);
    let lost = token;
    let token = fresh.between("<output id=\"token\"", "</output>");
    let token = token.split_once('>').unwrap().1.to_owned();
    let refused = site.verify(&lost).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.json()["code"], "token_revoked");

    let accepted = site.verify(&token).await;
    assert_eq!(accepted.status, StatusCode::OK);
    let used = accepted.header("rollcall-token").to_owned();
    let page = ana.get(&format!("/integrations/{id}")).await;
    assert_eq!(page.h1(), "Order sync works.");
    assert!(
        page.body.contains("Working: first request"),
        "{}",
        page.body
    );

    // A token that has made a request is in somebody's hands: it is not taken back.
    let form = page.field("form");
    let kept = ana
        .post(&path, &[("form", &form), ("instead_of", &used)])
        .await;
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(kept.body.contains("it was not lost"), "{}", kept.body);
    assert_eq!(site.verify(&token).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_on_the_way_keeps_the_way() {
    let (site, _, old) = after_cutover().await;
    let fix = fix_path(&site, &old).await;
    let mut ana = site.visitor();
    let next = ana.get(&fix).await.field("next");
    let page = ana
        .post(
            "/login",
            &[
                ("email", ANA),
                ("password", "not this one"),
                ("next", &next),
            ],
        )
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.field("next"), fix);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_opens_for_its_account_alone() {
    let (site, _, old) = after_cutover().await;
    let fix = fix_path(&site, &old).await;
    let mut bo = site.signed_in("bo@beta.example").await;
    let strange = bo.get(&fix).await;
    let unknown = bo.get("/fix?ref=nothing-of-ours").await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND);
    assert_eq!(strange.h1(), unknown.h1());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_fragment_follows_one_token_of_its_owner() {
    let (site, id, _) = after_cutover().await;
    let mut ana = site.signed_in(ANA).await;
    let fresh = generate(&mut ana, &id).await;
    let src = format!("/integrations/{id}/live?token=tok_{}", {
        let token = fresh.between("live?token=tok_", "&quot;");
        token.to_owned()
    });
    let waiting = ana.get(&src).await;
    assert!(
        waiting.body.contains("Waiting for first request"),
        "{}",
        waiting.body
    );
    assert!(!waiting.body.contains("data-done"));
    let token = fresh.between("<output id=\"token\"", "</output>");
    let token = token.split_once('>').unwrap().1;
    assert_eq!(site.verify(token).await.status, StatusCode::OK);
    let working = ana.get(&src).await;
    assert!(
        working.body.contains("from 203.0.113.7"),
        "{}",
        working.body
    );
    assert!(working.body.contains("data-done"));
    assert!(!working.body.contains("<html"));

    let mut bo = site.signed_in("bo@beta.example").await;
    assert_eq!(bo.get(&src).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        bo.get(&format!("/integrations/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(generate_blind(&mut bo, &id).await, StatusCode::NOT_FOUND);
}

/// Posts the form of a page one cannot see.
async fn generate_blind(visitor: &mut Visitor, id: &IntegrationId) -> StatusCode {
    visitor
        .post(
            &format!("/integrations/{id}/tokens"),
            &[("form", "made-up")],
        )
        .await
        .status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked_by_its_owner_alone() {
    let (site, id, _) = after_cutover().await;
    let other = site.world.issue(&id).await;
    let path = format!("/integrations/{id}/tokens/{}/revoke", other.row.id);
    let mut bo = site.signed_in("bo@beta.example").await;
    assert_eq!(bo.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    site.world.accepted(&other.token).await;
    let mut ana = site.signed_in(ANA).await;
    assert_eq!(ana.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    let refusal = site.verify(other.token.expose()).await;
    assert_eq!(refusal.json()["code"], "token_revoked");
}
