use std::fs::File;

use sqlx::migrate::{MigrateError, Migrator};

use super::lock::{self, Lock};
use super::{Db, StoreError, state};
use crate::model::Random;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

impl Db {
    /// Brings the schema up to date, and writes the first state into an empty database. Safe to
    /// run from many processes at once: PostgreSQL has a lock for it, SQLite gets a lock file.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when the database was made by a newer release or a shipped migration
    /// was edited.
    pub async fn migrate(&self, lease_ms: i64, random: &Random) -> Result<(), StoreError> {
        if self.is_pooled() && self.pending_migrations().await? == 0 {
            return state::begin(self, lease_ms, random).await;
        }
        if let Some(pool) = self.direct_pool().await? {
            MIGRATIONS.run(&pool).await.map_err(explain)?;
        } else if let (Some(pool), Some(file)) = (self.sqlite_writer(), self.file()) {
            let _alone = lock_beside(file).await?;
            // An older release may be serving: each migration fits between two of its writes.
            lock::patiently(file, Lock::Exclusive, || async {
                MIGRATIONS.run(pool).await.map_err(explain)
            })
            .await?;
        }
        state::begin(self, lease_ms, random).await
    }
}

/// Takes the lock file beside a SQLite database; released when dropped.
async fn lock_beside(database: &std::path::Path) -> Result<File, StoreError> {
    let path = database.with_extension("lock");
    tokio::task::spawn_blocking(move || {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(|_| StoreError::Cut)?
    .map_err(|error: std::io::Error| StoreError::Unreachable(error.into()))
}

fn explain(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::Schema(format!(
            "the database has migration {version}, which this release does not know: run the newer release"
        )),
        MigrateError::VersionMismatch(version) => StoreError::Schema(format!(
            "migration {version} was edited after it was applied to this database"
        )),
        MigrateError::Execute(error) => StoreError::from(error),
        other => StoreError::Schema(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{callers, captures, keys};
    use crate::tests::cluster;

    /// As the release before tokens issued elsewhere left it: keys that are sealed, compromised and
    /// destroyed, and a capture. `$1` is written as each engine writes bytes.
    const OLDER: &str = "
        insert into signing_keys (kid, generation, algorithm, origin, sealed, sealed_by, published_at, activated_at,
            deactivated_at, destroyed_at, compromised_at, compromised_by, compromised_reason) values
            ('g1-a', 1, 'EdDSA', 'generated', null, 'm', 1, 2, 3, 4, 5, 'priya', 'a laptop was lost'),
            ('g2-b', 2, 'EdDSA', 'generated', $1, 'm', 3, 3, null, null, null, null, null);
        insert into rotations (id, name, name_key, reason, from_generation, target_generation, phase, open,
            lookback_ms, started_by, started_at, ends_at) values
            ('rot_1', 'r', 'r', '', 1, 2, 'recording', 1, 0, 'priya', 1, 9);
        insert into captures (rotation_id, subject, how, first_seen, last_seen, requests) values
            ('rot_1', 'tok_01kb3f6y8p2m4n5q7r9s0t1v2w', 'use', 6, 7, 8);
        insert into accounts (id, name, name_key, contact, created_at) values ('acc_1', 'A', 'a', 'a@a.example', 1);
        insert into integrations (id, account_id, name, name_key, created_at) values ('int_01kb3f6y8p2m4n5q7r9s0t1v2w', 'acc_1', 'I', 'i', 1);
        insert into tokens (id, digest, integration_id, account_id, kid, born, generation, hint, fix_ref, issued_at,
            issued_by, retires, overlap_ms, last_used_at, last_source, last_agent, uses, refused, last_refused_at,
            last_refused_code, last_refused_source) values
            ('tok_01kb3f6y8p2m4n5q7r9s0t1v2w', $1, 'int_01kb3f6y8p2m4n5q7r9s0t1v2w', 'acc_1', 'g1-a', 1, 1, 'abcd', 'ref', 1, 'priya', 'keep', 0,
            7, '192.0.2.1', 'curl/8', 5, 4, 9, 'token_revoked', '192.0.2.1');";

    async fn keeps_what_is_there(url: &str) {
        let db = Db::connect(url).await.unwrap();
        let known = MIGRATIONS.iter().filter(|known| known.version < 5);
        let older = Migrator::with_migrations(known.cloned().collect());
        if let Some(pool) = db.sqlite_writer() {
            older.run(pool).await.unwrap();
            let rows = sqlx::AssertSqlSafe(OLDER.replace("$1", "x'5ea1ed'"));
            sqlx::raw_sql(rows).execute(pool).await.unwrap();
        } else if let Some(pool) = db.postgres_pool() {
            older.run(pool).await.unwrap();
            let rows = sqlx::AssertSqlSafe(OLDER.replace("$1", "'\\x5ea1ed'"));
            sqlx::raw_sql(rows).execute(pool).await.unwrap();
        }
        let newer = MIGRATIONS.iter().filter(|known| known.version >= 5).count();
        assert_eq!(db.pending_migrations().await.unwrap(), newer);
        db.migrate(2_000, &Random::system()).await.unwrap();

        let mut tx = db.read().await.unwrap();
        let found = keys::list(&mut tx).await.unwrap();
        let [new, old] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (new.kid.as_str(), new.sealed.as_deref()),
            ("g2-b", Some(&[0x5e, 0xa1, 0xed][..]))
        );
        assert_eq!(
            (old.kid.as_str(), old.destroyed_at.map(|at| at.0)),
            ("g1-a", Some(4))
        );
        assert!(new.reading.names_kid);
        let said = crate::store::key_history::compromises(&mut tx)
            .await
            .unwrap();
        assert_eq!(
            (said[0].kid.as_str(), said[0].reason.as_str()),
            ("g1-a", "a laptop was lost")
        );
        let capture = captures::latest(&mut tx, "tok_01kb3f6y8p2m4n5q7r9s0t1v2w")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((capture.first_seen.0, capture.requests), (6, 8));
        let callers =
            callers::of_integration(&mut tx, &"int_01kb3f6y8p2m4n5q7r9s0t1v2w".parse().unwrap())
                .await
                .unwrap();
        let told: Vec<_> = callers
            .iter()
            .map(|caller| (caller.source(), caller.agent(), caller.uses, caller.refused))
            .collect();
        let at = Some("192.0.2.1");
        assert_eq!(told, [(at, None, 0, 1), (at, Some("curl/8"), 1, 0)]);
    }

    #[tokio::test]
    async fn an_older_database_keeps_what_is_there_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        keeps_what_is_there(&format!(
            "sqlite://{}",
            folder.path().join("x.db").display()
        ))
        .await;
    }

    #[tokio::test]
    async fn an_older_database_keeps_what_is_there_on_postgres() {
        let url = tokio::task::spawn_blocking(cluster::new_database)
            .await
            .unwrap();
        keeps_what_is_there(&url).await;
    }
}
