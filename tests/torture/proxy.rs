//! A slow road to a PostgreSQL socket: it can delay what passes, and hold it up altogether.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// The name of PostgreSQL's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

pub struct Proxy {
    folder: TempDir,
    road: Arc<Road>,
}

#[derive(Default)]
struct Road {
    delay_ms: AtomicU64,
    is_held: AtomicBool,
}

impl Proxy {
    /// One to the socket in this folder.
    pub fn to(target: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (target, road) = (target.join(SOCKET), Arc::new(Road::default()));
        let proxy = Self {
            folder,
            road: road.clone(),
        };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                carry(client, &target, &road);
            }
        });
        proxy
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What passes takes so much longer, each way.
    pub fn delay(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap();
        self.road.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// Nothing passes, and nobody is told.
    pub fn hold(&self, held: bool) {
        self.road.is_held.store(held, Ordering::Relaxed);
    }
}

fn carry(client: UnixStream, target: &PathBuf, road: &Arc<Road>) {
    // As the socket itself: where nobody listens, the client is closed on.
    let Ok(server) = UnixStream::connect(target) else {
        return;
    };
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    for (from, to) in [(from, to), (server, client)] {
        let road = road.clone();
        std::thread::spawn(move || one_way(from, to, &road));
    }
}

fn one_way(mut from: UnixStream, mut to: UnixStream, road: &Road) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        std::thread::sleep(Duration::from_millis(road.delay_ms.load(Ordering::Relaxed)));
        while road.is_held.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}
