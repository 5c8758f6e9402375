//! The command from outside, as a script meets it: each test in a folder of its own, with an
//! environment of its own.
#![cfg(feature = "ssr")]

mod elsewhere;
mod keys;
mod place;
mod serving;

use place::{Place, Said, free_port};

/// A master key of no installation.
const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

#[test]
fn help_is_data_and_a_typo_is_usage_with_a_suggestion() {
    let place = Place::new();
    let help = place.run(&["--help"]).fine();
    for noun in ["serve", "demo", "rotation", "doctor", "Exit codes"] {
        assert!(help.contains(noun), "{noun}");
    }
    for verbs in [
        &["rotation", "finalise", "--help"],
        &["token", "issue", "--help"],
    ] {
        assert!(place.run(verbs).fine().contains("Example"), "{verbs:?}");
    }
    let typo = place.run(&["rotation", "reherse"]);
    assert_eq!(typo.code, 2);
    assert!(
        typo.out.is_empty() && typo.err.contains("'rehearse'"),
        "{}",
        typo.err
    );
    assert_eq!(place.run(&[]).code, 2);
    assert!(std::fs::read_dir(place.path()).unwrap().next().is_none());
}

#[test]
fn completions_and_manual_are_printed() {
    let place = Place::new();
    assert!(
        place
            .run(&["completions", "bash"])
            .fine()
            .contains("rotation")
    );
    assert!(place.run(&["man"]).fine().contains("rollcall"));
}

#[test]
fn an_empty_database_answers_with_nothing() {
    let place = Place::new();
    assert_eq!(
        place.run(&["account", "list", "--json"]).json(),
        serde_json::json!([])
    );
    let list = place.run(&["integration", "list"]);
    assert_eq!((list.code, list.out.as_str()), (0, ""));
    let status = place.run(&["rotation", "status", "--json"]).json();
    assert_eq!(status["phase"], "idle");
    assert!(place.path().join("data/rollcall.db").exists());
}

#[test]
fn the_shapes_are_those_of_the_contract() {
    let place = Place::new();
    let id = place.with_integration();
    let accounts = place.run(&["account", "list", "--json"]).json();
    assert_eq!(accounts[0]["name"], "Northwind");
    assert_eq!(accounts[0]["contact"], "ops@northwind.example");
    assert_eq!(accounts[0]["disabled"], false);
    let listed = place
        .run(&["integration", "list", "--account", "northwind", "--json"])
        .json();
    assert_eq!(listed[0]["id"], id.as_str());
    assert_eq!(listed[0]["account_id"], accounts[0]["id"]);
    assert_eq!(listed[0]["standing"], "no-token");
    let issue = [
        "token",
        "issue",
        "--integration",
        "northwind/order sync",
        "--expires",
        "never",
        "--json",
    ];
    let issued = place.run(&issue).json();
    assert_eq!(issued["integration_id"], id.as_str());
    assert_eq!(issued["generation"], 1);
    assert!(issued["expires_at"].is_null() && issued["kid"].is_string());
    let shown = place
        .run(&["token", "show", issued["id"].as_str().unwrap(), "--json"])
        .json();
    assert_eq!(shown["state"], "active");
    assert_eq!(shown["uses"], 0);
    assert!(shown["last_used_at"].is_null() && shown.get("token").is_none());
    assert_eq!(shown["issued_at"], issued["issued_at"]);
}

#[test]
fn a_token_is_printed_once_and_alone() {
    let place = Place::new();
    let id = place.with_integration();
    let issued = place.run(&["token", "issue", "--integration", &id]);
    assert!(
        issued.err.contains("not shown again") && issued.err.contains("90 days"),
        "{}",
        issued.err
    );
    let err = issued.err.clone();
    let token = issued.fine();
    assert_eq!(token.split('.').count(), 3);
    assert!(!err.contains(&token));
    let read = place
        .run_reading(
            &format!("Bearer {token}\n"),
            &["token", "inspect", "--json"],
        )
        .json();
    assert_eq!(read["verdict"], "accepted");
    assert_eq!(read["integration_id"], id.as_str());
    let shown = place.run(&["token", "show", read["token_id"].as_str().unwrap()]);
    assert!(!shown.fine().contains(&token));
    let strange = place
        .run_reading("garbage", &["token", "inspect", "--json"])
        .json();
    assert_eq!(strange["verdict"], "refused");
    assert_eq!(strange["code"], "token_malformed");
}

#[test]
fn a_rotation_goes_its_way_and_no_other() {
    let place = Place::new();
    let id = place.with_integration();
    let token = place.run(&["token", "issue", "--integration", &id]).fine();
    assert_eq!(
        place.run(&["rotation", "finalise", "--confirm", "x"]).code,
        3,
        "none is open"
    );
    let emergency = ["rotation", "rehearse", "--lookback", "40d", "--json"];
    let hit = place.run(&emergency).json();
    assert_eq!(hit[0]["integrations"][0]["id"], id.as_str());
    let start = ["rotation", "start", "--name", "autumn", "--lookback", "40d"];
    let started = place.run(&[&start[..], &["--json"]].concat()).json();
    assert_eq!(started["lookback"]["done"], true);
    assert_eq!(started["lookback"]["carried"], 0);
    assert_eq!(place.run(&emergency).code, 3, "one is open");
    assert_eq!(started["phase"], "recording");
    assert_eq!(started["tokens"]["not_seen"], 1);
    assert_eq!(place.run(&["rotation", "start"]).code, 3, "one is open");
    assert_eq!(
        place
            .run(&["rotation", "reopen", "--confirm", "autumn"])
            .code,
        3,
        "it is recording"
    );
    assert_eq!(
        place
            .run(&["rotation", "finalise", "--confirm", "spring"])
            .code,
        3
    );
    let hit = place.run(&["rotation", "rehearse", "--json"]).json();
    assert_eq!(hit[0]["account"], "Northwind");
    assert_eq!(hit[0]["integrations"][0]["id"], id.as_str());
    let finalised = place
        .run(&["rotation", "finalise", "--confirm", "autumn", "--json"])
        .json();
    assert_eq!(finalised["tokens"]["dormant"], 1);
    let read = place
        .run_reading(&token, &["token", "inspect", "--json"])
        .json();
    assert_eq!(read["code"], "token_not_captured");
    let sheet = place.run(&["rotation", "affected", "--csv"]).fine();
    assert!(
        sheet.lines().count() == 2 && sheet.contains("Order sync"),
        "{sheet}"
    );
    assert_eq!(
        place
            .run(&["rotation", "reopen", "--confirm", "autumn"])
            .code,
        0
    );
    place
        .run(&["rotation", "abort", "--confirm", "autumn"])
        .fine();
    let history = place.run(&["rotation", "history", "--json"]).json();
    assert_eq!(history[0]["phase"], "aborted");
}

#[test]
fn what_does_not_exist_is_not_found() {
    let place = Place::new();
    let unknown = "tok_00000000000000000000000000";
    for ask in [
        ["token", "show", unknown].as_slice(),
        &["token", "revoke", "tok_x"],
        &["account", "show", "nobody"],
        &["account", "disable", "nobody"],
        &["integration", "list", "--account", "nobody"],
        &[
            "integration",
            "create",
            "--account",
            "nobody",
            "--name",
            "x",
        ],
        &["token", "issue", "--integration", "nothing"],
        &[
            "token",
            "issue",
            "--integration",
            "int_00000000000000000000000000",
        ],
        &[
            "user",
            "create",
            "--account",
            "nobody",
            "--email",
            "a@b.example",
        ],
    ] {
        let said = place.run(ask);
        assert_eq!(said.code, 4, "{ask:?}: {}", said.err);
        assert!(said.out.is_empty());
    }
}

#[test]
fn a_bad_setting_is_usage_and_names_its_key() {
    let place = Place::new();
    for (key, value) in [
        ("ROLLCALL_LEASE", "two"),
        ("ROLLCALL_ADDR", "nowhere"),
        ("ROLLCALL_DATABASE_URL", "mysql://x"),
        ("ROLLCALL_MASTER_KEY", "short"),
    ] {
        for ask in [["account", "list"].as_slice(), &["serve"]] {
            let said = place.run_with(key, value, ask);
            assert_eq!(said.code, 2, "{key}: {}", said.err);
            assert!(said.err.contains(key), "{}", said.err);
        }
    }
    let doctor = place.run_with("ROLLCALL_LEASE", "two", &["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("ROLLCALL_LEASE"), "{}", doctor.out);
}

#[test]
fn a_database_that_does_not_answer_is_exit_5() {
    let place = Place::new();
    // A port that was free a moment ago.
    let port = free_port();
    let mut command = place.command(&["account", "list"]);
    command.env("ROLLCALL_MASTER_KEY", KEY).env(
        "ROLLCALL_DATABASE_URL",
        format!("postgres://u:secret@127.0.0.1:{port}/db"),
    );
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(!said.err.contains("secret"));
    for word in ["ROLLCALL_DATABASE_URL", "refused"] {
        assert!(said.err.contains(word), "{}", said.err);
    }
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_as_it_is() {
    let place = Place::new();
    let file = place.path().join("notes.txt");
    let text = "not a database: notes that someone needs\n".repeat(40);
    std::fs::write(&file, &text).unwrap();
    let url = format!("sqlite://{}", file.display());
    for ask in [["account", "list"].as_slice(), &["serve"], &["migrate"]] {
        let mut command = place.command(ask);
        command
            .env("ROLLCALL_DATABASE_URL", &url)
            .env("ROLLCALL_MASTER_KEY", KEY);
        let said = Said::from(command.output().unwrap());
        assert_eq!(said.code, 5, "{ask:?}: {}", said.err);
        for word in ["ROLLCALL_DATABASE_URL", "notes.txt", "not a database"] {
            assert!(said.err.contains(word), "{ask:?}: {}", said.err);
        }
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn an_address_is_one_user_and_a_user_without_a_password_gets_a_link() {
    let place = Place::new();
    let created = place
        .run(&["admin", "create", "--email", "priya@example.com"])
        .fine();
    assert!(
        created.starts_with("http://127.0.0.1:3000/set-password?link="),
        "{created}"
    );
    let again = place.run(&["admin", "create", "--email", "PRIYA@example.com"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already taken"), "{}", again.err);
    place.with_integration();
    let member = [
        "user",
        "create",
        "--account",
        "Northwind",
        "--email",
        "ana@northwind.example",
    ];
    let with_password = [&member[..], &["--password-stdin", "--json"]].concat();
    assert_eq!(place.run_reading("short\n", &with_password).code, 2);
    assert_eq!(place.run(&with_password).code, 2, "nothing on stdin");
    let said = place
        .run_reading("correct horse battery\n", &with_password)
        .json();
    assert!(said["link"].is_null() && said["account_id"].is_string());
    assert_eq!(
        place.run(&["admin", "create", "--email", "nonsense"]).code,
        2
    );
}

#[test]
fn a_second_factor_is_taken_off_only_where_there_is_one() {
    let place = Place::new();
    place.with_integration();
    let email = "ana@northwind.example";
    let create = ["user", "create", "--account", "Northwind", "--email", email];
    place.run(&create).fine();
    let reset = |email| place.run(&["user", "reset-second-factor", "--email", email]);
    assert_eq!(reset("nobody@northwind.example").code, 4);
    assert_eq!(reset("nonsense").code, 2);
    let none = reset(email);
    assert_eq!((none.code, none.out.as_str()), (3, ""));
    assert!(none.err.contains("no second factor"), "{}", none.err);
    let help = place.run(&["user", "reset-second-factor", "--help"]).fine();
    assert!(help.contains("Example"), "{help}");
}

#[test]
fn the_doctor_says_whether_letters_leave() {
    let place = Place::new();
    place.with_integration();
    let doctor = place.run(&["doctor"]);
    assert!(
        doctor.out.contains("file://data/mail: 0 letters waiting"),
        "{}",
        doctor.out
    );
    let https = [
        ("ROLLCALL_PUBLIC_URL", "https://keys.example"),
        ("ROLLCALL_MAIL_URL", "file://data/mail"),
    ];
    let mut command = place.command(&["doctor"]);
    let doctor: Said = command.envs(https).output().unwrap().into();
    assert!(doctor.out.contains("nobody gets them"), "{}", doctor.out);
}

#[test]
fn passwords_that_everybody_tries_are_refused() {
    let place = Place::new();
    let create = [
        "admin",
        "create",
        "--email",
        "p@x.example",
        "--password-stdin",
    ];
    for (password, said) in [
        ("fourteen chars\n", "15 characters"),
        ("passwordpassword\n", "tried first"),
    ] {
        let refused = place.run_reading(password, &create);
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    place.run_reading("rollcall-demo-login\n", &create).fine();
}

#[test]
fn another_master_key_opens_nothing() {
    let place = Place::new();
    place.run(&["migrate"]).fine();
    place.run(&["migrate"]).fine();
    let said = place.run_with("ROLLCALL_MASTER_KEY", KEY, &["key", "list"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("ROLLCALL_MASTER_KEY"), "{}", said.err);
    std::fs::remove_file(place.path().join("data/rollcall.key")).unwrap();
    let said = place.run(&["key", "list"]);
    assert!(
        said.code != 0 && said.err.contains("put it back"),
        "{}",
        said.err
    );
}

#[test]
fn an_integration_is_renamed_and_archived_by_name() {
    let place = Place::new();
    let id = place.with_integration();
    let issue = ["token", "issue", "--integration", &id];
    place.run(&issue).fine();
    let rename = ["integration", "rename", "northwind/order sync"];
    let renamed = place
        .run(&[&rename[..], &["--name", "Export", "--json"]].concat())
        .json();
    assert_eq!(
        (&renamed["id"], &renamed["name"]),
        (&id.as_str().into(), &"Export".into())
    );
    assert_eq!(place.run(&[&rename[..], &["--name", "X"]].concat()).code, 4);
    let archive = ["integration", "archive", "export", "--json"];
    let archived = place.run(&archive).json();
    assert_eq!(archived["standing"], "revoked");
    assert!(archived["archived_at"].is_string());
    let list = place.run(&["integration", "list", "--json"]).json();
    assert_eq!(list, serde_json::json!([]));
    assert_eq!(place.run(&archive).code, 4);
    assert_eq!(place.run(&["integration", "archive", &id]).code, 4);
    assert_eq!(place.run(&issue).code, 4);
}
