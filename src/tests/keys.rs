//! What becomes of a key: dated, destroyed without a trace, recorded; said to be compromised.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::both;
use super::cluster;
use super::http::Site;
use super::secrets::holds;
use super::world::World;
use crate::model::KeyState;
use crate::rotation::phases::Plan;
use crate::rotation::{RotationError, Rule, unseal_for_tests};
use crate::store::keys;

/// Every sealed private half, with its key's name and the master key.
async fn sealed(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut tx = world.engine.db().read().await.unwrap();
    let keys = keys::list(&mut tx).await.unwrap();
    keys.into_iter()
        .filter_map(|key| Some((key.kid, key.sealed?)))
        .collect()
}

async fn states(world: &World) -> Vec<(i64, KeyState)> {
    let records = world.engine.key_records().await.unwrap();
    records
        .iter()
        .map(|record| (record.key.generation.0, record.state))
        .collect()
}

async fn rotate(world: &World, name: &str) {
    let plan = Plan {
        name: Some(name.parse().unwrap()),
        ..Plan::default()
    };
    let (engine, by) = (&world.engine, &world.operator);
    engine.start_rotation(by, plan).await.unwrap();
    engine.abort(by, name).await.unwrap();
}

both! {
    /// Every change of state is dated, in the words of SP 800-57, and what was destroyed is recorded
    /// with why, by which rotation, and the master key that had sealed it.
    async fn a_key_is_dated_from_its_publication_to_its_destruction(world: World) {
        assert_eq!(states(&world).await, [(1, KeyState::Active)]);
        world.start().await;
        assert_eq!(states(&world).await, [(2, KeyState::Active), (1, KeyState::Deactivated)]);
        world.finalise().await;
        world.close().await;
        assert_eq!(states(&world).await, [(2, KeyState::Active), (1, KeyState::Destroyed)]);
        let records = world.engine.key_records().await.unwrap();
        let old = &records[1];
        assert!(records[0].destructions.is_empty());
        let rotation = world.engine.rotations().await.unwrap().remove(0);
        let master = world.master.fingerprint();
        let told: Vec<_> = old.destructions.iter().map(|one| (one.what.as_str(), one.why.as_str(), one.sealed_by.as_str())).collect();
        assert_eq!(told, [("private", "start", master.as_str()), ("public", "close", "")]);
        for one in &old.destructions {
            assert_eq!((one.kid.as_str(), one.generation), (old.key.kid.as_str(), old.key.generation));
            assert_eq!(one.rotation_id.as_ref(), Some(&rotation.id));
            assert!(one.scrubbed_at.is_some_and(|at| at >= one.at), "the files are clean");
        }
        assert_eq!(Some(old.destructions[0].at), old.key.destroyed_at);
        assert_eq!(Some(old.destructions[1].at), old.key.forgotten_at);
    }
}

both! {
    /// A reader of an older state keeps the old bytes in the files. The step does not wait for it:
    /// it is shown as unfinished, and done by a later attempt.
    async fn what_cannot_be_cleaned_yet_is_not_forgotten(world: World) {
        let (_, old) = sealed(&world).await.remove(0);
        let mut reader = world.engine.db().read().await.unwrap();
        keys::list(&mut reader).await.unwrap();
        world.start().await;
        let unfinished = async || world.engine.key_records().await.unwrap()[1].is_unfinished();
        assert!(unfinished().await);
        assert!(!world.engine.scrub().await);
        assert!(unfinished().await);
        drop(reader);
        world.engine.serve().await.unwrap();
        for _ in 0..400 {
            if !unfinished().await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(!unfinished().await, "a serving node has done it");
        assert!(!files_hold(&world, &old).await);
    }
}

both! {
    /// Many rotations leave no old private key in any file of the database, nor a part of one: whatever
    /// pages were split, merged or rewritten meanwhile (I4).
    async fn no_old_private_key_is_in_any_file_of_the_database(world: World) {
        let mut old = BTreeSet::new();
        for number in 0..16 {
            let before = sealed(&world).await;
            assert_eq!(before.len(), 1);
            old.extend(before[0].1.chunks_exact(12).map(<[u8]>::to_vec));
            if number == 0 {
                assert!(files_hold(&world, &before[0].1).await, "the search finds it while it is there");
            }
            rotate(&world, &format!("r{number}")).await;
        }
        let mut found = 0;
        for content in contents(&files_of(&world).await) {
            found += content.windows(12).filter(|part| old.contains(*part)).count();
        }
        assert_eq!(found, 0);
    }
}

/// What every file below a folder holds.
fn contents(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if let Ok(content) = std::fs::read(&path) {
            all.push(content);
        }
    }
    all
}

/// Whether the database's files hold these bytes.
async fn files_hold(world: &World, bytes: &[u8]) -> bool {
    holds(&files_of(world).await, bytes)
}

/// The folder of the database's files: for PostgreSQL that of its tables, after a checkpoint. Its
/// write-ahead log keeps what was written until it is recycled; SECURITY.md says so.
async fn files_of(world: &World) -> PathBuf {
    if world.url.starts_with("sqlite") {
        return world.folder().to_owned();
    }
    let pool = sqlx::PgPool::connect(&world.url).await.unwrap();
    sqlx::query("checkpoint").execute(&pool).await.unwrap();
    let oid: i64 = sqlx::query_scalar(
        "select cast(oid as bigint) from pg_database where datname = current_database()",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    pool.close().await;
    cluster::data().join("base").join(oid.to_string())
}

both! {
    async fn a_key_can_be_said_to_be_compromised_once_and_nothing_captured_is_lost(world: World) {
        let integration = world.integration("Alpha").await;
        let issued = world.issue(&integration).await;
        world.start().await;
        world.accepted(&issued.token).await;
        let (engine, by) = (&world.engine, &world.operator);
        let kid = engine.key_records().await.unwrap()[1].key.kid.clone();
        let said = engine.mark_compromised(by, &kid, "").await;
        assert!(matches!(said, Err(RotationError::Invalid(_))), "a reason is needed: {said:?}");
        let said = engine.mark_compromised(by, "g9-nothing", "lost").await;
        assert!(matches!(said, Err(RotationError::NotFound(_))), "{said:?}");
        engine.mark_compromised(by, &kid, "found in a public repository").await.unwrap();
        let said = engine.mark_compromised(by, &kid, "again").await;
        assert!(matches!(said, Err(RotationError::Refused(Rule::AlreadyCompromised { .. }))), "{said:?}");
        let record = engine.key_records().await.unwrap().remove(1);
        assert_eq!(record.state, KeyState::Compromised);
        let compromise = record.compromise.unwrap();
        assert_eq!(compromise.reason, "found in a public repository");
        assert_eq!(compromise.by, "operator test");
        world.finalise().await;
        world.accepted(&issued.token).await;
        world.close().await;
        world.accepted(&issued.token).await;
        assert_eq!(states(&world).await[1].1, KeyState::Compromised, "also when nothing of it is left");
        let audit = engine.audit(Some(&kid), 10).await.unwrap();
        assert!(audit.iter().any(|line| line.action == "key.compromised" && line.detail.contains("public repository")));
    }
}

/// After signing, the private key is nowhere in this process's memory (I4). What is looked for is
/// kept in disguise, so that the search does not find itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_private_key_stays_in_memory() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    for _ in 0..20 {
        world.issue(&integration).await;
    }
    let (kid, sealed) = sealed(&world).await.remove(0);
    let disguised: Vec<u8> = {
        let seed = unseal_for_tests(&sealed, &kid, &world.master);
        seed.iter().map(|byte| byte ^ 0xa5).collect()
    };
    let planted: Vec<u8> = disguised[..16]
        .iter()
        .map(|byte| byte ^ 0xa5 ^ 0x5a)
        .collect();
    let hidden: Vec<u8> = planted.iter().map(|byte| byte ^ 0xa5).collect();
    let found = found_in_memory(&[&hidden, &disguised[..16], &disguised[16..]]);
    assert!(found[0], "the search finds what is there");
    assert_eq!(
        found[1..],
        [false, false],
        "a half of the private key is still in memory"
    );
    drop(planted);
    // It still signs.
    world.issue(&integration).await;
}

/// Which of these, each in disguise, writable memory of this process holds.
fn found_in_memory(disguised: &[&[u8]; 3]) -> [bool; 3] {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const CHUNK: usize = 1 << 20;
    let mut wanted = [0_u8; 256];
    for (number, one) in disguised.iter().enumerate() {
        wanted[usize::from(one[0] ^ 0xa5)] |= 1 << number;
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0_u8; CHUNK];
    let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + CHUNK as u64;
    let mut found = [false; 3];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let mut at = u64::from_str_radix(from, 16).unwrap();
        let to = u64::from_str_radix(to, 16).unwrap();
        while at < to {
            let length = usize::try_from((to - at).min(CHUNK as u64)).unwrap();
            let read = memory
                .seek(SeekFrom::Start(at))
                .and_then(|_| memory.read_exact(&mut buffer[..length]));
            if read.is_ok() {
                for i in 0..length.saturating_sub(16) {
                    let begun = wanted[usize::from(buffer[i])];
                    if begun == 0 || own.contains(&(at + i as u64)) {
                        continue;
                    }
                    for (number, one) in disguised.iter().enumerate() {
                        let mut pairs = one.iter().zip(&buffer[i..]);
                        found[number] |= begun & (1 << number) != 0
                            && pairs.all(|(hidden, byte)| hidden ^ 0xa5 == *byte);
                    }
                }
            }
            if length < CHUNK {
                break;
            }
            // A little over the end, for what lies across it.
            at += (CHUNK - 64) as u64;
        }
    }
    buffer.fill(0);
    found
}

both! {
    /// Caches keep the keys no longer than a node may answer from its view.
    async fn the_published_keys_are_kept_no_longer_than_the_lease(world: World) {
        use axum::body::Body;
        use axum::http::Request;
        let site = Site::of(world).await;
        for lease_ms in [500, 1_999, 2_000, 60_000] {
            site.world.engine.set_lease(lease_ms).await.unwrap();
            let page = site.send(Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap()).await;
            let seconds: i64 = page.header("cache-control").rsplit('=').next().unwrap().parse().unwrap();
            assert!(seconds * 1_000 <= lease_ms, "{seconds} s for {lease_ms} ms");
        }
    }
}

both! {
    /// Look-back revives nobody: neither a disabled account's sessions nor a disabled user's.
    async fn look_back_captures_no_session_of_a_disabled_account(world: World) {
        use crate::model::{DAY_MS, Digest, Span};
        use crate::rotation::{Caller, NewUser};
        let mut digests = Vec::new();
        for account in ["Alpha", "Beta"] {
            world.integration(account).await;
            let email = format!("ana@{}.example", account.to_lowercase());
            let new = NewUser { account: Some(account.to_owned()), name: None, email: email.parse().unwrap(), password_hash: None };
            let user = world.engine.create_user(&world.operator, new).await.unwrap().user;
            let digest = Digest::of(account.as_bytes());
            assert!(world.engine.begin_session(user, digest, "{}".to_owned(), Caller::default()).await.unwrap());
            digests.push(digest);
        }
        world.engine.set_account_disabled(&world.operator, "Beta", true).await.unwrap();
        let plan = Plan { name: Some("2026-11".parse().unwrap()), lookback: Span(40 * DAY_MS), ..Plan::default() };
        world.engine.start_rotation(&world.operator, plan).await.unwrap();
        let mut generations = BTreeSet::new();
        let mut tx = world.engine.db().read().await.unwrap();
        for (digest, account) in digests.iter().zip(["Alpha", "Beta"]) {
            let session = crate::store::sessions::find(&mut tx, digest).await.unwrap().unwrap();
            generations.insert((account, session.generation.0));
        }
        assert_eq!(generations, BTreeSet::from([("Alpha", 2), ("Beta", 1)]));
    }
}
