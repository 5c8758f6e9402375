//! What varies from run to run, handed in as arguments: the clock and the random source.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{UnixMs, hex};

/// A clock that only goes forward and runs while the machine sleeps, so that a node waking up
/// knows its view is old. It says nothing of the time of day: that is the database's.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock for tests that stands still until it is moved.
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::default()))
    }

    /// Time since some fixed moment in the past.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one place that reads the clock"
                )]
                let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
                let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
                Duration::new(seconds, nanos)
            }
            Source::Manual(ms) => Duration::from_millis(ms.load(Ordering::Acquire)),
        }
    }

    /// The machine's time of day, to be compared with the database's; nothing is decided by it. A
    /// manual clock counts from the epoch.
    pub fn wall(&self) -> UnixMs {
        match &self.0 {
            Source::System => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "nothing is decided by it: people compare it with the database's"
                )]
                let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
                UnixMs(time.tv_sec.saturating_mul(1_000) + time.tv_nsec / 1_000_000)
            }
            Source::Manual(ms) => UnixMs(i64::try_from(ms.load(Ordering::Acquire)).unwrap_or(0)),
        }
    }

    /// Moves a manual clock on; the machine's clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(ms) = &self.0 {
            ms.fetch_add(
                u64::try_from(by.as_millis()).unwrap_or(u64::MAX),
                Ordering::AcqRel,
            );
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

/// Where random bytes come from.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

/// Fills a slice with random bytes.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// The operating system's random source.
    ///
    /// # Panics
    /// When the operating system has none: nothing this program does is safe without it.
    pub fn system() -> Self {
        Self(Arc::new(|bytes| {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the random source"
            )]
            getrandom::fill(bytes).expect("the operating system gives random bytes");
        }))
    }

    /// A source of one's own, such as a seeded one in a test.
    pub fn from_fn(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        (self.0)(bytes);
    }

    /// `N` random bytes in hexadecimal.
    pub fn hex<const N: usize>(&self) -> String {
        hex(&self.bytes::<N>())
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
