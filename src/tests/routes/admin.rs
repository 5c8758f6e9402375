use axum::http::StatusCode;

use super::super::http::{Page, Site, Visitor};
use super::super::world::World;
use crate::model::Span;
use crate::rotation::phases::Plan;
use crate::rotation::rehearsal::{AccountQuery, Show, Sort};

const ADMIN: &str = "priya@platform.example";

/// Three accounts with an integration and a token each; a rotation records and has seen the first.
async fn recording(world: World) -> (Site, Vec<crate::model::PlainToken>) {
    let mut tokens = Vec::new();
    for account in ["Alpha", "=SUM(A1), Ltd", "Gamma"] {
        let integration = world.integration(account).await;
        tokens.push(world.issue(&integration).await.token);
    }
    for token in &tokens {
        world.accepted(token).await;
    }
    let site = Site::of(world).await;
    site.user(None, ADMIN).await;
    site.user(Some("Alpha"), "ana@alpha.example").await;
    let plan = Plan {
        window: Span::days(14),
        name: Some("autumn".parse().unwrap()),
        ..Plan::default()
    };
    let world = &site.world;
    world
        .engine
        .start_rotation(&world.operator, plan)
        .await
        .unwrap();
    world.accepted(&tokens[0]).await;
    (site, tokens)
}

async fn page_of_rotation(admin: &mut Visitor) -> String {
    let page = admin.get("/admin/rotations").await;
    format!(
        "/admin/rotations/{}",
        page.between("href=\"/admin/rotations/rot_", "\"")
    )
    .replace("rotations/", "rotations/rot_")
}

fn refused(page: &Page) -> bool {
    page.status == StatusCode::UNPROCESSABLE_ENTITY
        && page.body.contains("<title>Error: ")
        && page.body.contains("role=\"alert\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_finds_these_pages() {
    let (site, _) = recording(World::sqlite().await).await;
    let mut member = site.signed_in("ana@alpha.example").await;
    let mut nobody = site.visitor();
    for path in [
        "/admin",
        "/admin/live",
        "/admin/rotations",
        "/admin/rotations/new",
        "/admin/accounts",
        "/admin/accounts.csv",
        "/admin/keys",
        "/admin/audit",
    ] {
        assert_eq!(
            member.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        let page = nobody.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.header("location").starts_with("/login?next="));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finalising_takes_every_acknowledgement_and_the_name_and_happens_once() {
    let (site, tokens) = recording(World::sqlite().await).await;
    let mut admin = site.signed_in(ADMIN).await;
    let rotation = page_of_rotation(&mut admin).await;
    let rehearsal = admin.get(&rotation).await;
    assert_eq!(
        rehearsal.h1(),
        "If you finalised now, 2 accounts would lose an integration."
    );
    let step = format!("{rotation}/finalise");
    let all = [
        ("stops", "yes"),
        ("sessions", "yes"),
        ("promise", "yes"),
        ("confirm", "autumn"),
    ];
    for left_out in 0..all.len() {
        let mut form = all.to_vec();
        form.remove(left_out);
        assert!(refused(&admin.post(&step, &form).await), "{left_out}");
    }
    let mut wrong = all;
    wrong[3].1 = "autumm";
    let page = admin.post(&step, &wrong).await;
    assert!(refused(&page));
    assert_eq!(page.field("confirm"), "autumm", "what was typed is kept");
    site.world.accepted(&tokens[0]).await;
    for _ in 0..2 {
        let page = admin.post(&step, &all).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), rotation);
    }
    site.world.accepted(&tokens[0]).await;
    site.world.refused(&tokens[1]).await;
    site.world.refused(&tokens[2]).await;
    let audit = site.world.engine.audit(None, 50).await.unwrap();
    let finalised = audit
        .iter()
        .filter(|line| line.action == "rotation.finalise");
    assert_eq!(finalised.count(), 1);
    assert_eq!(
        admin.get(&rotation).await.h1(),
        "2 accounts are still affected; none works again yet."
    );
    let abort = admin.get(&format!("{rotation}/abort")).await;
    assert_eq!(abort.status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_starts_from_its_form_with_its_defaults() {
    let world = World::sqlite().await;
    let site = Site::of(world).await;
    site.user(None, ADMIN).await;
    let mut admin = site.signed_in(ADMIN).await;
    let known = [("new_key", "yes"), ("records", "yes"), ("promise", "yes")];
    let mut wrong = known.to_vec();
    wrong.extend([("window", "soon"), ("reason", "a leak")]);
    let page = admin.post("/admin/rotations/new", &wrong).await;
    assert!(refused(&page));
    assert_eq!(page.field("window"), "soon", "what was typed is kept");
    let page = admin.post("/admin/rotations/new", &known).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let open = site.world.engine.open_rotation().await.unwrap().unwrap();
    assert_eq!(
        page.header("location"),
        format!("/admin/rotations/{}", open.id)
    );
    let again = admin.post("/admin/rotations/new", &known).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_rehearsed_on_the_form_that_starts_it() {
    let world = World::sqlite().await;
    let (alpha, beta) = (
        world.integration("Alpha").await,
        world.integration("Beta").await,
    );
    let used = world.issue(&alpha).await;
    world.issue(&beta).await;
    world.accepted(&used.token).await;
    let site = Site::of(world).await;
    site.user(None, ADMIN).await;
    let mut admin = site.signed_in(ADMIN).await;
    let ask = [
        ("rehearse", "yes"),
        ("lookback", "40d"),
        ("reason", "a leak"),
    ];
    let page = admin.post("/admin/rotations/new", &ask).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains(
            "If you started with a look-back of 40 days and finalised at once, 1 account would lose an integration."
        ),
        "{}",
        page.body
    );
    assert!(page.body.contains("Beta") && !page.body.contains(">Alpha<"));
    assert!(page.body.contains("a leak"), "what was typed is kept");
    let ask = [("rehearse", "yes"), ("lookback", "")];
    let page = admin.post("/admin/rotations/new", &ask).await;
    assert!(
        page.body
            .contains("without a look-back and finalised at once, 2 accounts")
    );
    let wrong = [("rehearse", "yes"), ("lookback", "500d")];
    assert!(refused(&admin.post("/admin/rotations/new", &wrong).await));
    assert!(site.world.engine.open_rotation().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_csv_is_the_filter_and_runs_no_formula() {
    let (site, _) = recording(World::sqlite().await).await;
    let mut admin = site.signed_in(ADMIN).await;
    let page = admin.get("/admin/accounts.csv").await;
    assert_eq!(page.header("content-type"), "text/csv; charset=utf-8");
    assert!(page.header("content-disposition").contains("attachment"));
    assert_eq!(page.body.lines().count(), 3, "{}", page.body);
    assert!(page.body.contains("\"'=SUM(A1), Ltd\""), "{}", page.body);
    let page = admin.get("/admin/accounts.csv?q=gam").await;
    assert_eq!(page.body.lines().count(), 2);
    let page = admin.get("/admin/accounts?q=alpha").await;
    assert!(page.body.contains("No affected account matches"));
    let page = admin.get("/admin/accounts?show=every&q=alpha").await;
    assert_eq!(page.h1(), "There is 1 account matching “alpha”.");
}

/// The list of accounts reads the same on both engines.
async fn lists(world: World) {
    let (site, _) = recording(world).await;
    let (engine, operator) = (&site.world.engine, &site.world.operator);
    let ask = |show, sort, offset, limit| AccountQuery {
        show,
        sort,
        offset,
        limit,
        ..AccountQuery::default()
    };
    let names = async |ask: AccountQuery| {
        let (rows, total) = engine.affected_accounts(operator, &ask).await.unwrap();
        let names: Vec<String> = rows.into_iter().map(|fate| fate.name).collect();
        (names.join("|"), total)
    };
    let both = ("=SUM(A1), Ltd|Gamma".to_owned(), 2);
    assert_eq!(names(ask(Show::Affected, Sort::Name, 0, 9)).await, both);
    assert_eq!(names(ask(Show::All, Sort::Affected, 0, 9)).await, both);
    let second = ("Gamma".to_owned(), 2);
    assert_eq!(names(ask(Show::Affected, Sort::Name, 1, 1)).await, second);
    let beyond = (String::new(), 2);
    assert_eq!(
        names(ask(Show::Affected, Sort::LastUse, 50, 50)).await,
        beyond
    );
    let every = names(ask(Show::Every, Sort::Name, 1, 9)).await;
    assert_eq!(every, ("Alpha|Gamma".to_owned(), 3));
    engine
        .set_account_disabled(operator, "Gamma", true)
        .await
        .unwrap();
    let one = ("=SUM(A1), Ltd".to_owned(), 1);
    assert_eq!(names(ask(Show::Affected, Sort::Name, 0, 9)).await, one);
    assert_eq!(engine.status().await.unwrap().accounts.affected, 1);
    assert_eq!(engine.rehearse(operator).await.unwrap().len(), 1);
    engine.finalise(operator, "autumn").await.unwrap();
    assert_eq!(names(ask(Show::Affected, Sort::Name, 0, 9)).await, one);
    assert_eq!(engine.burn_down(operator).await.unwrap().affected, 1);
    let last = engine.audit_page(operator, None, 1).await.unwrap();
    let before = engine.audit_page(operator, Some(&last[0].id), 1).await;
    assert_ne!(before.unwrap()[0].id, last[0].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_on_sqlite() {
    lists(World::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_on_postgres() {
    lists(World::postgres().await).await;
}
