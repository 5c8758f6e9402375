//! `rollcall serve` as a process, to be paused and asked; and the cluster, to be crashed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use sqlx::{Connection as _, PgConnection};

use crate::world::{self, Place};

/// A server that is killed when nobody holds it any more.
pub struct Serving {
    child: Child,
    url: String,
    client: Client,
}

/// The command on a place.
pub fn command(place: &Place, lease_ms: i64, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_clear()
        .env("ROLLCALL_DATABASE_URL", &place.url)
        .env("ROLLCALL_ADDR", "127.0.0.1:0")
        .env("ROLLCALL_MASTER_KEY", &*place.master.to_base64())
        .env("ROLLCALL_LEASE", format!("{lease_ms}ms"))
        .env("ROLLCALL_LOG", "off")
        .stdin(Stdio::null());
    command
}

impl Serving {
    /// One on a port of its own, as soon as it answers.
    pub fn start(place: &Place, lease_ms: i64) -> Self {
        let mut child = command(place, lease_ms, &["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("http://"), "the server said {line:?}");
        // What it says further is read and thrown away.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self { child, url, client }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A request with a token: its status, or nothing where it was cut.
    pub fn ask(&self, token: &str) -> impl Future<Output = Option<u16>> + Send + use<> {
        let request = self
            .client
            .get(format!("{}/verify", self.url))
            .bearer_auth(token);
        async move {
            let answer = request.send().await.ok()?;
            Some(answer.status().as_u16())
        }
    }

    /// Whether it says that it is ready.
    pub fn is_ready(&self) -> bool {
        let address = self.url.trim_start_matches("http://");
        let mut text = String::new();
        let asked = TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(
                stream,
                "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
            )?;
            stream.read_to_string(&mut text)
        });
        asked.is_ok() && text.starts_with("HTTP/1.1 200")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of this harness's own.
pub fn signal(id: u32, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &id.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Ends PostgreSQL as a crash does, and starts it again; returns when it answers.
pub fn restart_postgres(url: &str) {
    let data: String = world::runtime(1).block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let query = sqlx::query_scalar("show data_directory");
        query.fetch_one(&mut connection).await.unwrap()
    });
    let data = PathBuf::from(data);
    let pid = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap();
    let server = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    let control = server.with_file_name("pg_ctl");
    let mut command = if rustix::process::geteuid().is_root() {
        // PostgreSQL refuses to run as root.
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(control);
        command
    } else {
        Command::new(control)
    };
    let restarted = command
        .args(["restart", "--wait", "--mode", "immediate", "--pgdata"])
        .arg(&data)
        .arg("--log")
        .arg(data.with_file_name("log"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(restarted.unwrap().success(), "PostgreSQL was not restarted");
}
