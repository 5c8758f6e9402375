//! `serve` and `demo`: from the first line they print to their end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::place::Place;

/// A `serve` or `demo` that runs, and is killed when a test leaves it.
pub struct Running {
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
    pub fn start(mut command: Command, last: &str) -> Self {
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

    pub fn get(&self, path: &str, token: Option<&str>) -> String {
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
    pub fn stop(mut self) -> (Option<i32>, Duration) {
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
