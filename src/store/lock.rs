use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::StoreError;
use super::unnamed::PgArm;

/// The key of the advisory lock that phase steps take alone and everything else shares.
const ROTATION_LOCK: i64 = 0x0052_6f6c_6c63_616c;
/// The byte of a SQLite `-shm` file whose lock is the writer's.
const WRITER_BYTE: u64 = 120;

/// How a transaction that writes holds the rotation lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// For what depends on the phase: any number at once, none during a phase step.
    Shared,
    /// For phase steps: alone.
    Exclusive,
}

impl Lock {
    /// How long it is waited for on SQLite, where one process at a time writes: a phase step
    /// outlasts a queue of writers, a request gives up sooner.
    const fn patience(self) -> Duration {
        match self {
            Self::Shared => Duration::from_secs(5),
            Self::Exclusive => Duration::from_secs(30),
        }
    }

    /// Begins a transaction on PostgreSQL, in one message. Each statement sees what was committed before
    /// it, whatever the database's default is: with a snapshot of before the lock was taken, a capture
    /// would be judged by the phase of before the cutover that it waited for. The settings end with it, so a pooler
    /// may stand in between. A process that is paused inside it holds the lock for two seconds at
    /// the most; a phase step waits ten, for requests queue behind it.
    const fn begin(self) -> &'static str {
        match self {
            Self::Shared => {
                "begin isolation level read committed; set local synchronous_commit = on; \
                 set local idle_in_transaction_session_timeout = '2s'; set local lock_timeout = '5s'"
            }
            Self::Exclusive => {
                "begin isolation level read committed; set local synchronous_commit = on; \
                 set local idle_in_transaction_session_timeout = '2s'; set local lock_timeout = '10s'"
            }
        }
    }

    const fn take(self) -> &'static str {
        match self {
            Self::Shared => "select pg_advisory_xact_lock_shared($1)",
            Self::Exclusive => "select pg_advisory_xact_lock($1)",
        }
    }
}

/// Begins a transaction as SQLite's one writer.
pub(super) async fn sqlite(
    writer: &SqlitePool,
    file: &Path,
    lock: Lock,
) -> Result<Transaction<'static, Sqlite>, StoreError> {
    patiently(file, lock, || async {
        Ok(writer.begin_with("begin immediate").await?)
    })
    .await
}

/// Tries again while SQLite answers that it is busy, as long as `lock` waits. SQLite itself has
/// waited a moment each time: see `connect`.
pub(super) async fn patiently<T, F>(
    file: &Path,
    lock: Lock,
    mut attempt: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let tries = async {
        loop {
            match attempt().await {
                Err(error) if is_busy(&error) => tokio::time::sleep(Duration::from_millis(1)).await,
                other => return other,
            }
        }
    };
    let locked = |_| StoreError::Locked {
        holder: writer_of(file),
    };
    tokio::time::timeout(lock.patience(), tries)
        .await
        .map_err(locked)?
}

fn is_busy(error: &StoreError) -> bool {
    let StoreError::Unreachable(error) = error else {
        return false;
    };
    // SQLITE_BUSY with its extensions.
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i64>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

/// Who writes to a SQLite file, in words, as far as the system tells. The lock belongs to a
/// process, also to a paused one: only ending it or letting it go on frees the file.
fn writer_of(file: &Path) -> String {
    // Looked at from outside: closing a file of the database would give up this process's locks.
    let mut name = file.as_os_str().to_owned();
    name.push("-shm");
    let inode = std::fs::metadata(name).map_or(0, |data| data.ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let who = match holder_in(&locks, inode) {
        Some(id) if id == std::process::id() => "this process".to_owned(),
        Some(id) if id > 0 => format!("process {id}"),
        _ => "a process".to_owned(),
    };
    format!("{who} is writing to {}", file.display())
}

/// The process that holds the writer's lock, from the text of `/proc/locks`.
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX", _, "WRITE", process, place, from, to] = fields[..] else {
            return None;
        };
        let held = place.rsplit(':').next()?.parse::<u64>().ok()? == inode;
        let from: u64 = from.parse().ok()?;
        let to: u64 = to.parse().unwrap_or(u64::MAX);
        (held && (from..=to).contains(&WRITER_BYTE)).then(|| process.parse().ok())?
    })
}

/// Begins a transaction on PostgreSQL that holds the rotation lock.
pub(super) async fn postgres(
    pool: &PgPool,
    pooled: bool,
    lock: Lock,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut tx = pool.begin_with(lock.begin()).await?;
    let connection = PgArm {
        connection: &mut tx,
        pooled,
    };
    let taken = sqlx::query(lock.take())
        .bind(ROTATION_LOCK)
        .execute(connection)
        .await;
    match taken.map_err(StoreError::from) {
        Ok(_) => Ok(tx),
        Err(StoreError::Locked { .. }) => {
            drop(tx);
            let holder = holder_on(pool, pooled).await.unwrap_or_default();
            Err(StoreError::Locked {
                holder: holder.unwrap_or_else(|| "a transaction that has ended since".to_owned()),
            })
        }
        Err(error) => Err(error),
    }
}

/// Who holds the rotation lock, in words.
async fn holder_on(pool: &PgPool, pooled: bool) -> Result<Option<String>, StoreError> {
    let mut tx = pool.begin_with("begin read only").await?;
    let connection = PgArm {
        connection: &mut tx,
        pooled,
    };
    // A key of 64 bits stands in `pg_locks` as two halves.
    let found: Option<(i32, String, String, i64)> = sqlx::query_as(
        "select a.pid, coalesce(a.application_name, ''), coalesce(a.state, ''), \
         cast(coalesce(extract(epoch from clock_timestamp() - a.state_change), 0) as bigint) \
         from pg_locks l join pg_stat_activity a on a.pid = l.pid \
         where l.locktype = 'advisory' and l.granted and l.objsubid = 1 \
         and cast(l.classid as bigint) = $1 and cast(l.objid as bigint) = $2 \
         and a.datname = current_database() order by a.xact_start limit 1",
    )
    .bind(ROTATION_LOCK >> 32)
    .bind(ROTATION_LOCK & 0xffff_ffff)
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|(id, name, state, seconds)| {
        format!("“{name}”, database process {id}, {state} for {seconds} s")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::tests::cluster;

    /// What is read under the lock must not be of before it was taken, whatever a database's default is.
    #[tokio::test]
    async fn each_statement_sees_what_the_lock_waited_for() {
        let url = tokio::task::spawn_blocking(cluster::new_database)
            .await
            .unwrap();
        let set = Db::connect(url.as_str()).await.unwrap();
        sqlx::raw_sql(
            "do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', \
             current_database()); end $$",
        )
        .execute(set.postgres_pool().unwrap())
        .await
        .unwrap();
        let db = Db::connect(url.as_str()).await.unwrap();
        let pool = db.postgres_pool().unwrap();
        let isolation = "select current_setting('transaction_isolation')";
        let usual: String = sqlx::query_scalar(isolation).fetch_one(pool).await.unwrap();
        assert_eq!(usual, "serializable");
        for lock in [Lock::Shared, Lock::Exclusive] {
            let mut tx = postgres(pool, false, lock).await.unwrap();
            let under_the_lock: String = sqlx::query_scalar(isolation)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
            assert_eq!(under_the_lock, "read committed");
        }
    }

    #[test]
    fn the_writer_is_read_from_the_systems_list_of_locks() {
        let locks = "1: POSIX  ADVISORY  READ 11 08:01:77 123 123\n\
                     2: POSIX  ADVISORY  WRITE 22 08:01:78 120 120\n\
                     3: POSIX  ADVISORY  WRITE 33 08:01:77 121 121\n\
                     4: POSIX  ADVISORY  WRITE 44 08:01:77 120 120\n\
                     4: -> POSIX  ADVISORY  WRITE 55 08:01:77 120 120\n\
                     5: FLOCK  ADVISORY  WRITE 66 08:01:77 0 EOF\n";
        assert_eq!(holder_in(locks, 77), Some(44));
        assert_eq!(holder_in(locks, 79), None);
        assert_eq!(holder_in("garbage", 77), None);
    }
}
