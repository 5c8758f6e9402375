//! What the database says, read by SQL of the harness's own: nothing of the product vouches for it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;

/// Runs one query on whichever database the URL names, over a connection that is closed after.
macro_rules! ask {
    ($url:expr, $query:expr) => {
        match $url.strip_prefix("sqlite://") {
            Some(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .busy_timeout(Duration::from_secs(10));
                let mut connection = options.connect().await.unwrap();
                let rows = $query.fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows
            }
            None => {
                let mut connection = PgConnection::connect($url).await.unwrap();
                let rows = $query.fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows
            }
        }
    };
}
pub(crate) use ask;

/// The registry and the allowlist of one rotation.
pub struct Books {
    captured: HashSet<String>,
    /// By token: its generation, and whether its first use is written.
    tokens: HashMap<String, (i64, bool)>,
    target: i64,
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// 2xx with `Rollcall-Capture: recorded` or `already`.
    Captured,
    /// 2xx with `Rollcall-Capture: new-key`.
    NewKey,
    /// 2xx while nothing was recording.
    Passed,
}

impl Told {
    /// What a 2xx with this receipt says; `None` for a receipt that should not be.
    pub fn by(receipt: &str) -> Option<Self> {
        match receipt {
            "recorded" | "already" => Some(Self::Captured),
            "new-key" => Some(Self::NewKey),
            "" => Some(Self::Passed),
            _ => None,
        }
    }
}

impl Books {
    /// Reads them for a rotation, by its id.
    pub async fn read(url: &str, rotation: &str) -> Self {
        let captured: Vec<(String,)> = ask!(
            url,
            sqlx::query_as("select subject from captures where rotation_id = $1").bind(rotation)
        );
        let tokens: Vec<(String, i64, i64)> = ask!(
            url,
            sqlx::query_as("select id, generation, coalesce(first_used_at, 0) from tokens")
        );
        let target: Vec<(i64,)> = ask!(
            url,
            sqlx::query_as("select target_generation from rotations where id = $1").bind(rotation)
        );
        Self {
            captured: captured.into_iter().map(|(id,)| id).collect(),
            tokens: tokens
                .into_iter()
                .map(|(id, generation, first)| (id, (generation, first > 0)))
                .collect(),
            target: target[0].0,
        }
    }

    /// Whether what a client was told of a token is written.
    pub fn bear_out(&self, token: &str, told: Told) -> bool {
        let Some((generation, used)) = self.tokens.get(token) else {
            return false;
        };
        let captured = self.captured.contains(token) && *generation >= self.target;
        *used
            && match told {
                Told::Captured => captured,
                Told::NewKey => *generation >= self.target,
                Told::Passed => true,
            }
    }

    /// Those of the acknowledged that are not written.
    pub fn lost<'n>(
        &self,
        acknowledged: impl IntoIterator<Item = (&'n String, &'n Told)>,
    ) -> BTreeSet<String> {
        acknowledged
            .into_iter()
            .filter(|(token, told)| !self.bear_out(token, **told))
            .map(|(token, _)| token.clone())
            .collect()
    }
}

/// What SQLite's own check of a database file finds: `ok`, or its words.
pub async fn integrity(url: &str) -> String {
    let path = url.strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10))
        .connect()
        .await
        .unwrap();
    let found: Vec<(String,)> = sqlx::query_as("pragma integrity_check")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let lines: Vec<String> = found.into_iter().map(|(line,)| line).collect();
    lines.join("; ")
}
