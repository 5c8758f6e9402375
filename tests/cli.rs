//! The command from outside, as a script meets it: each test in a folder of its own, with an
//! environment of its own.
#![cfg(feature = "ssr")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with an installation in it.
struct Place(TempDir);

/// What a command said and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Its stdout, after it ended well.
    fn fine(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out.trim_end().to_owned()
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.fine()).unwrap()
    }
}

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    fn run_with(&self, name: &str, value: &str, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.env(name, value).output().unwrap().into()
    }

    fn run_reading(&self, input: &str, arguments: &[&str]) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap().into()
    }

    /// An account with an integration; gives the integration's id.
    fn with_integration(&self) -> String {
        let contact = "ops@northwind.example";
        self.run(&[
            "account",
            "create",
            "--name",
            "Northwind",
            "--contact",
            contact,
        ])
        .fine();
        self.run(&[
            "integration",
            "create",
            "--account",
            "Northwind",
            "--name",
            "Order sync",
        ])
        .fine()
    }
}

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
    let started = place
        .run(&["rotation", "start", "--name", "autumn", "--json"])
        .json();
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
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    // A port that was free a moment ago.
    let port = free_port();
    let mut command = place.command(&["account", "list"]);
    command.env("ROLLCALL_MASTER_KEY", key).env(
        "ROLLCALL_DATABASE_URL",
        format!("postgres://u:secret@127.0.0.1:{port}/db"),
    );
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(!said.err.contains("secret"));
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
fn another_master_key_opens_nothing() {
    let place = Place::new();
    place.run(&["migrate"]).fine();
    place.run(&["migrate"]).fine();
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let said = place.run_with("ROLLCALL_MASTER_KEY", key, &["key", "list"]);
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

/// A `serve` or `demo` that runs, and is killed when a test leaves it.
struct Running {
    child: Child,
    url: String,
    said: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts it and waits until it says where it answers, up to the line that holds `last`.
    fn start(mut command: Command, last: &str) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains(last) {
            let line = lines.next().expect("it says where it answers").unwrap();
            said = format!("{said}{line}\n");
        }
        // Whoever writes must be read.
        std::thread::spawn(move || lines.for_each(drop));
        let url = said
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        Self {
            url: url.unwrap().to_owned(),
            child,
            said,
        }
    }

    fn get(&self, path: &str, token: Option<&str>) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let token = token.map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\n{token}Connection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks it to stop as a supervisor does; gives the exit code and how long it took.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a process takes to end is what is measured"
    )]
    fn stop(mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        (status.code(), asked.elapsed())
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn serve_answers_and_ends_when_it_is_told_to() {
    let place = Place::new();
    let id = place.with_integration();
    let token = place.run(&["token", "issue", "--integration", &id]).fine();
    let serve = Running::start(
        place.command(&["serve", "--address", "127.0.0.1:0"]),
        "/setup?link=",
    );
    assert!(serve.get("/readyz", None).starts_with("HTTP/1.1 200"));
    assert!(
        serve
            .get("/verify", Some(&token))
            .starts_with("HTTP/1.1 200")
    );
    assert!(serve.get("/verify", None).starts_with("HTTP/1.1 401"));
    let address = serve.url.strip_prefix("http://").unwrap().to_owned();
    let other = Place::new();
    let second = other.run(&["serve", "--address", &address]);
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("ROLLCALL_ADDR") && second.err.contains("taken"),
        "{}",
        second.err
    );
    assert!(
        std::fs::read_dir(other.path()).unwrap().next().is_none(),
        "nothing was created"
    );
    // A phase step beside it is obeyed when it returns.
    place.run(&["rotation", "start", "--name", "autumn"]).fine();
    let captured = serve.get("/verify", Some(&token));
    assert!(
        captured.contains("rollcall-capture: recorded"),
        "{captured}"
    );
    let (code, took) = serve.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let status = place.run(&["rotation", "status", "--json"]).json();
    assert_eq!(status["tokens"]["captured"], 1);
    assert!(
        place
            .run(&["integration", "list"])
            .fine()
            .contains("Captured")
    );
}

#[test]
fn the_demo_runs_in_a_folder_of_its_own_and_begins_afresh() {
    let place = Place::new();
    assert_eq!(place.run(&["demo", "--address", "0.0.0.0:3000"]).code, 2);
    let strange = place.path().join("mine");
    std::fs::create_dir(&strange).unwrap();
    std::fs::write(strange.join("rollcall.db"), "real").unwrap();
    assert_eq!(
        place
            .run(&["demo", "--address", "127.0.0.1:0", "--data", "mine"])
            .code,
        1
    );
    assert_eq!(std::fs::read(strange.join("rollcall.db")).unwrap(), b"real");
    for _ in 0..2 {
        let demo = Running::start(
            place.command(&["demo", "--address", "127.0.0.1:0", "--data", "d"]),
            "Ctrl-C ends it",
        );
        assert!(demo.said.contains("ana@northwind.example"), "{}", demo.said);
        let token = demo
            .said
            .split("Bearer ")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        let refused = demo.get("/verify", Some(token));
        assert!(
            refused.starts_with("HTTP/1.1 401") && refused.contains("token_not_captured"),
            "{refused}"
        );
        assert!(refused.contains("/fix?ref="), "{refused}");
        let url = ["--database-url", "sqlite://d/rollcall.db"];
        let status = place
            .run(&[&url[..], &["rotation", "status", "--json"]].concat())
            .json();
        assert_eq!(status["phase"], "recording");
        assert_eq!(
            (&status["current"], &status["target"]),
            (&2.into(), &3.into())
        );
        assert!(
            status["tokens"]["captured"].as_i64().unwrap()
                > status["tokens"]["not_seen"].as_i64().unwrap()
        );
        let list = place
            .run(&[&url[..], &["integration", "list", "--json"]].concat())
            .json();
        assert!(list.as_array().unwrap().len() >= 30);
        let (code, took) = demo.stop();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
