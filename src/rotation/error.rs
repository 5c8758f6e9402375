use super::ledger::LedgerError;
use crate::model::{InvalidInput, Phase};
use crate::store::StoreError;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is no such thing, or it is not the asker's: the two look alike from outside.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A value that must be unique is taken.
    #[error("{0} is already taken")]
    Taken(&'static str),
    /// A value that cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// A rule of the domain stands against it.
    #[error(transparent)]
    Refused(#[from] Rule),
    /// A file that is no ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be read: the master key is another, or the row was changed.
    #[error(
        "the signing key {kid} cannot be opened with this master key: set ROLLCALL_MASTER_KEY to the one it was sealed with"
    )]
    Sealed {
        /// Which key.
        kid: String,
    },
    /// A second factor could not be read: another master key sealed it.
    #[error(
        "a second factor cannot be opened with the master keys held here: set ROLLCALL_MASTER_KEY_PREVIOUS to the one it \
         was sealed with, or `rollcall user reset-second-factor`"
    )]
    FactorSealed,
    /// The database is behind what is known of it: it was restored from a backup.
    #[error(
        "this database is older than the one that was last used here (version {found}; {mark} says {known}): it was \
         restored from a backup. What happened since is not in it: a token that was revoked since passes again, one \
         that was issued since is refused, and what was captured since may be refused at the cutover. Put the newer \
         database back; or accept this one, once, with --accept-older-database"
    )]
    Older {
        /// The version it has.
        found: i64,
        /// The version that was reached.
        known: i64,
        /// The file that says so.
        mark: String,
    },
    /// The version mark cannot be read.
    #[error(
        "the version mark {file} cannot be read ({problem}): remove it if you know that the database is the newest"
    )]
    Mark {
        /// Which file.
        file: String,
        /// Why not.
        problem: String,
    },
    /// A file could not be written.
    #[error("{file}: {problem}")]
    File {
        /// Which file.
        file: String,
        /// Why not.
        problem: String,
    },
    /// The work could not be taken on now; try again.
    #[error("too much is waiting to be written; try again in a moment")]
    Busy,
}

impl RotationError {
    /// Whether it is about what was asked for, and not about the database: of many things asked for at
    /// once, the others may still be done.
    pub const fn is_of_the_asker(&self) -> bool {
        matches!(
            self,
            Self::NotFound(_) | Self::Taken(_) | Self::Invalid(_) | Self::Refused(_)
        )
    }
}

impl From<std::io::Error> for RotationError {
    fn from(error: std::io::Error) -> Self {
        Self::Ledger(error.into())
    }
}

/// The rules that refuse a step. Each says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Only one rotation at a time.
    #[error("rotation {name} is {phase}: close or abort it before starting another")]
    AlreadyOpen {
        /// The open rotation.
        name: String,
        /// Where it stands.
        phase: Phase,
    },
    /// No rotation is open.
    #[error("no rotation is open: start one with `rollcall rotation start`")]
    NoneOpen,
    /// The step does not lead from the phase the rotation is in.
    #[error("rotation {name} is {phase}, and cannot become {wanted}")]
    WrongPhase {
        /// The rotation.
        name: String,
        /// Where it stands.
        phase: Phase,
        /// Where it was to go.
        wanted: Phase,
    },
    /// The typed name is not the rotation's.
    #[error("the confirmation does not match: type the rotation's name, {name}")]
    Unconfirmed {
        /// What was to be typed.
        name: String,
    },
    /// Start has not taken effect on every node yet.
    #[error("rotation {name} is still taking effect: try again in a moment")]
    NotEffective {
        /// The rotation.
        name: String,
    },
    /// The look-back has not finished.
    #[error(
        "rotation {name} is still looking back over past use: {carried} carried over so far, {left} tokens \
         left. Any serving process goes on with it: try again in a moment"
    )]
    LookingBack {
        /// The rotation.
        name: String,
        /// How many tokens and sessions it has carried over.
        carried: i64,
        /// How many tokens it has still to look at.
        left: i64,
    },
    /// An integration has as many live tokens as it may.
    #[error("this integration has {0} live tokens, as many as it may: revoke one first")]
    TooManyTokens(i64),
    /// An account has as many integrations as it may.
    #[error("this account has {0} integrations, as many as it may: archive one first")]
    TooManyIntegrations(usize),
    /// The account is disabled.
    #[error("the account is disabled: enable it first")]
    AccountDisabled,
    /// The form was submitted before.
    #[error("this form was already submitted")]
    AlreadySubmitted,
    /// A token that was to be taken back has made a request: somebody has it.
    #[error("the earlier token has made a request, so it was not lost, and it was not revoked")]
    NotLost,
    /// A revocation that cannot be undone, or no longer.
    #[error(
        "this revocation stands: only one that was made on the dashboard can be undone, and only for 60 minutes"
    )]
    UndoOver,
    /// The token would have been replaced by now.
    #[error("a newer token has taken this one's place since, so it stays revoked")]
    UndoReplaced,
    /// The token would have expired by now.
    #[error("this token has expired since, so it stays revoked")]
    UndoExpired,
    /// The link was used, has expired, or never was.
    #[error("this link was already used or has expired: ask for a new one")]
    LinkSpent,
    /// The password was changed since the page was opened.
    #[error("the password was changed meanwhile")]
    PasswordMoved,
    /// A second factor is on already.
    #[error("a second factor is on already: turn it off first")]
    SecondFactorOn,
    /// No second factor is on.
    #[error("this user has no second factor, so there is nothing to reset")]
    NoSecondFactor,
    /// There is an admin already.
    #[error("an admin exists already: sign in instead")]
    SetUp,
    /// What was issued elsewhere is brought in before a cutover, or after its close.
    #[error(
        "rotation {name} is finalised: reopen it or close it before you bring in what was issued elsewhere"
    )]
    CutOver {
        /// The rotation.
        name: String,
    },
    /// As many imported keys verify as may.
    #[error(
        "{0} imported keys verify already, as many as may: close a rotation, which forgets them"
    )]
    TooManyKeys(usize),
    /// Its claims name no account.
    #[error("the claims of this token name no account: choose one")]
    NoAccountNamed,
    /// There is no such account, and nobody to warn for a new one.
    #[error("there is no account {0}: choose another, or give a contact and it is created")]
    NoAccount(String),
    /// The token has expired.
    #[error("this token has expired, so there is nothing to approve")]
    HeldExpired,
    /// It was said before.
    #[error("key {kid} is marked as compromised already")]
    AlreadyCompromised {
        /// Which key.
        kid: String,
    },
    /// Serving nodes do not hold the master key that everything is to move to.
    #[error(
        "the new master key ({fingerprint}) is not held by serving node {nodes}: restart each with both master keys, \
         one as ROLLCALL_MASTER_KEY and the other as ROLLCALL_MASTER_KEY_PREVIOUS, then run this again. Nothing has moved"
    )]
    MasterKeyNotHeld {
        /// Which master key.
        fingerprint: String,
        /// Which nodes.
        nodes: String,
    },
    /// An account has as many tickets under way as it may.
    #[error(
        "{0} tickets are under way, as many as may be: close those that are settled, or write in one of them"
    )]
    TooManyTickets(i64),
    /// The members of an account have written as much in an hour as they may.
    #[error(
        "your account has written {0} times within an hour, as often as it may: try again later"
    )]
    TooMuchWritten(i64),
    /// The token can no longer be readmitted.
    #[error("this token is not dormant, so there is nothing to readmit")]
    NotDormant,
}

/// What use cases give.
pub type Result<T, E = RotationError> = std::result::Result<T, E>;
