//! What becomes of an imported secret: moved to another master key, destroyed, said to be compromised.

use super::platform::Platform;
use crate::model::{KeyState, Random, Reason};
use crate::rotation::destruction::{Danger, KeyRecord};
use crate::rotation::{Engine, MasterKey};
use crate::tests::both;
use crate::tests::world::World;

async fn record(engine: &Engine, kid: &str) -> KeyRecord {
    let records = engine.key_records().await.unwrap();
    records
        .into_iter()
        .find(|record| record.key.kid == kid)
        .unwrap()
}

both! {
    /// A shared secret moves to the new master key like everything that is sealed, verifies as before,
    /// and what is imported later is sealed with the one in force. Each destruction is recorded.
    async fn an_imported_secret_moves_to_a_new_master_key_and_its_end_is_recorded(world: World) {
        let (first, later) = (Platform::hs256(Some("first")), Platform::hs256(Some("later")));
        first.import_into(&world).await;
        Platform::es256(Some("public")).import_into(&world).await;
        let token = first.issued("Alpha", "x");
        world.accepted(&token).await;
        let new = MasterKey::generate(&Random::system());
        let (engine, by) = (&world.engine, &world.operator);
        let done = engine.reseal(by, &new).await.unwrap();
        assert_eq!(done.moved.len(), 2, "the key that signs and the secret: {:?}", done.moved);
        world.accepted(&token).await;
        later.import_into(&world).await;
        world.accepted(&later.issued("Alpha", "x")).await;
        let (old_name, new_name) = (world.master.fingerprint(), new.fingerprint());
        for kid in ["first", "later"] {
            assert_eq!(record(engine, kid).await.key.sealed_by.as_ref(), Some(&new_name));
        }
        world.start().await;
        world.finalise().await;
        world.close().await;
        let told = async |kid: &str| {
            let record = record(engine, kid).await;
            assert_eq!(record.state, KeyState::Destroyed);
            assert!(!record.is_unfinished(), "the files are clean");
            let told = record.destructions.iter().map(|one| format!("{} {} {}", one.what, one.why, one.sealed_by));
            told.collect::<Vec<_>>()
        };
        assert_eq!(told("first").await, [format!("copy reseal {old_name}"), format!("secret close {new_name}")]);
        assert_eq!(told("later").await, [format!("secret close {new_name}")]);
        assert_eq!(told("public").await, ["public close "]);
    }
}

both! {
    /// A thief's tokens of an imported key are held, unlike forgeries with a key of ours: who is told
    /// that it is compromised hears so until the cutover.
    async fn a_compromised_key_of_another_platform_is_dangerous_until_the_cutover(world: World) {
        let old = Platform::hs256(Some("old"));
        old.import_into(&world).await;
        let engine = &world.engine;
        assert_eq!(record(engine, "old").await.danger, None);
        engine.mark_compromised(&world.operator, "old", "leaked").await.unwrap();
        let stolen = old.issued("Alpha", "x");
        for _ in ["idle", "recording"] {
            assert_eq!(record(engine, "old").await.danger, Some(Danger::LetsIn));
            world.accepted(&stolen).await;
            if engine.open_rotation().await.unwrap().is_none() {
                world.start().await;
            }
        }
        world.finalise().await;
        assert_eq!(record(engine, "old").await.danger, None);
        assert_eq!(world.reason(&stolen).await, Reason::NotCaptured);
        engine.flush().await.unwrap();
        assert!(engine.forgeries().await.unwrap().is_empty(), "it is no forgery of our own key");
    }
}
