//! Keys, master keys, backups and restored databases, as an operator meets them.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::place::Place;
use crate::serving::Running;

fn serve(place: &Place) -> Running {
    Running::start(
        place.command(&["serve", "--address", "127.0.0.1:0"]),
        "/setup?link=",
    )
}

#[test]
fn a_key_is_listed_with_its_life_and_its_destruction() {
    let place = Place::new();
    let keys = place.run(&["key", "list", "--json"]).json();
    assert_eq!(keys[0]["state"], "active");
    assert!(keys[0]["destroyed_at"].is_null() && keys[0]["sealed_by"].is_string());
    place.run(&["rotation", "start", "--name", "autumn"]).fine();
    let keys = place.run(&["key", "list", "--json"]).json();
    assert_eq!(
        (&keys[0]["state"], &keys[1]["state"]),
        (&"active".into(), &"deactivated".into())
    );
    let destroyed = &keys[1]["destructions"][0];
    assert_eq!(destroyed["what"], "private half");
    assert_eq!(destroyed["why"], "start");
    assert_eq!(destroyed["rotation"], "autumn");
    assert_eq!(destroyed["sealed_by"], keys[0]["sealed_by"]);
    assert!(destroyed["scrubbed_at"].is_string());
    let old = keys[1]["kid"].as_str().unwrap();
    assert_eq!(
        place.run(&["key", "compromised", old]).code,
        2,
        "a reason is needed"
    );
    let mark = ["key", "compromised", old, "--reason", "a laptop was stolen"];
    assert_eq!(place.run(&mark).code, 0);
    assert_eq!(place.run(&mark).code, 3);
    assert_eq!(
        place
            .run(&["key", "compromised", "g9", "--reason", "x"])
            .code,
        4
    );
    assert_eq!(place.run(&["key", "close-alarm", old]).code, 4);
    let keys = place.run(&["key", "list", "--json"]).json();
    assert_eq!(keys[1]["state"], "compromised");
    assert_eq!(keys[1]["compromised_reason"], "a laptop was stolen");
    assert_eq!(place.run(&["doctor"]).code, 0, "it signs no more");
    let new = keys[0]["kid"].as_str().unwrap();
    place
        .run(&["key", "compromised", new, "--reason", "leaked"])
        .fine();
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(
        doctor.out.contains("is compromised, and still signs"),
        "{}",
        doctor.out
    );
    let status = place.run(&["rotation", "status", "--json"]).json();
    assert_eq!(status["forgeries"], 0);
}

#[test]
fn a_master_key_beside_the_data_is_replaced_under_a_serving_process() {
    let place = Place::new();
    let id = place.with_integration();
    let serve = serve(&place);
    let file = place.path().join("data/rollcall.key");
    let old = std::fs::read_to_string(&file).unwrap();
    let done = place.run(&["key", "reseal", "--json"]).json();
    let new = std::fs::read_to_string(&file).unwrap();
    assert_ne!(old, new);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!place.path().join("data/rollcall.key.next").exists());
    assert_eq!(done["moved"].as_array().unwrap().len(), 1);
    assert_eq!(done["scrubbed"], true);
    let keys = place.run(&["key", "list", "--json"]).json();
    assert_eq!(keys[0]["sealed_by"], done["master_key"]);
    assert_eq!(keys[0]["destructions"][0]["sealed_by"], done["from"][0]);
    // The serving process completes a step with it, and what is issued passes.
    place.run(&["rotation", "start", "--name", "autumn"]).fine();
    let token = place.run(&["token", "issue", "--integration", &id]).fine();
    assert!(
        serve
            .get("/verify", Some(&token))
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(serve.stop().0, Some(0));
    assert_eq!(place.run(&["doctor"]).code, 0);
    // A key of one's own, from a file and from stdin.
    let own = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    std::fs::write(place.path().join("own"), own).unwrap();
    let done = place
        .run(&["key", "reseal", "--new-key-file", "own", "--json"])
        .json();
    assert_eq!(done["from"][0], keys[0]["sealed_by"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), own);
    let said = place.run_reading("short", &["key", "reseal", "--new-key-file", "-"]);
    assert_eq!(said.code, 2);
    assert_eq!(
        place
            .run(&["key", "reseal", "--new-key-file", "nowhere"])
            .code,
        2
    );
    assert_eq!(place.run(&["doctor"]).code, 0);
}

#[test]
fn given_master_keys_are_replaced_node_by_node() {
    let place = Place::new();
    let (old, new) = (
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    );
    let with = |keys: &[(&str, &str)], arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.envs(keys.iter().copied());
        command
    };
    let run = |keys: &[(&str, &str)], arguments: &[&str]| {
        crate::place::Said::from(with(keys, arguments).output().unwrap())
    };
    let (just_old, just_new) = (
        [("ROLLCALL_MASTER_KEY", old)],
        [("ROLLCALL_MASTER_KEY", new)],
    );
    let both = [
        ("ROLLCALL_MASTER_KEY", new),
        ("ROLLCALL_MASTER_KEY_PREVIOUS", old),
    ];
    run(&just_old, &["migrate"]).fine();
    let address = ["serve", "--address", "127.0.0.1:0"];
    let said = run(&just_old, &["key", "reseal"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("ROLLCALL_MASTER_KEY_PREVIOUS"),
        "{}",
        said.err
    );
    let behind = Running::start(with(&just_old, &address), "/setup?link=");
    let refused = run(&both, &["key", "reseal"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("Nothing has moved"), "{}", refused.err);
    assert_eq!(behind.stop().0, Some(0));
    let ready = Running::start(with(&both, &address), "/setup?link=");
    run(&both, &["key", "reseal"]).fine();
    run(&both, &["rotation", "start"]).fine();
    assert!(ready.get("/readyz", None).starts_with("HTTP/1.1 200"));
    assert_eq!(run(&just_new, &["doctor"]).code, 0);
    assert_eq!(run(&just_old, &["key", "list"]).code, 1);
    assert_eq!(ready.stop().0, Some(0));
}

/// Backed up while it answers, restored into a fresh place, and put over the original.
#[test]
#[expect(clippy::too_many_lines, reason = "a story, told in one piece")]
fn a_backup_is_restored_and_an_older_one_is_refused_until_it_is_accepted() {
    let place = Place::new();
    let id = place.with_integration();
    let tokens: Vec<String> = (0..10)
        .map(|_| place.run(&["token", "issue", "--integration", &id]).fine())
        .collect();
    let serve = serve(&place);
    place.run(&["rotation", "start", "--name", "autumn"]).fine();
    for token in &tokens[..5] {
        assert!(
            serve
                .get("/verify", Some(token))
                .contains("rollcall-capture: recorded")
        );
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut answered = 0;
            while !stop.load(Ordering::SeqCst) {
                for token in &tokens {
                    assert!(
                        serve
                            .get("/verify", Some(token))
                            .starts_with("HTTP/1.1 200")
                    );
                    answered += 1;
                }
            }
            answered
        });
        let made = place.run(&["backup", "b.db", "--json"]).json();
        stop.store(true, Ordering::SeqCst);
        assert!(load.join().unwrap() > 0);
        assert!(made["bytes"].as_u64().unwrap() > 0);
    });
    let backup = place.path().join("b.db");
    assert_eq!(
        std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let twice = place.run(&["backup", "b.db"]);
    assert_eq!(twice.code, 1);
    assert!(twice.err.contains("it exists"), "{}", twice.err);

    let fresh = Place::new();
    std::fs::create_dir(fresh.path().join("data")).unwrap();
    std::fs::copy(&backup, fresh.path().join("data/rollcall.db")).unwrap();
    let without_key = fresh.run(&["key", "list"]);
    assert!(
        without_key.code != 0 && without_key.err.contains("put it back"),
        "{}",
        without_key.err
    );
    std::fs::copy(
        place.path().join("data/rollcall.key"),
        fresh.path().join("data/rollcall.key"),
    )
    .unwrap();
    let doctor = fresh.run(&["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    fresh
        .run(&["rotation", "finalise", "--confirm", "autumn"])
        .fine();
    let restored = self::serve(&fresh);
    for token in &tokens[..5] {
        assert!(
            restored
                .get("/verify", Some(token))
                .starts_with("HTTP/1.1 200")
        );
    }
    assert_eq!(restored.stop().0, Some(0));

    assert_eq!(serve.stop().0, Some(0));
    for tail in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path().join(format!("data/rollcall.db{tail}")));
    }
    std::fs::copy(&backup, place.path().join("data/rollcall.db")).unwrap();
    for command in [
        ["serve"].as_slice(),
        &["key", "list"],
        &["rotation", "status"],
    ] {
        let said = place.run(command);
        assert_eq!(said.code, 3, "{command:?}: {}", said.err);
        assert!(
            said.err.contains("--accept-older-database")
                && said.err.contains("restored from a backup"),
            "{}",
            said.err
        );
    }
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("older than the one"), "{}", doctor.out);
    place
        .run(&["key", "list", "--accept-older-database"])
        .fine();
    assert_eq!(place.run(&["doctor"]).code, 0);
    let again = self::serve(&place);
    assert!(
        again
            .get("/verify", Some(&tokens[0]))
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(again.stop().0, Some(0));
}
