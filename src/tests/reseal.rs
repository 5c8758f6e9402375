//! Everything under a new master key, while others go on working.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::both;
use super::secrets::holds;
use super::world::World;
use crate::config::{Config, Flags};
use crate::model::{Clock, Random};
use crate::rotation::{Engine, MasterKey, MasterKeys, RotationError, Rule, Settings};
use crate::store::{Db, keys};

async fn open(url: &str, masters: impl Into<MasterKeys>) -> Result<Engine, RotationError> {
    let db = Db::connect(url).await.unwrap();
    let settings = Settings {
        public_url: "http://127.0.0.1:3000".to_owned(),
        audience: None,
    };
    Engine::open(db, masters, settings, Clock::system(), Random::system()).await
}

async fn sealed_by(world: &World) -> Vec<String> {
    let mut tx = world.engine.db().read().await.unwrap();
    let keys = keys::list(&mut tx).await.unwrap();
    keys.into_iter()
        .filter(|key| key.sealed.is_some())
        .filter_map(|key| key.sealed_by)
        .collect()
}

both! {
    /// A serving node goes on issuing throughout; nothing moves before it holds the new master key;
    /// afterwards only the new one opens, and the copy under the old one is recorded as destroyed.
    async fn everything_moves_while_nodes_go_on_issuing(world: World) {
        let new = MasterKey::generate(&Random::system());
        let (old_name, new_name) = (world.master.fingerprint(), new.fingerprint());
        let server = world.another_process().await;
        server.serve().await.unwrap();
        let integration = world.integration("Alpha").await;
        let stop = Arc::new(AtomicBool::new(false));
        let issuing = {
            let (server, by, stop) = (server.clone(), world.operator.clone(), stop.clone());
            tokio::spawn(async move {
                let mut issued = 0;
                while !stop.load(Ordering::SeqCst) {
                    let order = crate::rotation::registry::Order {
                        integration: integration.clone(),
                        expiry: crate::model::Expiry::Never,
                        retirement: crate::model::Retirement::AtOnce,
                        form_id: None, instead_of: None,
                    };
                    server.issue_token(&by, order).await.unwrap();
                    issued += 1;
                }
                issued
            })
        };
        let refused = world.engine.reseal(&world.operator, &new).await;
        assert!(matches!(refused, Err(RotationError::Refused(Rule::MasterKeyNotHeld { .. }))), "{refused:?}");
        assert_eq!(sealed_by(&world).await, std::slice::from_ref(&old_name), "nothing has moved");
        // As if it had been restarted with both.
        server.master_keys().hold(&new);
        let done = world.engine.reseal(&world.operator, &new).await.unwrap();
        assert_eq!((done.moved.len(), done.from.as_slice()), (1, std::slice::from_ref(&old_name)));
        assert_eq!(sealed_by(&world).await, std::slice::from_ref(&new_name));
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        stop.store(true, Ordering::SeqCst);
        assert!(issuing.await.unwrap() > 5);
        let again = world.engine.reseal(&world.operator, &new).await.unwrap();
        assert!(again.moved.is_empty());
        assert!(matches!(open(&world.url, world.master.clone()).await, Err(RotationError::Sealed { .. })));
        open(&world.url, new.clone()).await.unwrap();
        let record = world.engine.key_records().await.unwrap().remove(0);
        let copy = &record.destructions[0];
        assert_eq!((copy.what.as_str(), copy.why.as_str(), copy.sealed_by.as_str()), ("copy", "reseal", old_name.as_str()));
        // What is made from now on is sealed with the new one, by whoever holds both.
        world.start().await;
        assert_eq!(sealed_by(&world).await, std::slice::from_ref(&new_name));
        let audit = world.engine.audit(Some(&new_name), 5).await.unwrap();
        assert!(audit.iter().any(|line| line.action == "key.reseal" && line.detail.contains(&old_name)));
    }
}

both! {
    /// Who holds a new master key that is not in force yet seals with the one that is: nothing is made
    /// that other nodes cannot open.
    async fn a_setting_that_is_ahead_seals_with_what_is_in_force(world: World) {
        let new = MasterKey::generate(&Random::system());
        let ahead = open(&world.url, MasterKeys::new(new.clone(), vec![world.master.clone()])).await.unwrap();
        let plan = crate::rotation::phases::Plan { name: Some("r".parse().unwrap()), ..Default::default() };
        ahead.start_rotation(&world.operator, plan).await.unwrap();
        assert_eq!(sealed_by(&world).await, [world.master.fingerprint()]);
        open(&world.url, world.master.clone()).await.unwrap();
    }
}

/// The master key in a file beside a SQLite database: cut short after any step, the installation
/// opens, and running it again finishes.
#[tokio::test(flavor = "multi_thread")]
async fn cut_short_between_any_two_steps_the_installation_opens() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rollcall.db").display());
    let flags = Flags {
        alone: true,
        database_url: Some(url.clone()),
        ..Flags::default()
    };
    let config = Config::from_sources(&flags, |_| None, false).unwrap();
    let (source, random) = (&config.master_key, Random::system());
    let resolve = || source.resolve(&random).unwrap();
    let first = resolve();
    Db::connect(url.as_str())
        .await
        .unwrap()
        .migrate(300, &random)
        .await
        .unwrap();
    let running = open(&url, first.clone()).await.unwrap();
    running.serve().await.unwrap();
    let old_file = std::fs::read(folder.path().join("rollcall.key")).unwrap();
    let by = crate::auth::operator("test".to_owned());

    // The new key waits beside the old one.
    let new = source.prepare(None, &random).unwrap().unwrap();
    assert!(source.unfinished().is_some());
    open(&url, resolve()).await.unwrap();
    assert_eq!(
        source
            .prepare(None, &random)
            .unwrap()
            .unwrap()
            .fingerprint(),
        new.fingerprint(),
        "it is gone on with"
    );
    assert!(
        source
            .prepare(Some(&MasterKey::generate(&random)), &random)
            .is_err(),
        "no third one"
    );

    // Everything has moved; the file has not been renamed. The running node has found the new one.
    let engine = open(&url, resolve()).await.unwrap();
    let done = engine.reseal(&by, &new).await.unwrap();
    assert_eq!(done.moved.len(), 1);
    open(&url, resolve()).await.unwrap();
    issue(&running, &by).await;

    // Run again, from the start.
    let engine = open(&url, resolve()).await.unwrap();
    let again = source.prepare(None, &random).unwrap().unwrap();
    assert_eq!(again.fingerprint(), new.fingerprint());
    assert!(engine.reseal(&by, &again).await.unwrap().moved.is_empty());
    source.adopt(&again).unwrap();
    assert!(source.unfinished().is_none());
    source.adopt(&again).unwrap();
    assert_eq!(resolve().fingerprints(), [new.fingerprint()]);
    open(&url, resolve()).await.unwrap();
    issue(&running, &by).await;
    assert!(
        !holds(folder.path(), old_file.trim_ascii()),
        "the old key is in no file"
    );
    for _ in 0..100 {
        if running.master_keys().fingerprints() == [new.fingerprint()] {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the running node lets the old one go");
}

async fn issue(engine: &Engine, by: &crate::model::Operator) {
    let name = format!("Account {}", engine.random().hex::<4>());
    engine
        .create_account(by, name.parse().unwrap(), "ops@x.example".parse().unwrap())
        .await
        .unwrap();
    let integration = engine
        .create_integration(by, &name, "Sync".parse().unwrap())
        .await
        .unwrap();
    let order = crate::rotation::registry::Order {
        integration: integration.id,
        expiry: crate::model::Expiry::Never,
        retirement: crate::model::Retirement::Keep,
        form_id: None,
        instead_of: None,
    };
    engine.issue_token(by, order).await.unwrap();
}
