use axum::http::StatusCode;

use super::super::both;
use super::super::http::{PASSWORD, Site};
use super::super::world::World;

both! {
    /// PostgreSQL stores no NUL; SQLite does. Neither is an error of the server.
    async fn a_nul_in_what_strangers_write_is_no_failure(world: World) {
        world.integration("Alpha").await;
        let site = Site::of(world).await;
        site.user(None, "priya@platform.example").await;
        let nul = "a\0b";
        for (path, field) in [("/login", "email"), ("/forgot", "email"), ("/login", "next")] {
            let mut fields = vec![("email", "ana@alpha.example"), ("password", PASSWORD), ("next", "/")];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, nul));
            let page = site.visitor().post(path, &fields).await;
            assert!(page.status.as_u16() < 500, "{path} {field}: {}", page.status);
        }
        let mut admin = site.signed_in("priya@platform.example").await;
        for path in [
            "/fix?ref=%00",
            "/set-password?link=%00",
            "/setup?link=%00",
            "/help?q=%00",
            "/admin/accounts?show=every&q=%00",
            "/admin/accounts/%00",
            "/admin/rotations/%00",
            "/admin/held?q=%00",
            "/admin/held/%00",
            "/integrations/%00",
        ] {
            let page = admin.get(path).await;
            assert!(page.status.as_u16() < 500, "{path}: {}", page.status);
        }
    }
}

async fn site() -> Site {
    let world = World::sqlite().await;
    world.integration("Alpha").await;
    let site = Site::of(world).await;
    site.user(Some("Alpha"), "ana@alpha.example").await;
    site.user(None, "priya@platform.example").await;
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_address_and_wrong_password_get_one_answer() {
    let site = site().await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("ana@alpha.example", "wrong password"),
        ("nobody@alpha.example", PASSWORD),
    ] {
        let page = site
            .visitor()
            .post(
                "/login",
                &[("email", email), ("password", password), ("next", "/")],
            )
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("role=\"alert\""));
        assert_eq!(page.field("email"), email, "what was typed is kept");
        assert!(!page.body.contains(password), "but not the password");
        answers.push(page.between("<h2>", "</ul>").to_owned());
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_leads_to_where_one_wanted_to_go_and_nowhere_else() {
    let site = site().await;
    for (next, location) in [
        ("/activity", "/activity"),
        ("//evil.example/", "/"),
        ("https://evil.example", "/"),
    ] {
        let mut visitor = site.visitor();
        let page = visitor
            .post(
                "/login",
                &[
                    ("email", "Ana@Alpha.example"),
                    ("password", PASSWORD),
                    ("next", next),
                ],
            )
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), location);
        assert_eq!(visitor.cookies.len(), 1);
        let cookie = page.header("set-cookie");
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_a_new_session_id_and_signing_out_ends_it() {
    let site = site().await;
    let mut visitor = site.signed_in("ana@alpha.example").await;
    let first = visitor.cookies["rollcall_3000"].clone();
    visitor
        .post(
            "/login",
            &[("email", "ana@alpha.example"), ("password", PASSWORD)],
        )
        .await;
    let second = visitor.cookies["rollcall_3000"].clone();
    assert_ne!(first, second);
    let page = visitor.post("/logout", &[]).await;
    assert_eq!(page.header("location"), "/login");
    visitor.cookies.insert("rollcall_3000".to_owned(), second);
    assert_eq!(
        visitor.get("/logout").await.status,
        StatusCode::NOT_FOUND,
        "a link does not sign out"
    );
    assert!(
        visitor.get("/login").await.body.contains("Sign in"),
        "the old cookie signs nobody in"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_is_refused() {
    use axum::body::Body;
    use axum::http::Request;
    let site = site().await;
    let request = Request::post("/login")
        .header("host", "127.0.0.1:3000")
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("email=a&password=b"))
        .unwrap();
    let page = site.send(request).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.h1().contains("another site"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_failures_make_one_wait() {
    let site = site().await;
    let mut visitor = site.visitor();
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let page = visitor
            .post(
                "/login",
                &[
                    ("email", "ana@alpha.example"),
                    ("password", "wrong password"),
                ],
            )
            .await;
        statuses.push(page.status.as_u16());
    }
    assert!(
        statuses.starts_with(&[422, 422, 422, 422, 422]),
        "{statuses:?}"
    );
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_carry_their_guards() {
    let site = site().await;
    let page = site.visitor().get("/login").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'nonce-") && policy.contains("style-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert!(
        !page.body.contains(" style="),
        "the policy allows no style attributes"
    );
    let missing = site.visitor().get("/no-such-page").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.h1(), "This page does not exist");
}

both! {
    /// Whoever knew the password and was still signing in when it was changed is not let in.
    async fn a_sign_in_that_a_change_of_password_overtakes_leads_nowhere(world: World) {
        world.integration("Alpha").await;
        let site = Site::of(world).await;
        site.user(Some("Alpha"), "ana@alpha.example").await;
        let before = site.signed_in("ana@alpha.example").await;
        assert!(!before.cookies.is_empty());
        let turn = site.app.passwords.take_turn().await;
        let mut thief = site.visitor();
        let signs_in = tokio::spawn(async move {
            let form = [("email", "ana@alpha.example"), ("password", PASSWORD), ("next", "/status")];
            let page = thief.post("/login", &form).await;
            (thief, page)
        });
        // By now the thief's password waits to be checked against the hash of before.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        site.change_password("ana@alpha.example").await;
        drop(turn);
        let (mut thief, page) = signs_in.await.unwrap();
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
        assert_eq!(thief.get("/").await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_too_large_is_answered_by_a_page() {
    let site = site().await;
    let long = "a".repeat(100_000);
    let page = site
        .visitor()
        .post("/login", &[("email", &long), ("password", PASSWORD)])
        .await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.body.contains("<h1>"), "{}", page.body);
}

/// That an account is disabled is told to whoever knows the password, and to nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_told_so_with_the_right_password_only() {
    let site = site().await;
    let by = &site.world.operator;
    site.world
        .engine
        .set_account_disabled(by, "Alpha", true)
        .await
        .unwrap();
    for (password, is_told) in [(PASSWORD, true), ("wrong password", false)] {
        let mut ana = site.visitor();
        let form = [("email", "ana@alpha.example"), ("password", password)];
        let page = ana.post("/login", &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let alert = page.between("<h2>", "</ul>");
        assert_eq!(alert.contains("is disabled"), is_told, "{alert}");
        assert_eq!(ana.get("/").await.status, StatusCode::SEE_OTHER);
    }
}
