use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::rules::{self, Whose};
use crate::model::Random;

/// Memory for one hash, in KiB: OWASP's least for Argon2id with two passes is 19 MiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// How many may wait for the hasher before the answer is "try again".
const MOST_WAITING: usize = 64;

/// Why a password was not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a valid password has {least} characters at least")]
    Short {
        /// How many it takes.
        least: usize,
    },
    /// Too long.
    #[error("a valid password has 256 bytes at most")]
    Long,
    /// Among those that are tried first.
    #[error("this password is among the most common ones, which are tried first: choose another")]
    Common,
    /// Too many wait.
    #[error("too many sign-ins at once; try again in a moment")]
    Busy,
}

/// Hashes passwords with Argon2id, off the threads that answer requests, one at a time.
#[derive(Clone)]
pub struct Passwords {
    random: Random,
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// What an unknown user's password is checked against, so that it takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// A hasher that draws salts from `random`.
    pub fn new(random: Random) -> Self {
        let nobody = hash(b"nobody has this password", &random.bytes::<16>());
        Self {
            turns: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            nobody: nobody.into(),
            random,
        }
    }

    /// Hashes a new password, if it is one that its owner may have.
    ///
    /// # Errors
    /// What [`rules::check`] says; [`PasswordError::Busy`].
    pub async fn hash(
        &self,
        password: &SecretString,
        whose: &Whose<'_>,
    ) -> Result<String, PasswordError> {
        rules::check(password.expose_secret(), whose)?;
        let (password, salt) = (password.clone(), self.random.bytes::<16>());
        self.in_turn(move || hash(password.expose_secret().as_bytes(), &salt))
            .await
    }

    /// Whether `password` is the one behind `hash`. With no hash it takes as long, and is not.
    ///
    /// # Errors
    /// [`PasswordError::Busy`].
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&str>,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let (password, hash) = (password.clone(), hash.unwrap_or(&self.nobody).to_owned());
        if password.expose_secret().len() > rules::MOST {
            return Ok(false);
        }
        let matches = self
            .in_turn(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| {
                    Argon2::default()
                        .verify_password(password.expose_secret().as_bytes(), &hash)
                        .is_ok()
                })
            })
            .await?;
        Ok(matches && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (waiting, turns) = (self.waiting.clone(), self.turns.clone());
        let place = waiting
            .try_acquire_owned()
            .map_err(|_| PasswordError::Busy)?;
        let turn = turns
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Busy)?;
        // Both are the work's, not the caller's: whoever hangs up meanwhile frees nothing before it is done.
        tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        })
        .await
        .map_err(|_| PasswordError::Busy)
    }
}

#[cfg(test)]
impl Passwords {
    /// Takes the hasher's turn, so that whoever signs in waits.
    pub(crate) async fn take_turn(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.turns.clone().acquire_owned().await.unwrap()
    }
}

fn hash(password: &[u8], salt: &[u8]) -> String {
    // These are within Argon2's bounds; the salt is 16 bytes.
    let params = Params::new(MEMORY_KIB, 2, 1, None).expect("Argon2 takes these parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password, salt)
        .expect("Argon2 takes a salt of 16 bytes")
        .to_string()
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Or clients that hang up would have as many hashed at once as they send.
    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_hangs_up_keeps_the_turn_until_the_work_is_done() {
        let passwords = Passwords::new(Random::system());
        let (finish, wait) = std::sync::mpsc::channel::<()>();
        let (began, begins) = tokio::sync::oneshot::channel();
        let asks = tokio::spawn({
            let passwords = passwords.clone();
            async move {
                let work = move || {
                    began.send(()).unwrap();
                    wait.recv().unwrap();
                };
                passwords.in_turn(work).await
            }
        });
        begins.await.unwrap();
        asks.abort();
        assert!(asks.await.unwrap_err().is_cancelled());
        let permits = || {
            (
                passwords.turns.available_permits(),
                passwords.waiting.available_permits(),
            )
        };
        assert_eq!(permits(), (0, MOST_WAITING - 1));
        finish.send(()).unwrap();
        drop(passwords.take_turn().await);
        assert_eq!(permits(), (1, MOST_WAITING));
    }

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other() {
        let passwords = Passwords::new(Random::system());
        let right = SecretString::from("correct horse battery");
        let whose = Whose {
            email: "ana@alpha.example",
            has_second_factor: false,
        };
        let hash = passwords.hash(&right, &whose).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(
            !passwords
                .verify(&SecretString::from("wrong"), Some(&hash))
                .await
                .unwrap()
        );
        assert!(!passwords.verify(&right, None).await.unwrap());
        let short = SecretString::from("correct horse");
        let refused = passwords.hash(&short, &whose).await;
        assert_eq!(refused, Err(PasswordError::Short { least: 15 }));
    }
}
