//! The pages of customers and of the public.

use axum::http::StatusCode;

use super::super::http::{PASSWORD, Site};
use super::super::world::World;
use crate::model::{HOUR_MS, Reason};

const ANA: &str = "ana@alpha.example";

async fn site() -> Site {
    let world = World::sqlite().await;
    world.integration("Alpha").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    site.user(None, "priya@platform.example").await;
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_answers_a_member_and_sends_others_where_they_belong() {
    let site = site().await;
    let mut ana = site.signed_in(ANA).await;
    let page = ana.get("/").await;
    assert_eq!(page.h1(), "Your integration needs you. It has no token.");
    let mut priya = site.signed_in("priya@platform.example").await;
    assert_eq!(priya.get("/").await.header("location"), "/admin");
    // Whoever helps them reads the same.
    let by = &site.world.operator;
    let alpha = site.world.engine.account(by, "Alpha").await.unwrap().id;
    let page = priya.get(&format!("/admin/accounts/{alpha}")).await;
    assert_eq!(page.h1(), "Alpha: its one integration has no token.");
    let page = site.visitor().get("/").await;
    assert_eq!(page.header("location"), "/login?next=/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_after_the_session_has_ended_changes_nothing_and_is_come_back_to() {
    let site = site().await;
    let mut ana = site.signed_in(ANA).await;
    let start = ana.get("/").await;
    let path = format!("/integrations/{}", start.between("/integrations/", "\""));
    ana.get(&format!("{path}?from=401")).await;
    ana.cookies.clear();
    let page = ana
        .post(&format!("{path}/tokens"), &[("expires", "90d")])
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let login = page.header("location").to_owned();
    assert_eq!(
        login,
        format!("/login?next={path}%3Ffrom%3D401&form=unsent")
    );
    let page = ana.get(&login).await;
    assert!(page.body.contains("so it changed nothing"));
    let next = page.between("name=\"next\" value=\"", "\"").to_owned();
    assert_eq!(next, format!("{path}?from=401"));

    // Where the rotation ended the session, both are said.
    ana.cookies
        .insert("ended".to_owned(), "rotation".to_owned());
    let page = ana.get(&login).await;
    assert_eq!(page.h1(), "Sign in again");
    assert!(page.body.contains("The form that was sent changed nothing"));
    ana.cookies.clear();

    // A browser that does not tell where it stood.
    let mut nobody = site.visitor();
    let page = nobody.post("/integrations", &[("name", "Other")]).await;
    assert_eq!(page.header("location"), "/login?next=/&form=unsent");
}

/// Reloaded, restored with its tab, or come back to after signing in.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_a_form_is_sent_to_leads_back_to_its_page() {
    let site = site().await;
    let mut ana = site.signed_in(ANA).await;
    let start = ana.get("/").await;
    let page = format!("/integrations/{}", start.between("/integrations/", "\""));
    for (sent_to, stands_on) in [
        (format!("{page}/tokens"), page.clone()),
        (format!("{page}/tokens/tok_x/revoke"), page.clone()),
        (format!("{page}/tokens/tok_x/undo"), page.clone()),
        (format!("{page}/rename"), format!("{page}/edit")),
        (format!("{page}/archive"), format!("{page}/edit")),
        ("/integrations".to_owned(), "/".to_owned()),
        (
            "/settings/second-factor/codes".to_owned(),
            "/settings/second-factor".to_owned(),
        ),
    ] {
        let there = ana.get(&sent_to).await;
        assert_eq!(there.header("location"), stands_on, "{sent_to}");
    }
    // A token that was just made is spoken of, and not for ever.
    let sent = [
        ("form", "0123456789abcdef0123456789abcdef"),
        ("expires", "90d"),
    ];
    let fresh = ana.post(&format!("{page}/tokens"), &sent).await;
    assert_eq!(fresh.status, StatusCode::OK);
    let there = ana.get(&format!("{page}/tokens")).await;
    assert_eq!(
        there.header("location"),
        format!("{page}?generated=already")
    );
    site.world.pass(HOUR_MS).await;
    let there = ana.get(&format!("{page}/tokens")).await;
    assert_eq!(there.header("location"), page);
    // Archived meanwhile, its page tells what is left of it.
    let archived = ana
        .post(&format!("{page}/archive"), &[("confirm", "Order sync")])
        .await;
    assert_eq!(archived.status, StatusCode::SEE_OTHER, "{}", archived.body);
    let there = ana.get(&format!("{page}/tokens")).await;
    assert_eq!(there.header("location"), page);

    let mut priya = site.signed_in("priya@platform.example").await;
    let held = "/admin/held/tok_00000000000000000000000000";
    for (sent_to, stands_on) in [
        ("/admin/held/approve".to_owned(), "/admin/held"),
        (format!("{held}/approve"), held),
        (format!("{held}/refuse"), held),
    ] {
        let there = priya.get(&sent_to).await;
        assert_eq!(there.header("location"), stands_on, "{sent_to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_is_created_once_by_a_name() {
    let site = site().await;
    let mut ana = site.signed_in(ANA).await;
    let created = ana
        .post("/integrations", &[("name", "Billing export")])
        .await;
    assert_eq!(created.status, StatusCode::SEE_OTHER);
    let page = ana.get(created.header("location")).await;
    assert_eq!(page.h1(), "Billing export has no token yet.");
    for wrong in ["billing EXPORT", "", "a\nb"] {
        let page = ana.post("/integrations", &[("name", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(page.body.contains("<title>Error: "));
        assert!(page.body.contains("role=\"alert\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_cannot_be_is_refused_and_kept() {
    let site = site().await;
    let mut ana = site.signed_in(ANA).await;
    let start = ana.get("/").await;
    let id = start.between("/integrations/", "\"").to_owned();
    let path = format!("/integrations/{id}/tokens");
    for wrong in [("expires", "soon"), ("expires", "0d"), ("old", "later")] {
        let page = ana.post(&path, &[("form", "one-id"), wrong]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.body.contains("<output"));
    }
    for day in ["", "2024-02-29", "30.11.2027", "9999-12-31"] {
        let form = [("form", "one-id"), ("expires", "on"), ("expires_on", day)];
        let page = ana.post(&path, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{day}");
        assert!(page.body.contains("href=\"#expires_on\""), "{day}");
        assert_eq!(page.field("expires_on"), day);
    }
    // The refused submits have not used the id up.
    let page = ana
        .post(&path, &[("form", "one-id"), ("expires", "never")])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("This token does not expire."));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_pages_say_nothing_of_anybody() {
    let site = site().await;
    site.world.start().await;
    let mut visitor = site.visitor();
    let json = visitor.get("/status.json").await.json();
    assert_eq!(json["phase"], "recording");
    assert_eq!(json["name"], "2026-11");
    assert!(json["ends_at"].is_string());
    for count in ["accounts", "tokens", "sessions"] {
        assert!(json.get(count).is_none(), "{count}");
    }
    let page = visitor.get("/status").await;
    // Every field of the JSON is named on the page, and no other.
    let fields: Vec<_> = json.as_object().unwrap().keys().collect();
    let named = page.between("id=\"json\"", "</section>");
    assert_eq!(named.matches("<dt>").count(), fields.len());
    for field in fields {
        assert!(named.contains(&format!("<dt>{field}</dt>")), "{field}");
    }
    assert!(
        page.h1().starts_with(
            "Nothing is refused by this rotation yet. To keep a token, use it once before "
        ),
        "{}",
        page.h1()
    );
    assert!(!page.body.contains("Alpha"));
    for code in Reason::ALL
        .map(Reason::code)
        .into_iter()
        .chain(["unavailable", "rate_limited"])
    {
        let page = visitor.get(&format!("/help/{code}")).await;
        assert_eq!(page.status, StatusCode::OK, "{code}");
    }
    let page = visitor.get("/help/captured-life").await;
    assert_eq!(page.h1(), "How long does my captured token live?");
    assert_eq!(
        visitor.get("/help/token_tired").await.status,
        StatusCode::NOT_FOUND
    );
    let page = visitor.get("/help?q=month+%3Cscript%3E").await;
    assert!(!page.body.contains("month <script>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_elsewhere_leaves_this_browser_alone() {
    let site = site().await;
    let mut here = site.signed_in(ANA).await;
    let mut there = site.signed_in(ANA).await;
    let page = here.get("/activity").await;
    assert_eq!(page.h1(), "You are signed in here and in 1 place more.");
    here.post("/activity/end-others", &[]).await;
    assert_eq!(there.get("/activity").await.status, StatusCode::SEE_OTHER);
    let page = here.get("/activity").await;
    assert_eq!(page.h1(), "You are signed in here and nowhere else.");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_a_strangers_session() {
    let site = site().await;
    let mut ana = site.signed_in(ANA).await;
    let page = ana.get("/activity").await;
    let end = format!("/activity/{}", page.between("action=\"/activity/", "\""));
    let mut priya = site.signed_in("priya@platform.example").await;
    priya.post(&end, &[]).await;
    assert_eq!(ana.get("/activity").await.status, StatusCode::OK);
    ana.post(&end, &[]).await;
    assert_eq!(ana.get("/activity").await.status, StatusCode::SEE_OTHER);
}

/// The one mail in the folder, when it has come.
async fn mail(site: &Site) -> String {
    let folder = site.world.folder().join("mail");
    for _ in 0..100 {
        // Ordered behind the answer, sent by whoever serves.
        site.deliver().await;
        let found = std::fs::read_dir(&folder)
            .ok()
            .and_then(|mut files| files.next());
        if let Some(Ok(file)) = found {
            let text = std::fs::read_to_string(file.path()).unwrap();
            if text.contains("link=") {
                return text;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no mail came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_set_by_mail_and_the_answer_tells_nothing() {
    let site = site().await;
    let mut visitor = site.visitor();
    let mut answers = Vec::new();
    for email in ["nobody@alpha.example", ANA] {
        let page = visitor.post("/forgot", &[("email", email)]).await;
        assert_eq!(page.status, StatusCode::OK);
        answers.push(page.between("<main", "</main>").replace(email, "…"));
    }
    assert_eq!(answers[0], answers[1]);
    let mail = mail(&site).await;
    let path = mail
        .lines()
        .find_map(|line| line.split_once("3000/set-"))
        .unwrap()
        .1;
    let path = format!("/set-{}", path.trim());
    let page = visitor.get(&path).await;
    let link = page.field("link");
    let short = visitor
        .post("/set-password", &[("link", &link), ("password", "short")])
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let new = [("link", link.as_str()), ("password", "a new long password")];
    let page = visitor.post("/set-password", &new).await;
    assert_eq!(page.header("location"), "/login?set=password");
    assert_eq!(visitor.get(&path).await.status, StatusCode::GONE);
    assert_eq!(
        visitor.post("/set-password", &new).await.status,
        StatusCode::GONE
    );
    for (password, status) in [
        (PASSWORD, StatusCode::UNPROCESSABLE_ENTITY),
        ("a new long password", StatusCode::SEE_OTHER),
    ] {
        let page = visitor
            .post(
                "/login",
                &[("email", ANA), ("password", password), ("next", "/")],
            )
            .await;
        assert_eq!(page.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_not_asked_for_without_end() {
    let site = site().await;
    let mut visitor = site.visitor();
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(visitor.post("/forgot", &[("email", ANA)]).await.status);
    }
    assert_eq!(statuses[0], StatusCode::OK);
    assert_eq!(statuses[7], StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn set_up_is_there_until_there_is_an_admin() {
    let site = Site::of(World::sqlite().await).await;
    let link = site.world.engine.setup_link().await.unwrap().unwrap();
    let mut visitor = site.visitor();
    assert_eq!(
        visitor.get("/setup?link=guess").await.status,
        StatusCode::GONE
    );
    let path = format!("/setup?link={}", link.expose());
    assert_eq!(visitor.get(&path).await.status, StatusCode::OK);
    let form = [
        ("link", link.expose()),
        ("email", "priya@platform.example"),
        ("password", PASSWORD),
    ];
    let page = visitor.post("/setup", &form).await;
    assert_eq!(page.header("location"), "/login?set=up");
    assert_eq!(visitor.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        visitor.post("/setup", &form).await.status,
        StatusCode::NOT_FOUND
    );
}
