//! A throwaway PostgreSQL cluster: started by the first test that asks, on a socket in a temporary
//! folder, and taken down by a watchman when the test process is gone, however it went.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::store::Access;

static CLUSTER: OnceLock<PathBuf> = OnceLock::new();
static POOLER: OnceLock<Option<PathBuf>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database.
pub fn new_database() -> String {
    database_in(shared())
}

/// The folder of the cluster that tests share.
fn shared() -> &'static Path {
    // What tests ask is not what a power cut leaves.
    CLUSTER.get_or_init(|| start(&["fsync = off"]))
}

/// The URL of a new, empty database in the cluster of a folder.
pub fn database_in(folder: &Path) -> String {
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(binary("createdb"))
        .args([
            "--host",
            folder.to_str().unwrap(),
            "--username",
            "postgres",
            &name,
        ])
        .status()
        .unwrap();
    assert!(made.success(), "createdb failed");
    format!(
        "postgres://postgres@localhost/{name}?host={}",
        folder.display()
    )
}

/// Cuts every connection to the database of `url`.
pub fn cut_connections(url: &str) {
    let (server, _) = url.split_once("?host=").unwrap();
    let (_, name) = server.rsplit_once('/').unwrap();
    let cut = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"
    );
    run(Command::new(binary("psql"))
        .arg("--host")
        .arg(CLUSTER.get().unwrap())
        .args([
            "--username",
            "postgres",
            "--dbname",
            "postgres",
            "--command",
            &cut,
        ]));
}

/// A new, empty database behind `PgBouncer` in transaction mode, which the first test that asks
/// starts. `None` where it is not installed.
pub fn new_pooled_database() -> Option<Access> {
    let direct = new_database();
    let folder = POOLER
        .get_or_init(|| start_pooler(CLUSTER.get()?))
        .as_ref()?;
    let (server, _) = direct.split_once("?host=").unwrap();
    let server = server.replace("@localhost/", "@localhost:6543/");
    Some(Access {
        url: format!("{server}?host={}", folder.display()),
        pooled: true,
        direct_url: Some(direct),
    })
}

fn start_pooler(cluster: &Path) -> Option<PathBuf> {
    let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
        .into_iter()
        .find(|place| Path::new(place).exists())?;
    let folder = cluster.join("pooler");
    std::fs::create_dir(&folder).unwrap();
    own(&folder);
    // Few connections to the server, so that transactions of different clients share them.
    let settings = format!(
        "[databases]\n* = host={} user=postgres\n[pgbouncer]\npool_mode = transaction\nauth_type = any\n\
         listen_port = 6543\nunix_socket_dir = {}\ndefault_pool_size = 3\nmax_client_conn = 200\n\
         logfile = {}\n",
        cluster.display(),
        folder.display(),
        folder.join("log").display(),
    );
    let file = folder.join("pgbouncer.ini");
    std::fs::write(&file, settings).unwrap();
    let pooler = as_owner(program)
        .arg(&file)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let script = format!(
        "while kill -0 {} 2>/dev/null; do sleep 0.5; done; kill {}",
        std::process::id(),
        pooler.id()
    );
    // Nobody waits for it: it outlives this process for a moment.
    drop(pooler);
    outlive(&script);
    let socket = folder.join(".s.PGSQL.6543");
    for _ in 0..200 {
        if socket.exists() {
            return Some(folder);
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!(
        "PgBouncer did not start: see {}",
        folder.join("log").display()
    );
}

/// Where the cluster keeps its files.
pub fn data() -> PathBuf {
    shared().join("data")
}

/// Where the PostgreSQL programs are: on the path, or where Debian keeps them.
pub fn binary(name: &str) -> PathBuf {
    let mut places: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<_> = versions
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    // Debian's wrappers on the path know nothing of a cluster that is not theirs.
    places.retain(|place| {
        ["initdb", "pg_ctl", "postgres", "createdb"]
            .iter()
            .all(|name| place.join(name).exists())
    });
    let place = places
        .first()
        .expect("PostgreSQL is installed: `make setup` does that");
    place.join(name)
}

/// Starts a cluster with these lines in its configuration, which a restart finds there too; gives
/// the folder of its socket and of its `data`.
pub fn start(settings: &[&str]) -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix("rollcall-postgres-")
        .tempdir()
        .unwrap()
        .keep();
    let data = folder.join("data");
    own(&folder);
    run(command("initdb")
        .args([
            "--auth=trust",
            "--username=postgres",
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
        ])
        .arg("--pgdata")
        .arg(&data));
    let mut configuration = std::fs::File::options()
        .append(true)
        .open(data.join("postgresql.conf"))
        .unwrap();
    writeln!(
        configuration,
        "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 400\n{}",
        folder.display(),
        settings.join("\n")
    )
    .unwrap();
    run(command("pg_ctl")
        .arg("start")
        .arg("--wait")
        .arg("--pgdata")
        .arg(&data)
        .arg("--log")
        .arg(folder.join("log")));
    watch(&folder, &data);
    folder
}

/// One of PostgreSQL's programs, run by whom the cluster belongs to.
pub fn command(name: &str) -> Command {
    as_owner(binary(name))
}

/// PostgreSQL refuses to run as root; then the packaged user runs it.
pub fn as_owner(program: impl AsRef<OsStr>) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command.current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(folder));
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn run(command: &mut Command) {
    // The server must not keep the test's own output open.
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{command:?} failed");
}

/// Takes the cluster down when this process is gone: a static is never dropped.
fn watch(folder: &Path, data: &Path) {
    let script = format!(
        "while kill -0 {} 2>/dev/null; do sleep 0.5; done; {:?} stop --mode immediate --pgdata {}; rm -rf {}",
        std::process::id(),
        command("pg_ctl"),
        data.display(),
        folder.display(),
    );
    outlive(&script);
}

/// Runs a script that this process does not wait for, and that does not end with it.
fn outlive(script: &str) {
    let watchman = Command::new("setsid")
        .args(["sh", "-c", script])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    drop(watchman.unwrap());
}
