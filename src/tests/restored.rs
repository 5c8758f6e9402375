//! Backups, and a database that was restored from one.

use std::path::{Path, PathBuf};

use super::both;
use super::cluster;
use super::http::Site;
use super::world::{World, caller};
use crate::cli::backup::dump;
use crate::model::{Clock, Operator, Random};
use crate::rotation::{Answer, Engine, MasterKey, RotationError, Settings, mark};
use crate::store::Db;

async fn open(url: &str, master: &MasterKey) -> Engine {
    let db = Db::connect(url).await.unwrap();
    let settings = Settings {
        public_url: "http://127.0.0.1:3000".to_owned(),
        audience: None,
    };
    Engine::open(
        db,
        master.clone(),
        settings,
        Clock::system(),
        Random::system(),
    )
    .await
    .unwrap()
}

/// Backs a world up into a file, as the command does.
async fn back_up(world: &World, to: &Path) {
    if world.url.starts_with("sqlite") {
        world.engine.backup(&world.operator, to).await.unwrap();
    } else {
        world.engine.flush().await.unwrap();
        dump::make(&world.url, to).await.unwrap();
        world.engine.note_backup(&world.operator, to).await.unwrap();
    }
    world.engine.flush().await.unwrap();
}

/// Restores a backup into a fresh place; gives its URL.
async fn restore(world: &World, from: &Path) -> String {
    if world.url.starts_with("sqlite") {
        let file = world.folder().join("restored.db");
        std::fs::copy(from, &file).unwrap();
        return format!("sqlite://{}", file.display());
    }
    let (from, url) = (
        from.to_owned(),
        tokio::task::spawn_blocking(cluster::new_database)
            .await
            .unwrap(),
    );
    let to = url.clone();
    let done = tokio::task::spawn_blocking(move || {
        std::process::Command::new("pg_restore")
            .arg("--no-owner")
            .arg(format!("--dbname={to}"))
            .arg(from)
            .status()
            .unwrap()
    });
    assert!(done.await.unwrap().success());
    url
}

fn mark_of(world: &World) -> PathBuf {
    world.folder().join("rollcall.mark")
}

both! {
    /// A backup made under load, restored into a fresh place: what was captured before it was begun is
    /// captured there, tokens pass, and the key signs.
    async fn a_backup_made_under_load_can_be_restored(world: World) {
        let integration = world.integration("Alpha").await;
        let mut tokens = Vec::new();
        for _ in 0..20 {
            tokens.push(world.issue(&integration).await.token);
        }
        world.start().await;
        for token in &tokens[..10] {
            world.accepted(token).await;
        }
        let load = {
            let (engine, rest) = (world.engine.clone(), tokens[10..].to_vec());
            tokio::spawn(async move {
                for round in 0..200 {
                    engine.verify(rest[round % rest.len()].expose(), &caller()).await;
                }
            })
        };
        let file = world.folder().join("backup");
        back_up(&world, &file).await;
        load.await.unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap()) & 0o777, 0o600);
        let url = restore(&world, &file).await;
        let restored = open(&url, &world.master).await;
        let status = restored.status().await.unwrap();
        assert!(status.tokens.captured >= 10, "{:?}", status.tokens);
        let (engine, by): (_, &Operator) = (&restored, &world.operator);
        engine.finalise(by, "2026-11").await.unwrap();
        for token in &tokens[..10] {
            assert!(matches!(engine.verify(token.expose(), &caller()).await, Answer::Accepted(_)));
        }
        let order = crate::rotation::registry::Order { integration, expiry: crate::model::Expiry::Never, retirement: crate::model::Retirement::Keep, form_id: None, instead_of: None };
        engine.issue_token(by, order).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_replaces_nothing_and_leaves_nothing_half_done() {
    let world = World::sqlite().await;
    let file = world.folder().join("backup");
    std::fs::write(&file, "precious").unwrap();
    let refused = world.engine.backup(&world.operator, &file).await;
    assert!(
        matches!(refused, Err(RotationError::File { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    let nowhere = world.folder().join("no/such/folder/backup");
    assert!(
        world
            .engine
            .backup(&world.operator, &nowhere)
            .await
            .is_err()
    );
    let left = std::fs::read_dir(world.folder()).unwrap().flatten();
    assert!(
        left.map(|entry| entry.path())
            .all(|path| !path.to_string_lossy().contains("part"))
    );
}

both! {
    /// A restored older database is refused until someone accepts it, even if nothing but captures
    /// happened since; accepting is audited, and lifts it beyond all that was known.
    async fn an_older_database_is_noticed(world: World) {
        let integration = world.integration("Alpha").await;
        let token = world.issue(&integration).await.token;
        let file = mark_of(&world);
        world.engine.keep_mark(file.clone()).await.unwrap();
        let backup = world.folder().join("backup");
        back_up(&world, &backup).await;
        let url = restore(&world, &backup).await;
        let db = Db::connect(url.as_str()).await.unwrap();
        mark::check(world.engine.db(), &file).await.unwrap();
        let refused = mark::check(&db, &file).await;
        assert!(matches!(refused, Err(RotationError::Older { .. })), "the backup itself is behind: {refused:?}");
        world.start().await;
        world.finalise().await;
        world.engine.flush().await.unwrap();
        let refused = mark::check(&db, &file).await;
        let Err(RotationError::Older { found, known, .. }) = refused else { panic!("{refused:?}") };
        assert!(found < known);
        let (by, random) = (&world.operator, Random::system());
        assert!(mark::accept(&db, &file, by, &random).await.unwrap());
        assert!(!mark::accept(&db, &file, by, &random).await.unwrap(), "once");
        mark::check(&db, &file).await.unwrap();
        let restored = open(&url, &world.master).await;
        assert!(db.reached().await.unwrap().version > known);
        let audit = restored.audit(None, 5).await.unwrap();
        assert!(audit.iter().any(|line| line.action == "database.accept-older" && line.actor == "operator test"));
        assert!(matches!(restored.verify(token.expose(), &caller()).await, Answer::Accepted(_)));
    }
}

both! {
    /// A database that goes back under a running node: it answers nothing, and says so, until someone
    /// accepts; that its version has grown again is not enough.
    async fn a_node_under_which_the_database_goes_back_answers_nothing_until_it_is_accepted(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        let file = mark_of(&world);
        world.engine.keep_mark(file.clone()).await.unwrap();
        let site = Site::of(world).await;
        site.user(Some("Alpha"), "ana@alpha.example").await;
        let mut ana = site.signed_in("ana@alpha.example").await;
        let world = &site.world;
        let token = issued.token.expose();
        assert_eq!(site.verify(token).await.status, 200);
        world.start().await;
        world.finalise().await;
        world.engine.reopen(&world.operator, "2026-11").await.unwrap();
        world.engine.flush().await.unwrap();
        let known = world.engine.db().reached().await.unwrap().version;
        set_version(&world.url, known - 2).await;
        assert!(world.engine.refresh().await.is_err());
        let ready = async || site.send(axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(site.verify(token).await.status, 503);
        assert_eq!(ana.get("/").await.status, 503);
        let page = ready().await;
        assert_eq!(page.status, 503);
        assert!(page.body.contains("went back in time") && page.body.contains("--accept-older-database"), "{}", page.body);
        set_version(&world.url, known + 5).await;
        assert!(world.engine.refresh().await.is_err(), "it grew, but nobody accepted");
        assert_eq!(site.verify(token).await.status, 503);
        set_version(&world.url, known - 2).await;
        let db = Db::connect(world.url.as_str()).await.unwrap();
        assert!(mark::accept(&db, &file, &world.operator, &Random::system()).await.unwrap());
        world.engine.refresh().await.unwrap();
        assert_eq!(site.verify(token).await.status, 200);
        assert_eq!(ready().await.status, 200);
        assert_eq!(ana.get("/").await.status, 200);
    }
}

/// What a restore does to the version.
async fn set_version(url: &str, version: i64) {
    let statement = "update state set version = $1 where id = 1";
    if let Some(path) = url.strip_prefix("sqlite://") {
        let pool = sqlx::SqlitePool::connect(path).await.unwrap();
        sqlx::query(statement)
            .bind(version)
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    } else {
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        sqlx::query(statement)
            .bind(version)
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    }
}
