use std::error::Error;
use std::process::ExitCode;

use crate::auth::PasswordError;
use crate::config::ConfigError;
use crate::model::InvalidInput;
use crate::rotation::RotationError;
use crate::rotation::ledger::LedgerError;
use crate::store::StoreError;

/// What a command gives.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// How a command that did not do what it was asked ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotFound = 4,
    Unreachable = 5,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// It failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// It was called wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What it is about does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// The same, of what it is about: a setting, a file.
    pub fn about(self, what: &str) -> Self {
        Self::new(self.exit, format!("{what}: {}", self.message))
    }

    /// The message, for a report that goes on.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Tells the person at the terminal, and gives the code to end with.
    pub fn tell(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        ExitCode::from(self.exit as u8)
    }
}

impl From<RotationError> for Failure {
    fn from(error: RotationError) -> Self {
        let exit = match &error {
            RotationError::NotFound(_) => Exit::NotFound,
            RotationError::Ledger(LedgerError::Unreadable(_))
            | RotationError::Taken(_)
            | RotationError::Sealed { .. }
            | RotationError::FactorSealed
            | RotationError::Mark { .. }
            | RotationError::File { .. }
            | RotationError::Busy => Exit::Failed,
            RotationError::Invalid(_) | RotationError::Ledger(_) => Exit::Usage,
            RotationError::Refused(_) | RotationError::Older { .. } => Exit::Refused,
            RotationError::Store(error) => return error.into(),
        };
        Self::new(exit, error.to_string())
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let exit = if error.is_passing() {
            Exit::Unreachable
        } else {
            Exit::Failed
        };
        Self::new(exit, with_causes(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        (&error).into()
    }
}

impl From<InvalidInput> for Failure {
    fn from(error: InvalidInput) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Short { .. } | PasswordError::Long | PasswordError::Common => {
                Self::usage(error.to_string())
            }
            PasswordError::Busy => Self::failed(error.to_string()),
        }
    }
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors say themselves what caused them.
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::Rule;

    #[test]
    fn every_kind_of_failure_has_its_exit_code() {
        let exit = |error: RotationError| Failure::from(error).exit as u8;
        assert_eq!(exit(RotationError::Taken("this email address")), 1);
        assert_eq!(exit(InvalidInput::new("name", "is short").into()), 2);
        assert_eq!(exit(Rule::NoneOpen.into()), 3);
        assert_eq!(exit(RotationError::NotFound("token")), 4);
        assert_eq!(exit(StoreError::Cut.into()), 5);
        assert_eq!(exit(StoreError::Corrupt(String::new()).into()), 1);
    }
}
