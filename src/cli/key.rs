/// Take in a key of another platform.
mod import;

use clap::Subcommand;
use serde::Serialize;

use super::failure::Result;
use super::opening::within;
use super::output::table;
use super::{Settings, words};
use crate::model::{Generation, UnixMs};
use crate::store::keys::SigningKey;

/// `rollcall key …`
#[derive(Debug, Subcommand)]
pub enum Key {
    /// List every signing key and what became of it
    List,
    /// Take in a key of another platform, so that what it has issued is accepted here
    Import(import::Import),
}

/// A signing key in JSON.
#[derive(Serialize)]
struct Shown {
    kid: String,
    generation: Generation,
    algorithm: String,
    origin: String,
    /// `published`, `signing`, `verifying` or `forgotten`.
    state: &'static str,
    published_at: UnixMs,
    activated_at: Option<UnixMs>,
    deactivated_at: Option<UnixMs>,
    destroyed_at: Option<UnixMs>,
    forgotten_at: Option<UnixMs>,
}

impl From<SigningKey> for Shown {
    fn from(key: SigningKey) -> Self {
        let state = if key.forgotten_at.is_some() {
            "forgotten"
        } else if key.destroyed_at.is_some() || key.origin == "imported" {
            "verifying"
        } else if key.activated_at.is_some() {
            "signing"
        } else {
            "published"
        };
        Self {
            kid: key.kid,
            generation: key.generation,
            algorithm: key.algorithm,
            origin: key.origin,
            state,
            published_at: key.published_at,
            activated_at: key.activated_at,
            deactivated_at: key.deactivated_at,
            destroyed_at: key.destroyed_at,
            forgotten_at: key.forgotten_at,
        }
    }
}

impl Key {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::List => list(settings).await,
            Self::Import(import) => import.run(settings).await,
        }
    }
}

async fn list(settings: &Settings) -> Result<()> {
    within(settings, async |at| {
        let keys: Vec<Shown> = at
            .engine
            .keys()
            .await?
            .into_iter()
            .map(Shown::from)
            .collect();
        let now = at.engine.now();
        settings.output().data(&keys, || {
            let rows: Vec<[String; 5]> = keys.iter().map(|key| key.row(now)).collect();
            table(
                [
                    "KID",
                    "GENERATION",
                    "STATE",
                    "PUBLISHED",
                    "PRIVATE HALF DESTROYED",
                ],
                &rows,
            )
        })
    })
    .await
}

impl Shown {
    fn row(&self, now: UnixMs) -> [String; 5] {
        [
            self.kid.clone(),
            self.generation.to_string(),
            self.state.to_owned(),
            words::when(self.published_at, now),
            self.destroyed_at
                .map_or_else(|| "no".to_owned(), |at| words::when(at, now)),
        ]
    }
}
