/// What can go wrong between this program and its database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer, or not in time. Try again.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// Another process holds the lock that a phase step needs.
    #[error("another process holds the rotation lock: {holder}")]
    Locked {
        /// What is known of the holder.
        holder: String,
    },
    /// A value that must be unique is taken.
    #[error("the database refused a duplicate")]
    Duplicate(#[source] sqlx::Error),
    /// The schema is not what this program was built for.
    #[error("{0}")]
    Schema(String),
    /// It is older than what is known of it. It is not believed until someone accepts it.
    #[error("the database went back in time: it was restored from a backup")]
    WentBack,
    /// A row holds what this program never writes.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// A text holds a character that PostgreSQL stores nowhere: NUL.
    #[error("a text holds a NUL character, which cannot be stored or looked for")]
    Unstorable(#[source] sqlx::Error),
    /// Two transactions waited for each other, and this one was given up. Try again.
    #[error("two transactions waited for each other; try again")]
    Conflict(#[source] sqlx::Error),
    /// Anything else: a defect of this program, or of the database.
    #[error("the database refused a statement")]
    Rejected(#[source] sqlx::Error),
    /// The task that ran the transaction ended without an answer.
    #[error("the transaction was cut short")]
    Cut,
}

impl StoreError {
    /// Whether the same call may succeed later without anything being changed.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Locked { .. }
                | Self::Conflict(_)
                | Self::WentBack
                | Self::Cut
        )
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                Self::Duplicate(error)
            }
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // PostgreSQL: lock_timeout.
                Some("55P03") => Self::Locked {
                    holder: "a transaction on the same database".to_owned(),
                },
                // PostgreSQL: a deadlock, or a serialization failure.
                Some("40P01" | "40001") => Self::Conflict(error),
                // PostgreSQL: character_not_in_repertoire. Sent by a stranger, not by this program.
                Some("22021") => Self::Unstorable(error),
                // PostgreSQL: connection exceptions, operator intervention (shutdown, crash), no
                // room for connections, idle-in-transaction timeout, read-only (a replica).
                Some(code)
                    if code.starts_with("08")
                        || code.starts_with("57")
                        || code.starts_with("53")
                        || code == "25P03"
                        || code == "25006" =>
                {
                    Self::Unreachable(error)
                }
                // SQLite: BUSY, LOCKED, IOERR, CORRUPT (which is also what it calls a page that the
                // disk does not give), FULL, CANTOPEN, PROTOCOL, NOTADB with extensions.
                Some(code)
                    if code.parse::<i64>().is_ok_and(|code| {
                        matches!(code & 0xff, 5 | 6 | 10 | 11 | 13 | 14 | 15 | 26)
                    }) =>
                {
                    Self::Unreachable(error)
                }
                _ => Self::Rejected(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unreachable(error),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Rejected(error),
        }
    }
}
