//! Tickets, as both sides meet them in a browser without script.

use axum::http::StatusCode;

use super::super::http::{Page, Site, Visitor};
use super::super::world::World;
use crate::model::IntegrationId;

const ANA: &str = "ana@alpha.example";
const PRIYA: &str = "priya@platform.example";

async fn site() -> (Site, IntegrationId) {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    world.integration("Beta").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    site.user(Some("Beta"), "ben@beta.example").await;
    site.user(None, PRIYA).await;
    (site, integration)
}

/// Fills in the form as it stands and sends it; gives where that leads.
async fn ask(visitor: &mut Visitor, path: &str, subject: &str, text: &str) -> Page {
    let page = visitor.get(path).await;
    let (form, found) = (page.field("form"), page.field("found"));
    let mut fields = vec![
        ("form", form.as_str()),
        ("found", found.as_str()),
        ("subject", subject),
        ("question", text),
    ];
    let facts: Vec<(String, String)> = ["integration", "code", "request"]
        .into_iter()
        .filter(|name| {
            page.body
                .contains(&format!("type=\"checkbox\" name=\"{name}\""))
        })
        .map(|name| (name.to_owned(), page.field(name)))
        .collect();
    fields.extend(
        facts
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    visitor.post("/support/new", &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_in_the_same_place_on_every_page_and_knows_what_it_is_about() {
    let (site, integration) = site().await;
    let mut ana = site.signed_in(ANA).await;
    let about = format!("/support/new?integration={integration}");
    for (path, href) in [
        ("/", "/support/new"),
        ("/activity", "/support/new"),
        ("/help", "/support/new"),
        ("/help/token_revoked", "/support/new?code=token_revoked"),
        (&format!("/integrations/{integration}"), &about),
    ] {
        let page = ana.get(path).await;
        let foot = page.between("<footer", "</footer>");
        let link = format!(
            "href=\"{href}\" data-dialog=\"{}\"",
            href.replace("/new", "/new/form")
        );
        assert!(foot.contains(&link), "{path}: {foot}");
        assert!(page.body.contains("<dialog id=\"dialog\""), "{path}");
    }
    let page = ana.get("/support/new").await;
    let foot = page.between("<footer", "</footer>");
    assert!(
        foot.contains("href=\"/support/new\"") && !foot.contains("data-dialog"),
        "{foot}"
    );

    let mut nobody = site.visitor();
    let page = nobody.get("/fix?ref=AAAAAAAAAAAAAAAAAAAA").await;
    let foot = page.between("<footer", "</footer>");
    assert!(
        foot.contains("href=\"/support/new?ref=AAAAAAAAAAAAAAAAAAAA\""),
        "{foot}"
    );
    assert!(!foot.contains("data-dialog"), "{foot}");
    let page = nobody.get("/support/new?code=token_revoked").await;
    assert_eq!(
        page.header("location"),
        "/login?next=/support/new%3Fcode%3Dtoken_revoked"
    );

    let page = ana.get("/no-such-page").await;
    let id = page.header("x-request-id").to_owned();
    assert!(
        page.body
            .contains(&format!("href=\"/support/new?request={id}\"")),
        "{}",
        page.body
    );
    let page = site.signed_in(PRIYA).await.get("/admin").await;
    assert!(!page.between("<footer", "</footer>").contains("Get help"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_goes_with_its_facts() {
    let (site, integration) = site().await;
    let mut ana = site.signed_in(ANA).await;
    let page = ana.get("/support").await;
    assert_eq!(page.h1(), "Nothing was asked yet.");
    let path = format!(
        "/support/new?integration={integration}&request=0123456789abcdef&code=token_revoked"
    );
    let page = ana.get(&path).await;
    for shown in ["Order sync", "0123456789abcdef", "of Alpha."] {
        assert!(page.between("<main", "</main>").contains(shown), "{shown}");
    }
    let sent = ask(&mut ana, &path, "401 since noon", "It fails.\nWhy?").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let here = sent.header("location").to_owned();
    let page = ana.get(&here).await;
    assert_eq!(page.h1(), "“401 since noon” waits for support.");
    assert!(page.body.contains("0123456789abcdef"));
    assert!(page.body.contains("It fails.\nWhy?"), "lines stay");

    let mut ben = site.signed_in("ben@beta.example").await;
    for path in [here.clone(), format!("{here}/close")] {
        let page = if path == here {
            ben.get(&path).await
        } else {
            ben.post(&path, &[]).await
        };
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        ben.post(&here, &[("reply", "x")]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        ben.get("/admin/tickets").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_answer_close_and_reopen() {
    let (site, _) = site().await;
    let mut ana = site.signed_in(ANA).await;
    let sent = ask(&mut ana, "/support/new", "401 since noon", "It fails.").await;
    let here = sent.header("location").to_owned();
    let mut priya = site.signed_in(PRIYA).await;
    let page = priya.get("/admin/tickets").await;
    assert_eq!(page.h1(), "1 ticket waits for an answer.");
    let there = format!(
        "/admin/tickets/{}",
        page.between("href=\"/admin/tickets/", "\"")
    );
    let page = priya.get(&there).await;
    assert_eq!(page.h1(), "Alpha waits for an answer.");
    assert!(
        page.between("<aside", "</aside>").contains("No token"),
        "the standing stands beside it"
    );
    let form = page.field("form");
    let empty = priya
        .post(&there, &[("form", &form), ("answer", " ")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("<title>Error: "));
    let answered = priya
        .post(&there, &[("form", &form), ("answer", "Look again.")])
        .await;
    assert_eq!(answered.header("location"), there);
    assert_eq!(
        priya.get("/admin/tickets").await.h1(),
        "No ticket waits for an answer."
    );
    assert!(
        priya
            .get("/admin/tickets?state=open")
            .await
            .body
            .contains("No ticket is open")
    );

    let page = ana.get(&here).await;
    assert_eq!(page.h1(), "Support has answered “401 since noon”.");
    let reply = page.field("form");
    assert_eq!(
        ana.get("/support").await.h1(),
        "Support has answered your ticket."
    );
    let closed = ana.post(&format!("{here}/close"), &[]).await;
    assert_eq!(closed.header("location"), here);
    assert_eq!(ana.get(&here).await.h1(), "“401 since noon” is closed.");
    ana.post(&here, &[("form", &reply), ("reply", "Not yet.")])
        .await;
    assert_eq!(
        ana.get(&here).await.h1(),
        "“401 since noon” waits for support."
    );

    let closed = priya
        .post(&there, &[("answer", ""), ("then", "close")])
        .await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER);
    assert_eq!(
        priya.get(&there).await.h1(),
        "This ticket of Alpha is closed."
    );
    priya.post(&format!("{there}/reopen"), &[]).await;
    assert_eq!(priya.get(&there).await.h1(), "Alpha waits for an answer.");
    let account = priya.get(&there).await;
    let account = format!(
        "/admin/accounts/{}",
        account.between("href=\"/admin/accounts/", "\"")
    );
    assert!(priya.get(&account).await.body.contains(&there));
    assert!(
        priya
            .get("/admin/audit")
            .await
            .body
            .contains("asked support")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_kept_without_its_secrets() {
    let (site, integration) = site().await;
    let mut ana = site.signed_in(ANA).await;
    let issued = site.world.issue(&integration).await;
    let token = issued.token.expose();
    let question = format!("I send {token} and get a 401.");
    let page = ask(&mut ana, "/support/new", "", &question).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("role=\"alert\"") && page.body.contains("href=\"#subject\""));
    let kept = format!(
        "I send [token …{} removed] and get a 401.",
        issued.token.hint()
    );
    assert!(page.body.contains(&kept), "{}", page.body);
    assert!(
        page.body
            .contains("1 secret was removed from what you wrote")
    );
    assert!(!page.body.contains(token));
    // The second attempt holds no token any more, and its owner can revoke it all the same.
    let (form, found) = (page.field("form"), page.field("found"));
    let fields = [
        ("form", form.as_str()),
        ("found", found.as_str()),
        ("subject", "401"),
        ("question", &kept),
    ];
    let sent = ana.post("/support/new", &fields).await;
    let here = sent.header("location").to_owned();
    let page = ana.get(&here).await;
    let action = page.between("action=\"/support/", "\"").to_owned();
    assert!(
        action.ends_with(&format!("/tokens/{}/revoke", issued.row.id)),
        "{action}"
    );
    let mut ben = site.signed_in("ben@beta.example").await;
    let revoke = format!("/support/{action}");
    assert_eq!(ben.post(&revoke, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.verify(token).await.status, StatusCode::OK);
    ana.post(&revoke, &[]).await;
    assert_eq!(site.verify(token).await.status, StatusCode::UNAUTHORIZED);
    assert!(!ana.get(&here).await.body.contains("/revoke"));
    // Only what stood in it can be revoked from there.
    let other = site.world.issue(&integration).await;
    let elsewhere = format!("{here}/tokens/{}/revoke", other.row.id);
    assert_eq!(
        ana.post(&elsewhere, &[]).await.status,
        StatusCode::NOT_FOUND
    );

    let long = "word ".repeat(1_100);
    let page = ana.get(&here).await;
    let fields = [
        ("form", page.field("form")),
        ("reply", format!("{long} {}", other.token.expose())),
    ];
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let page = ana.post(&here, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("word word") && !page.body.contains(other.token.expose()));
    assert_eq!(page.field("found"), other.row.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_comes_twice_sends_once() {
    let (site, _) = site().await;
    let mut ana = site.signed_in(ANA).await;
    let form = ana.get("/support/new").await.field("form");
    let fields = |text: &'static str| {
        [
            ("form", form.clone()),
            ("subject", "401".to_owned()),
            ("question", text.to_owned()),
        ]
    };
    let mut places = Vec::new();
    for text in ["It fails.", "It fails.", "Something else."] {
        let fields = fields(text);
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        places.push(ana.post("/support/new", &fields).await);
    }
    assert_eq!(places[0].header("location"), places[1].header("location"));
    assert_eq!(places[2].status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(places[2].body.contains("Something else."), "kept");
    assert_ne!(places[2].field("form"), form, "and can be sent as new");
    assert_eq!(
        ana.post("/support/new", &[("form", &"x".repeat(65))])
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dialog_is_the_same_form() {
    let (site, integration) = site().await;
    let mut ana = site.signed_in(ANA).await;
    let path = format!("/support/new/form?integration={integration}");
    let form = ana.get(&path).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(!form.body.contains("<html") && form.body.contains("action=\"/support/new\""));
    let sent = ask(&mut ana, &path, "401", "It fails.").await;
    let page = ana.get(sent.header("location")).await;
    assert!(page.body.contains("Order sync"));
    assert_eq!(
        site.visitor().get(&path).await.status,
        StatusCode::SEE_OTHER
    );
}
