use serde::Serialize;

use crate::cli::failure::Result;
use crate::cli::opening::Installation;
use crate::cli::output::{Output, table};
use crate::cli::words;
use crate::model::{Generation, KeyState, RotationId, UnixMs};
use crate::rotation::alarm::Forgery;
use crate::rotation::destruction::{Danger, KeyRecord};
use crate::store::key_history::{Compromise, Destruction};

/// A signing key in JSON.
#[derive(Serialize)]
pub struct Shown {
    kid: String,
    generation: Generation,
    algorithm: String,
    origin: String,
    /// `pre-activation`, `active`, `deactivated`, `destroyed` or `compromised` (NIST SP 800-57).
    state: KeyState,
    /// When each of these states began.
    published_at: UnixMs,
    activated_at: Option<UnixMs>,
    deactivated_at: Option<UnixMs>,
    /// The private half.
    destroyed_at: Option<UnixMs>,
    /// All of it.
    forgotten_at: Option<UnixMs>,
    compromised_at: Option<UnixMs>,
    compromised_by: Option<String>,
    compromised_reason: Option<String>,
    /// For people: what it still does, when it is compromised.
    #[serde(skip)]
    danger: Option<Danger>,
    /// The master key that seals, or last sealed, its private half.
    sealed_by: Option<String>,
    destructions: Vec<Destroyed>,
    forgeries: Option<Forged>,
}

/// That something of a key was destroyed.
#[derive(Serialize)]
struct Destroyed {
    what: &'static str,
    at: UnixMs,
    why: String,
    rotation_id: Option<RotationId>,
    rotation: Option<String>,
    /// The fingerprint of the master key that had sealed it.
    sealed_by: Option<String>,
    /// When the database's files held no trace of it any more; null while that is unfinished.
    scrubbed_at: Option<UnixMs>,
}

/// Forged tokens that a key signed, since the alarm was closed last.
#[derive(Serialize)]
struct Forged {
    count: i64,
    first_seen: UnixMs,
    last_seen: UnixMs,
    sources: Vec<Source>,
}

/// Where forged tokens came from.
#[derive(Serialize)]
struct Source {
    source: String,
    count: i64,
}

/// One key as the list shows it; nothing where there is none of this name.
pub async fn one(at: &Installation, kid: &str) -> Result<Option<Shown>> {
    Ok(all(at).await?.into_iter().find(|key| key.kid == kid))
}

async fn all(at: &Installation) -> Result<Vec<Shown>> {
    let rotations = at.engine.rotations().await?;
    let name = |id: &Option<RotationId>| {
        let rotation = rotations
            .iter()
            .find(|rotation| Some(&rotation.id) == id.as_ref());
        rotation.map(|rotation| rotation.name.clone())
    };
    let records = at.engine.key_records().await?;
    Ok(records
        .into_iter()
        .map(|record| Shown::of(record, &name))
        .collect())
}

/// Writes the list.
pub async fn show(at: &Installation, output: Output) -> Result<()> {
    let keys = all(at).await?;
    let now = at.engine.now();
    for line in keys.iter().flat_map(|key| key.worries(now)) {
        output.say(&line);
    }
    output.data(&keys, || {
        let rows: Vec<[String; 6]> = keys.iter().map(|key| key.row(now)).collect();
        table(
            [
                "KID",
                "GENERATION",
                "STATE",
                "SINCE",
                "PRIVATE HALF DESTROYED",
                "FILES CLEANED",
            ],
            &rows,
        )
    })
}

impl Shown {
    fn of(record: KeyRecord, rotation: &impl Fn(&Option<RotationId>) -> Option<String>) -> Self {
        let KeyRecord {
            key,
            state,
            compromise,
            danger,
            destructions,
            forgery,
        } = record;
        let (compromised_at, compromised_by, compromised_reason) = match compromise {
            Some(Compromise { at, by, reason, .. }) => (Some(at), Some(by), Some(reason)),
            None => (None, None, None),
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
            compromised_at,
            compromised_by,
            compromised_reason,
            danger,
            sealed_by: key.sealed_by,
            destructions: destructions
                .into_iter()
                .map(|destruction| Destroyed::of(destruction, rotation))
                .collect(),
            forgeries: forgery.map(Forged::from),
        }
    }

    /// When it came into the state it is in.
    fn since(&self) -> UnixMs {
        let at = match self.state {
            KeyState::Compromised => self.compromised_at,
            KeyState::Destroyed => self.forgotten_at,
            KeyState::Deactivated => self.deactivated_at,
            KeyState::Active => self.activated_at,
            KeyState::PreActivation => None,
        };
        at.unwrap_or(self.published_at)
    }

    fn row(&self, now: UnixMs) -> [String; 6] {
        let cleaned = match self.destructions.as_slice() {
            [] => "–".to_owned(),
            all if all.iter().any(|one| one.scrubbed_at.is_none()) => "not yet".to_owned(),
            _ => "yes".to_owned(),
        };
        [
            self.kid.clone(),
            self.generation.to_string(),
            self.state.to_string(),
            words::when(self.since(), now),
            self.destroyed_at
                .map_or_else(|| "no".to_owned(), |at| words::when(at, now)),
            cleaned,
        ]
    }

    /// What must be said about it beside the table.
    fn worries(&self, now: UnixMs) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(forged) = &self.forgeries {
            lines.push(format!(
                "ALARM: {} signed {} that {} never issued here, the last {}. All were refused. Whoever made them has \
                 the private key: rotate now, then `rollcall key close-alarm {}`.",
                self.kid,
                words::counted(forged.count, "token"),
                if forged.count == 1 { "was" } else { "were" },
                words::when(forged.last_seen, now),
                self.kid
            ));
        }
        let still = self.danger.map(|danger| match danger {
            Danger::Signs => "still signs: rotate now",
            Danger::LetsIn => {
                "what is made with it passes until the cutover: rotate and finalise now"
            }
        });
        lines.extend(still.map(|still| format!("{} is compromised and {still}.", self.kid)));
        lines
    }
}

impl Destroyed {
    fn of(
        destruction: Destruction,
        rotation: &impl Fn(&Option<RotationId>) -> Option<String>,
    ) -> Self {
        Self {
            what: match destruction.what.as_str() {
                "private" => "private half",
                "secret" => "shared secret",
                "public" => "public half",
                _ => "copy under a former master key",
            },
            at: destruction.at,
            why: destruction.why,
            rotation: rotation(&destruction.rotation_id),
            rotation_id: destruction.rotation_id,
            sealed_by: Some(destruction.sealed_by).filter(|by| !by.is_empty()),
            scrubbed_at: destruction.scrubbed_at,
        }
    }
}

impl From<Forgery> for Forged {
    fn from(forgery: Forgery) -> Self {
        Self {
            count: forgery.attempts,
            first_seen: forgery.first_at,
            last_seen: forgery.last_at,
            sources: forgery
                .sources
                .into_iter()
                .map(|(source, count)| Source { source, count })
                .collect(),
        }
    }
}
