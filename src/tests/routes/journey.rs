//! From 401 to Working, and back from a wrong click: what a customer reads on the way.

use axum::http::StatusCode;

use super::super::http::{Page, Site, Visitor};
use super::super::world::World;
use crate::model::{HOUR_MS, IntegrationId, PlainToken};
use crate::rotation::Caller;
use crate::rotation::registry::Issued;

const ANA: &str = "ana@alpha.example";

/// A customer with one integration, signed in.
async fn site() -> (Site, Visitor, IntegrationId) {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    let ana = site.signed_in(ANA).await;
    (site, ana, integration)
}

async fn generate(ana: &mut Visitor, integration: &IntegrationId, form: &[(&str, &str)]) -> Page {
    let page = ana
        .post(&format!("/integrations/{integration}/tokens"), form)
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page
}

fn token_on(page: &Page) -> PlainToken {
    let inside = page.between("<output id=\"token\"", "</output>");
    PlainToken::new(inside.split_once('>').unwrap().1.to_owned())
}

async fn live(site: &Site, ana: &mut Visitor, integration: &IntegrationId) -> Page {
    let by = &site.world.operator;
    let story = site
        .world
        .engine
        .integration(by, integration)
        .await
        .unwrap();
    let newest = story.view.newest().unwrap().id.clone();
    ana.get(&format!("/integrations/{integration}/live?token={newest}"))
        .await
}

/// A token that was used before.
async fn used(site: &Site, integration: &IntegrationId) -> Issued {
    let issued = site.world.issue(integration).await;
    site.world.accepted(&issued.token).await;
    site.world.engine.flush().await.unwrap();
    issued
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checklist_comes_after_two_minutes_without_a_request() {
    let (site, mut ana, integration) = site().await;
    generate(&mut ana, &integration, &[]).await;
    site.world.pass(110_000).await;
    let page = live(&site, &mut ana, &integration).await;
    assert!(page.body.contains("Waiting for first request"));
    assert!(!page.body.contains("Nothing yet?"), "{}", page.body);
    site.world.pass(11_000).await;
    let page = live(&site, &mut ana, &integration).await;
    assert!(page.body.contains("Nothing yet? Look at these"));
    assert!(page.body.contains(">Get help</a>"));
    // The same without script.
    let page = ana.get(&format!("/integrations/{integration}")).await;
    assert!(page.body.contains("Nothing yet? Look at these"));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_tokens_callers_are_shown_until_the_old_one_is_silent() {
    let (site, mut ana, integration) = site().await;
    let old = used(&site, &integration).await;
    let hint = &old.row.hint;
    let page = generate(&mut ana, &integration, &[]).await;
    assert!(
        page.body
            .contains(&format!("The old token …{hint} still works"))
    );
    assert!(page.body.contains("node-fetch from 203.0.113.7"));
    assert!(
        page.body
            .contains("works until 24 hours after the first request")
    );

    site.world.pass(1_000).await;
    site.world.accepted(&token_on(&page)).await;
    site.world.engine.flush().await.unwrap();
    let page = live(&site, &mut ana, &integration).await;
    assert!(page.body.contains("Working: first request"));
    assert!(
        page.body.contains("has made no request since"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("data-done"));

    site.world.pass(1_000).await;
    site.world.accepted(&old.token).await;
    site.world.engine.flush().await.unwrap();
    let page = live(&site, &mut ana, &integration).await;
    assert!(
        page.body
            .contains(&format!("The old token …{hint} is still in use"))
    );
    assert!(!page.body.contains("data-done"));

    assert!(
        page.body
            .contains("It is used by node-fetch from 203.0.113.7.")
    );
    site.world.pass(1_000).await;
    let elsewhere = Caller {
        source: Some("203.0.113.8".to_owned()),
        agent: Some("cron-job/1.0".to_owned()),
    };
    let engine = &site.world.engine;
    engine.verify(old.token.expose(), &elsewhere).await;
    engine.flush().await.unwrap();
    let page = live(&site, &mut ana, &integration).await;
    assert!(
        page.body
            .contains("It is used by cron-job from 203.0.113.8 and node-fetch from 203.0.113.7."),
        "{}",
        page.body
    );

    // Longer than the arrival is news, and it would still be shown.
    site.world.pass(10 * 60_000).await;
    let page = live(&site, &mut ana, &integration).await;
    assert!(
        page.body
            .contains(&format!("The old token …{hint} has fallen silent"))
    );
    assert!(page.body.contains("data-done"));
    site.world.pass(HOUR_MS).await;
    let page = ana.get(&format!("/integrations/{integration}")).await;
    assert!(!page.body.contains("fallen silent"));
    site.world.accepted(&old.token).await;
    site.world.engine.flush().await.unwrap();
    let page = ana.get(&format!("/integrations/{integration}")).await;
    assert!(page.body.contains("is still in use"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_chosen_for_the_old_token_is_what_it_gets() {
    let (site, mut ana, integration) = site().await;
    for (old, said, ends_after) in [
        ("1h", "works until 1 hour after", Some(HOUR_MS)),
        ("24h", "works until 24 hours after", Some(24 * HOUR_MS)),
        ("7d", "works until 7 days after", Some(7 * 24 * HOUR_MS)),
        ("keep", "works until you revoke it", None),
        ("at-once", "has stopped working", Some(0)),
    ] {
        let before = used(&site, &integration).await;
        let page = generate(&mut ana, &integration, &[("old", old)]).await;
        assert!(page.body.contains(said), "{old}");
        site.world.accepted(&token_on(&page)).await;
        let row = site.world.row(&before.row.id).await;
        let Some(replacement) = &row.replaced_by else {
            assert_eq!((old, ends_after), ("keep", None));
            continue;
        };
        let replacement = site.world.row(replacement).await;
        let from = match old {
            "at-once" => replacement.issued_at,
            _ => replacement.first_used_at.unwrap(),
        };
        assert_eq!(row.ends_at.map(|end| end.since(from)), ends_after, "{old}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_undone_on_the_page_and_named() {
    let (site, mut ana, integration) = site().await;
    let issued = used(&site, &integration).await;
    let (id, hint) = (&issued.row.id, &issued.row.hint);
    let path = format!("/integrations/{integration}");
    let to = |what: &str| format!("{path}/tokens/{id}/{what}");

    let page = ana.post(&to("revoke"), &[]).await;
    let page = ana.get(page.header("location")).await;
    assert!(page.body.contains(&format!("Token …{hint} is revoked")));
    assert!(page.body.contains(&format!("action=\"{}\"", to("undo"))));
    assert!(
        page.body
            .contains("Revoked by mistake? You can undo it until")
    );

    // Twice is once.
    for _ in 0..2 {
        let page = ana.post(&to("undo"), &[]).await;
        assert_eq!(page.header("location"), format!("{path}?undone={id}"));
    }
    let page = ana.get(&format!("{path}?undone={id}")).await;
    assert!(page.body.contains(&format!("Token …{hint} is not revoked")));
    assert!(
        page.body
            .contains(&format!("Token …{hint} was revoked by {ANA}."))
    );
    let undone = format!("The revocation of token …{hint} was undone by {ANA}.");
    assert_eq!(page.body.matches(&undone).count(), 1);
    site.world.accepted(&issued.token).await;

    ana.post(&to("revoke"), &[]).await;
    site.world.pass(HOUR_MS).await;
    let page = ana.get(&path).await;
    assert!(!page.body.contains(&to("undo")));
    let page = ana.post(&to("undo"), &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("<title>Error: "));
    assert!(page.body.contains("only for 60 minutes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_revokes_the_new_token_is_told_how_long_the_old_one_works() {
    let (site, mut ana, integration) = site().await;
    let old = used(&site, &integration).await;
    let path = format!("/integrations/{integration}");
    let page = generate(&mut ana, &integration, &[]).await;
    site.world.pass(1_000).await;
    site.world.accepted(&token_on(&page)).await;
    site.world.engine.flush().await.unwrap();
    assert_eq!(ana.get(&path).await.h1(), "Order sync works.");

    let by = &site.world.operator;
    let engine = &site.world.engine;
    let story = engine.integration(by, &integration).await.unwrap();
    let new = story.view.newest().unwrap().id.clone();
    ana.post(&format!("{path}/tokens/{new}/revoke"), &[]).await;
    let page = ana.get(&path).await;
    assert!(
        page.h1().starts_with("Order sync works until "),
        "{}",
        page.h1()
    );
    assert!(page.body.contains("Generate a new one before"));
    assert!(!page.body.contains("There is nothing to do"));
    assert!(!page.body.contains("calls with the new token"));
    let start = ana.get("/").await;
    assert_eq!(
        start.h1(),
        "Your integration needs you. It needs a new token before its last one ends."
    );
    assert!(start.body.contains("Order sync works until "));
    assert!(start.body.contains(&format!("{path}#generate")));
    site.user(None, "priya@platform.example").await;
    let mut priya = site.signed_in("priya@platform.example").await;
    let account = &story.view.integration.account_id;
    let page = priya.get(&format!("/admin/accounts/{account}")).await;
    assert!(
        page.h1()
            .ends_with(": its one integration needs a new token before its last one ends."),
        "{}",
        page.h1()
    );
    // Beside one that keeps working it stands first, whatever the names.
    let other = ana.post("/integrations", &[("name", "Aardvark")]).await;
    let other = other.header("location").rsplit('/').next().unwrap();
    used(&site, &other.parse().unwrap()).await;
    let start = ana.get("/").await;
    assert_eq!(
        start.h1(),
        "1 of your 2 integrations keeps working. 1 needs a new token before its last one ends."
    );
    let row = |name: &str| start.body.find(&format!(">{name}</a>")).unwrap();
    assert!(row("Order sync") < row("Aardvark"));
    site.world.accepted(&old.token).await;

    // Taken back, it is as it was.
    ana.post(&format!("{path}/tokens/{new}/undo"), &[]).await;
    assert_eq!(ana.get(&path).await.h1(), "Order sync works.");
    assert_eq!(
        ana.get("/").await.h1(),
        "All 2 of your integrations keep working."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_token_and_a_wrong_address_are_not_there() {
    let (site, mut ana, integration) = site().await;
    let beta = site.world.integration("Beta").await;
    let (own, foreign) = (
        site.world.issue(&integration).await,
        site.world.issue(&beta).await,
    );
    for what in ["revoke", "undo"] {
        for (place, token) in [
            (&beta, &foreign.row.id),
            (&integration, &foreign.row.id),
            (&beta, &own.row.id),
        ] {
            let path = format!("/integrations/{place}/tokens/{token}/{what}");
            let page = ana.post(&path, &[]).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    site.world.accepted(&own.token).await;
    site.world.accepted(&foreign.token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_mask_the_token_and_come_in_the_language_chosen_before() {
    let (_site, mut ana, integration) = site().await;
    ana.cookies.insert("language".to_owned(), "go".to_owned());
    let page = generate(&mut ana, &integration, &[]).await;
    let token = token_on(&page);
    assert_eq!(page.body.matches(token.expose()).count(), 1);
    let masked = format!("Bearer eyJ0eX••••••••{}", token.hint());
    assert_eq!(
        page.body.matches(&masked).count(),
        6,
        "all but C#, which has it in two parts"
    );
    let chosen = page.between("value=\"go\"", ">");
    assert!(chosen.contains("checked"), "{chosen}");
    assert_eq!(page.body.matches(" checked").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tabs_token_does_not_go_unnoticed() {
    let (_site, mut ana, integration) = site().await;
    let first = generate(&mut ana, &integration, &[("form", "tab one")]).await;
    assert!(!first.body.contains("There is another new token"));
    let second = generate(&mut ana, &integration, &[("form", "tab two")]).await;
    let said = format!(
        "There is another new token, …{}, made",
        token_on(&first).hint()
    );
    assert!(second.body.contains(&said));
    // The first tab is reloaded: it is told of the token that it made, not of the newest.
    let again = ana
        .post(
            &format!("/integrations/{integration}/tokens"),
            &[("form", "tab one")],
        )
        .await;
    let page = ana.get(again.header("location")).await;
    let said = format!(
        "This form has already generated a token: …{},",
        token_on(&first).hint()
    );
    assert!(page.body.contains(&said), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_its_reason() {
    let (site, mut ana, integration) = site().await;
    let issued = used(&site, &integration).await;
    let by = &site.world.operator;
    site.world
        .engine
        .revoke_token(by, &issued.row.id)
        .await
        .unwrap();
    site.world.refused(&issued.token).await;
    site.world.engine.flush().await.unwrap();
    let page = ana.get(&format!("/integrations/{integration}")).await;
    let used = page.between("<h2>Recent use</h2>", "</section>");
    assert!(used.contains("node-fetch/3") && used.contains("203.0.113.7"));
    let table = page.between("<h2>Refused requests</h2>", "</section>");
    for part in [
        "It was revoked.",
        "href=\"/help/token_revoked\"",
        "203.0.113.7",
        "once",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
}
