//! All SQL. One text for both engines: [`Db`] is the seam, `on!` pastes one body into both arms.
//!
//! Every function here takes a [`Tx`], so that what is read together is read of one state, and
//! nothing is written but in a transaction that the caller commits.

/// Runs one body against whichever engine the transaction is on.
macro_rules! on {
    ($tx:expr, $c:ident => $body:expr) => {
        match $tx.arm() {
            $crate::store::db::Arm::Sqlite($c) => $body,
            $crate::store::db::Arm::Postgres($c) => $body,
        }
    };
}

/// Runs a query without rows on whichever engine the transaction is on; gives how many it changed.
macro_rules! exec {
    ($tx:expr, $query:expr) => {
        on!($tx, c => $query.execute(c).await.map(|done| done.rows_affected()))
    };
}

/// Accounts, users and integrations: who the customers are.
pub mod accounts;
/// Who did what, when.
pub mod audit;
/// A copy of a database that is in use.
mod backup;
/// Who calls with a token.
pub mod callers;
/// The allowlist of a rotation and its evidence.
pub mod captures;
/// How each engine is reached.
mod connect;
/// The seam between the engines: connections, transactions, locks, the clock.
pub mod db;
mod error;
/// Forged tokens that were seen.
pub mod forgeries;
/// What `doctor` asks of a database.
mod health;
/// Tokens issued elsewhere that the registry does not know.
pub mod held;
/// What became of keys: destroyed, compromised, moved to another master key.
pub mod key_history;
/// Signing keys by generation.
pub mod keys;
/// Tokens issued elsewhere on their way into the registry.
pub mod ledger;
/// Mail that was ordered, and what became of it.
pub mod letters;
/// One-time links and failed sign-ins.
pub mod links;
/// The rotation lock, how long it is waited for, and who holds it.
mod lock;
/// How far a database has come, so that an older one is noticed.
pub mod marks;
mod migrate;
/// Who would break, and who has recovered.
pub mod rehearsal;
/// Moves to another master key, and which nodes hold it.
pub mod reseals;
/// Rotations and their phases.
pub mod rotations;
/// What was destroyed leaves the files too.
mod scrub;
/// Second factors, recovery codes, and sign-ins that wait for one.
pub mod second_factors;
/// Dashboard logins.
pub mod sessions;
/// The one row that all nodes agree on, its version and its changes.
pub mod state;
/// Questions to support.
pub mod tickets;
/// The registry of access tokens.
pub mod tokens;
mod types;
/// PostgreSQL behind a pooler.
mod unnamed;
/// Last use, counts and days of use.
pub mod usage;
/// The people who log in.
pub mod users;

pub use connect::Access;
pub use db::{Db, Tx};
pub use error::StoreError;
pub use lock::Lock;
