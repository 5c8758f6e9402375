use std::collections::HashMap;

use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::model::{Digest, UserId};
use crate::rotation::sessions::Fate;
use crate::rotation::{Caller, Engine, RotationError};

/// What a session holds: who signed in.
pub(super) const USER: &str = "user";
/// Where they signed in from.
pub(super) const CALLER_SOURCE: &str = "source";
/// With what browser.
pub(super) const CALLER_AGENT: &str = "agent";

/// Sessions as rows of the database, known by the digest of their id. A session that has ended is
/// never revived: saving changes a row or nothing.
#[derive(Clone, Debug)]
pub struct SessionRows(pub Engine);

/// What the database knows a session by.
pub(super) fn digest(id: &Id) -> Digest {
    Digest::of(&id.0.to_le_bytes())
}

fn backend(error: &RotationError) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait::async_trait]
impl SessionStore for SessionRows {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let text = |key: &str| {
            record
                .data
                .get(key)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
        };
        let user =
            text(USER).ok_or_else(|| Error::Encode("a session belongs to a user".to_owned()))?;
        let user: UserId = user
            .parse()
            .map_err(|_| Error::Encode("a session belongs to a user".to_owned()))?;
        let caller = Caller {
            source: text(CALLER_SOURCE),
            agent: text(CALLER_AGENT),
        };
        let data = serde_json::to_string(&record.data)
            .map_err(|error| Error::Encode(error.to_string()))?;
        loop {
            let begun = self
                .0
                .begin_session(
                    user.clone(),
                    digest(&record.id),
                    data.clone(),
                    caller.clone(),
                )
                .await;
            if begun.map_err(|error| backend(&error))? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let data = serde_json::to_string(&record.data)
            .map_err(|error| Error::Encode(error.to_string()))?;
        self.0
            .save_session(digest(&record.id), data)
            .await
            .map_err(|error| backend(&error))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let fate = self
            .0
            .session(&digest(id))
            .await
            .map_err(|error| backend(&error))?;
        let Fate::Live(session) = fate else {
            return Ok(None);
        };
        let data: HashMap<String, serde_json::Value> = serde_json::from_str(&session.data)
            .map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(session.expires_at.seconds())
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0
            .end_session(digest(id))
            .await
            .map_err(|error| backend(&error))
    }
}
