//! A user's own account: the password, the second factor, the letters.

use axum::http::StatusCode;

use super::super::both;
use super::super::http::{PASSWORD, Page, Site, Visitor};
use super::super::world::World;
use crate::model::HOUR_MS;
use crate::rotation::code_for_tests;

const ANA: &str = "ana@alpha.example";
const NEW: &str = "seven quiet lighthouses";

async fn site(world: World) -> Site {
    world.integration("Alpha").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), ANA).await;
    site.user(None, "priya@platform.example").await;
    site
}

/// What an app shows, so many half minutes from now.
fn code(site: &Site, secret: &str, steps: i64) -> String {
    let at = site.world.engine.now().plus(steps * 30_000);
    code_for_tests(secret, at)
}

/// Turns the second factor on; gives the secret and the recovery codes.
async fn enrol(site: &Site, visitor: &mut Visitor) -> (String, Vec<String>) {
    let page = visitor
        .post("/settings/second-factor", &[("current", PASSWORD)])
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let secret = page.between("id=\"secret\"", "</output>");
    let secret = secret.split_once('>').unwrap().1.replace(' ', "");
    assert!(page.body.contains("aria-label=\"QR code"), "{}", page.body);
    let right = code(site, &secret, 0);
    let page = visitor
        .post("/settings/second-factor/confirm", &[("code", &right)])
        .await;
    assert_eq!(page.h1(), "The second factor is on. Keep these codes.");
    let codes: Vec<String> = page
        .body
        .split("<li><code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

/// The password is right; gives the page that asks for the code.
async fn halfway(site: &Site, next: &str) -> (Visitor, Page) {
    let mut visitor = site.visitor();
    let form = [("email", ANA), ("password", PASSWORD), ("next", next)];
    let page = visitor.post("/login", &form).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(visitor.cookies.is_empty(), "nobody is signed in yet");
    (visitor, page)
}

async fn answer(visitor: &mut Visitor, page: &Page, field: &str, code: &str) -> Page {
    let (step, next) = (page.field("step"), page.field("next"));
    let form = [("step", step.as_str()), ("next", &next), (field, code)];
    visitor.post("/login/code", &form).await
}

both! {
    /// Each code and each recovery code works once, `next` survives, and the secret is seen once.
    async fn a_second_factor_is_asked_for(world: World) {
        let site = site(world).await;
        let mut ana = site.signed_in(ANA).await;
        let (secret, codes) = enrol(&site, &mut ana).await;
        let page = ana.get("/settings/second-factor").await;
        assert_eq!(page.h1(), "A code is asked for at each sign-in.");
        assert!(!page.body.contains(&secret) && !page.body.contains(&codes[0]));

        let (mut visitor, page) = halfway(&site, "/activity?a=1").await;
        let wrong = answer(&mut visitor, &page, "code", "12345").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("This code is not right"), "{}", wrong.body);
        // The code that turned it on is used up.
        let used = answer(&mut visitor, &wrong, "code", &code(&site, &secret, 0)).await;
        assert!(used.body.contains("used already"), "{}", used.body);
        let right = code(&site, &secret, 1);
        let done = answer(&mut visitor, &used, "code", &right).await;
        assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/activity?a=1"));
        assert_eq!(visitor.get("/activity").await.status, StatusCode::OK);
        let twice = answer(&mut visitor, &used, "code", &right).await;
        assert_eq!(twice.status, StatusCode::GONE);

        let (mut visitor, page) = halfway(&site, "/").await;
        let typed = codes[3].to_uppercase().replace('-', " ");
        let done = answer(&mut visitor, &page, "recovery", &typed).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let (mut visitor, page) = halfway(&site, "/").await;
        let again = answer(&mut visitor, &page, "recovery", &codes[3]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.body.contains("none of your recovery codes"), "{}", again.body);
        assert!(ana.get("/settings").await.body.contains("9 recovery codes left"));

        let page = ana.post("/settings/second-factor/codes", &[("current", PASSWORD)]).await;
        assert_eq!(page.h1(), "These are your new codes. The old ones no longer work.");
        let old = answer(&mut visitor, &again, "recovery", &codes[4]).await;
        assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);

        let off = ana.post("/settings/second-factor/off", &[("password", PASSWORD)]).await;
        assert_eq!(off.header("location"), "/settings?done=second-factor-off");
        site.signed_in(ANA).await;
    }
}

both! {
    /// A clock that is off gets its own answer, and the code it showed is used up by it.
    async fn a_clock_that_is_off_is_told_so(world: World) {
        let site = site(world).await;
        let mut ana = site.signed_in(ANA).await;
        let (secret, _) = enrol(&site, &mut ana).await;
        let (mut visitor, page) = halfway(&site, "/").await;
        let early = code(&site, &secret, 6);
        let page = answer(&mut visitor, &page, "code", &early).await;
        assert!(page.body.contains("about 3 minutes ahead"), "{}", page.body);
        let page = answer(&mut visitor, &page, "code", &code(&site, &secret, -4)).await;
        assert!(page.body.contains("about 2 minutes behind"), "{}", page.body);
        site.world.pass(180_000).await;
        let page = answer(&mut visitor, &page, "code", &early).await;
        assert!(page.body.contains("used already"), "{}", page.body);
        let page = answer(&mut visitor, &page, "code", &code(&site, &secret, 1)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_waits_ten_minutes_and_not_for_many_wrong_codes() {
    let site = site(World::sqlite().await).await;
    let mut ana = site.signed_in(ANA).await;
    let (secret, _) = enrol(&site, &mut ana).await;
    let (mut visitor, page) = halfway(&site, "/activity").await;
    site.world.pass(601_000).await;
    let late = answer(&mut visitor, &page, "code", &code(&site, &secret, 0)).await;
    assert_eq!(late.status, StatusCode::GONE);
    assert!(late.body.contains("/login?next=/activity"), "{}", late.body);
    let stranger = [("step", "guess"), ("code", "123456")];
    let page = site.visitor().post("/login/code", &stranger).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert_eq!(
        site.visitor().get("/login/code").await.header("location"),
        "/login"
    );

    let (mut visitor, page) = halfway(&site, "/").await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let page = answer(&mut visitor, &page, "code", "000000").await;
        statuses.push(page.status);
    }
    assert_eq!(statuses[0], StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(statuses[6], StatusCode::TOO_MANY_REQUESTS);
    // It is the account that waits, whatever sign-in the code is for.
    let (mut other, page) = halfway(&site, "/").await;
    let page = answer(&mut other, &page, "code", &code(&site, &secret, 1)).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

both! {
    /// The current password is asked for, every other session ends, and links that waited are useless.
    async fn a_changed_password_signs_the_others_out(world: World) {
        let site = site(world).await;
        let (mut here, mut there) = (site.signed_in(ANA).await, site.signed_in(ANA).await);
        let page = here.get("/settings/password").await;
        assert_eq!(page.field("username"), ANA);
        for (current, password, said) in [
            ("not this one", NEW, "not your current password"),
            (PASSWORD, "fourteen chars", "15 characters at least"),
            (PASSWORD, "passwordpassword", "tried first"),
            (PASSWORD, ANA, "tried first"),
            (PASSWORD, PASSWORD, "the password you have"),
        ] {
            let form = [("current", current), ("password", password)];
            let page = here.post("/settings/password", &form).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
            assert!(page.body.contains(said), "{said}: {}", page.body);
            assert!(!page.body.contains(PASSWORD), "no password comes back");
        }
        assert_eq!(there.get("/activity").await.status, StatusCode::OK);
        site.world.engine.order_password_link(&ANA.parse().unwrap()).await.unwrap();
        let parcel = site.world.engine.take_letters().await.unwrap().unwrap();
        let link = parcel.link.unwrap();

        let form = [("current", PASSWORD), ("password", NEW)];
        let page = here.post("/settings/password", &form).await;
        assert_eq!(page.header("location"), "/settings?done=password");
        let page = here.get("/settings?done=password").await;
        assert!(page.body.contains("Your new password is set"), "{}", page.body);
        assert_eq!(there.get("/activity").await.status, StatusCode::SEE_OTHER);
        let page = site.visitor().get(&format!("/set-password?link={}", link.expose())).await;
        assert_eq!(page.status, StatusCode::GONE);
        let again = here.post("/settings/password", &form).await;
        assert!(again.body.contains("If you have just changed it"), "{}", again.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_is_advised_against_and_taken() {
    let site = site(World::sqlite().await).await;
    let mut ana = site.signed_in(ANA).await;
    let weak = [("current", PASSWORD), ("password", "mypassword12345")];
    let page = ana.post("/settings/password", &weak).await;
    assert!(page.body.contains("one more word"), "{}", page.body);
    let advised = page.field("advised");
    let page = ana
        .post(
            "/settings/password",
            &[weak[0], weak[1], ("advised", &advised)],
        )
        .await;
    assert_eq!(page.header("location"), "/settings?done=password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_password_is_enough_only_beside_a_second_factor() {
    let site = site(World::sqlite().await).await;
    let mut ana = site.signed_in(ANA).await;
    enrol(&site, &mut ana).await;
    let short = "gl0w-worm";
    let form = [
        ("current", PASSWORD),
        ("password", short),
        ("advised", "yes"),
    ];
    let page = ana.post("/settings/password", &form).await;
    assert_eq!(
        page.header("location"),
        "/settings?done=password",
        "{}",
        page.body
    );
    let page = ana
        .post("/settings/second-factor/off", &[("password", short)])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("too short"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_it_on_asks_for_the_password_and_ends_half_done_in_peace() {
    let site = site(World::sqlite().await).await;
    let mut ana = site.signed_in(ANA).await;
    let page = ana
        .post("/settings/second-factor", &[("current", "not this one")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!page.body.contains("id=\"secret\""));
    // Nothing is asked for until a code was right.
    ana.post("/settings/second-factor", &[("current", PASSWORD)])
        .await;
    let page = ana
        .post("/settings/second-factor/confirm", &[("code", "abc")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("The second factor is still off"));
    // Nor are all codes tried, and what was left alone is begun anew.
    let mut last = page;
    for _ in 0..6 {
        last = ana
            .post("/settings/second-factor/confirm", &[("code", "123456")])
            .await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS, "{}", last.body);
    site.world.pass(HOUR_MS).await;
    let page = ana
        .post("/settings/second-factor/confirm", &[("code", "123456")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("It took longer than an hour"));
    site.signed_in(ANA).await;
    let (_, codes) = enrol(&site, &mut ana).await;
    // Sent twice, or begun in another tab: the page says how it stands.
    for (path, form) in [
        ("/settings/second-factor/confirm", [("code", "123456")]),
        ("/settings/second-factor", [("current", PASSWORD)]),
    ] {
        let page = ana.post(path, &form).await;
        assert_eq!(page.header("location"), "/settings/second-factor");
    }
    assert_eq!(codes.len(), 10);
}

both! {
    /// What a user does without is not sent; what is about their safety is.
    async fn letters_are_chosen(world: World) {
        let site = site(world).await;
        let mut ana = site.signed_in(ANA).await;
        let page = ana.get("/settings/notifications").await;
        assert_eq!(page.h1(), "You get every letter.");
        let page = ana.post("/settings/notifications", &[("letter", "signed-in"), ("letter", "no-such")]).await;
        assert_eq!(page.header("location"), "/settings?done=letters");
        assert_eq!(ana.get("/settings/notifications").await.h1(), "You get 1 of 3 kinds of letters.");
        let operator = &site.world.operator;
        let integration = site.world.engine.integrations(operator, None).await.unwrap().remove(0).0;
        site.world.issue(&integration.id).await;
        assert!(site.world.engine.take_letters().await.unwrap().is_none());
        let form = [("current", PASSWORD), ("password", NEW)];
        ana.post("/settings/password", &form).await;
        assert!(site.world.engine.take_letters().await.unwrap().is_some());
    }
}

both! {
    /// An admin sees what has not left, and why, and lets it be tried again.
    async fn what_has_not_left_is_listed_and_sent_again(world: World) {
        let site = site(world).await;
        let engine = &site.world.engine;
        let mut priya = site.signed_in("priya@platform.example").await;
        assert_eq!(priya.get("/admin/notify").await.h1(), "Every letter has left.");
        engine.order_password_link(&ANA.parse().unwrap()).await.unwrap();
        assert_eq!(priya.get("/admin/notify").await.h1(), "1 letter waits to be sent.");
        let parcel = engine.take_letters().await.unwrap().unwrap();
        engine.letters_failed(&parcel, "550 no such mailbox".to_owned(), true).await.unwrap();
        let page = priya.get("/admin/notify").await;
        assert_eq!(page.h1(), "1 letter was given up, 0 wait.");
        assert!(page.body.contains("550 no such mailbox") && page.body.contains(ANA), "{}", page.body);
        let again = format!("/admin/notify{}", page.between("action=\"/admin/notify", "\""));
        let mut ana = site.signed_in(ANA).await;
        assert_eq!(ana.post(&again, &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(ana.get("/admin/notify").await.status, StatusCode::NOT_FOUND);
        for _ in 0..2 {
            assert_eq!(priya.post(&again, &[]).await.header("location"), "/admin/notify");
        }
        site.deliver().await;
        assert_eq!(priya.get("/admin/notify").await.h1(), "Every letter has left.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_for_who_is_signed_in() {
    let site = site(World::sqlite().await).await;
    for path in [
        "/settings",
        "/settings/password",
        "/settings/second-factor",
        "/settings/notifications",
    ] {
        let page = site.visitor().get(path).await;
        assert_eq!(page.header("location"), format!("/login?next={path}"));
        let mut priya = site.signed_in("priya@platform.example").await;
        assert_eq!(priya.get(path).await.status, StatusCode::OK, "admins too");
    }
}
