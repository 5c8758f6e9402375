//! The second factor at sign-in: a code from an app (RFC 6238), or a recovery code in its place (the
//! look-up secrets of NIST SP 800-63B-4 §3.1.2).

use futures_util::FutureExt as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::engine::{Engine, actor, actor_of, note};
use super::error::{Result, RotationError, Rule};
use super::master::MasterKeys;
use super::outbox;
use super::totp::{self, Found, Secret};
use crate::model::{
    Acts as _, EmailAddress, FactorChange, HOUR_MS, Letter, OneTimeSecret, Operator, Person,
    Random, RecoveryCode, UnixMs, UserId, percent_encoded,
};
use crate::store::second_factors::{self, Factor};
use crate::store::users::{self, User};
use crate::store::{Lock, StoreError, Tx};

/// How many recovery codes somebody has.
pub const RECOVERY_CODES: usize = 10;
/// How long a sign-in waits for the second factor, in milliseconds.
const SIGN_IN_MS: i64 = HOUR_MS / 6;
/// How long one that was begun may be turned on, in milliseconds.
const SET_UP_MS: i64 = HOUR_MS;

/// Whether a user has a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None is asked for.
    Off,
    /// It is asked for at each sign-in.
    On {
        /// Since when.
        since: UnixMs,
        /// How many recovery codes are left.
        codes_left: i64,
    },
}

impl Standing {
    /// Whether it is asked for.
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }
}

/// What an app needs to make codes. Shown once.
pub struct Enrolment {
    /// The secret, as people type it.
    pub secret: Zeroizing<String>,
    /// The same as a link that apps read, for a picture.
    pub uri: Zeroizing<String>,
}

/// What a code turned out to be.
#[derive(Debug)]
pub enum Verdict<T> {
    /// Right, and used up by this.
    Right(T),
    /// Not one of theirs.
    Wrong,
    /// Right, and used before.
    Used,
    /// Right at another time: the clock of the device is off by so many minutes.
    ClockOff {
        /// How many.
        minutes: i64,
        /// Whether it is ahead.
        ahead: bool,
    },
    /// What it was for is over.
    Gone,
}

/// What a right second factor was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    App,
    Recovery { left: i64 },
}

impl Engine {
    /// Whether a user has a second factor.
    pub async fn second_factor(&self, by: &Person) -> Result<Standing> {
        let mut tx = self.db.read().await?;
        let found = second_factors::find(&mut tx, by.user()).await?;
        Ok(match found.and_then(|factor| factor.confirmed_at) {
            Some(since) => Standing::On {
                since,
                codes_left: second_factors::codes_left(&mut tx, by.user()).await?,
            },
            None => Standing::Off,
        })
    }

    /// Begins to set a second factor up. Nothing is asked for until [`Engine::confirm_second_factor`].
    ///
    /// # Errors
    /// [`Rule::SecondFactorOn`] when there is one.
    pub async fn begin_second_factor(&self, by: &Person) -> Result<Enrolment> {
        let secret = Secret::generate(&self.random);
        let enrolment = Enrolment {
            secret: secret.base32(),
            uri: self.uri(by, &secret),
        };
        let (user, masters, random) =
            (by.user().clone(), self.masters.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let master = masters.sealing(tx).await?;
                    let sealed = secret.seal(&user, &master, &random);
                    if second_factors::begin(tx, &user, &sealed, &master.fingerprint()).await? {
                        Ok(())
                    } else {
                        Err(RotationError::from(Rule::SecondFactorOn))
                    }
                }
                .boxed()
            })
            .await?;
        Ok(enrolment)
    }

    /// The link that apps read (the "Key Uri Format" of Google Authenticator).
    fn uri(&self, by: &Person, secret: &Secret) -> Zeroizing<String> {
        let host = self
            .settings
            .public_url
            .split("://")
            .nth(1)
            .unwrap_or_default();
        let issuer = percent_encoded(&format!("Rollcall {host}"));
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}",
            percent_encoded(by.email()),
            secret.base32().as_str(),
        ))
    }

    /// Turns a second factor on: a code shows that the app has it. Gives the recovery codes.
    pub async fn confirm_second_factor(
        &self,
        by: &Person,
        code: &str,
    ) -> Result<Verdict<Vec<RecoveryCode>>> {
        let (by, code) = (by.clone(), code.to_owned());
        let (masters, random) = (self.masters.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let found = second_factors::find(tx, by.user()).await?;
                    let now = tx.state().now;
                    let waits = |factor: &Factor| {
                        factor.confirmed_at.is_none() && now.since(factor.created_at) < SET_UP_MS
                    };
                    let Some(factor) = found.filter(waits) else {
                        return Ok(Verdict::Gone);
                    };
                    let verdict = judge_code(tx, &factor, &code, &masters).await?;
                    let Verdict::Right(()) = verdict else {
                        return Ok(verdict.instead());
                    };
                    second_factors::confirm(tx, by.user()).await?;
                    let codes = draw_codes(tx, &random, by.user()).await?;
                    tell(tx, &random, (&by.actor(), by.user()), FactorChange::On).await?;
                    Ok(Verdict::Right(codes))
                }
                .boxed()
            })
            .await
    }

    /// Draws new recovery codes; the old ones stop working.
    ///
    /// # Errors
    /// [`Rule::NoSecondFactor`].
    pub async fn new_recovery_codes(&self, by: &Person) -> Result<Vec<RecoveryCode>> {
        let (by, random) = (by.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let found = second_factors::find(tx, by.user()).await?;
                    if found.is_none_or(|factor| factor.confirmed_at.is_none()) {
                        return Err(RotationError::from(Rule::NoSecondFactor));
                    }
                    let codes = draw_codes(tx, &random, by.user()).await?;
                    tell(
                        tx,
                        &random,
                        (&by.actor(), by.user()),
                        FactorChange::NewCodes,
                    )
                    .await?;
                    Ok(codes)
                }
                .boxed()
            })
            .await
    }

    /// Turns a user's own second factor off.
    ///
    /// # Errors
    /// [`Rule::NoSecondFactor`].
    pub async fn remove_second_factor(&self, by: &Person) -> Result<()> {
        self.take_off(by.actor(), by.user().clone(), FactorChange::Off)
            .await
    }

    /// Takes the second factor off a user who has lost it and the recovery codes. They learn of it by
    /// mail.
    ///
    /// # Errors
    /// [`RotationError::NotFound`]; [`Rule::NoSecondFactor`].
    pub async fn reset_second_factor(&self, by: &Operator, email: &EmailAddress) -> Result<UserId> {
        let mut tx = self.db.read().await?;
        let user = users::by_email(&mut tx, email.as_str())
            .await?
            .ok_or(RotationError::NotFound("user"))?
            .id;
        drop(tx);
        self.take_off(actor(by), user.clone(), FactorChange::Reset)
            .await?;
        Ok(user)
    }

    async fn take_off(&self, by: String, user: UserId, change: FactorChange) -> Result<()> {
        let random = self.random.clone();
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    if !second_factors::remove(tx, &user).await? {
                        return Err(RotationError::from(Rule::NoSecondFactor));
                    }
                    Ok(tell(tx, &random, (&by, &user), change).await?)
                }
                .boxed()
            })
            .await
    }

    /// Notes that a user's password was right and the second factor is awaited. The secret names this
    /// sign-in, and no other way leads on from it.
    pub async fn await_second_factor(&self, user: &UserId) -> Result<OneTimeSecret> {
        let step = OneTimeSecret::generate(&self.random);
        let (digest, user) = (step.digest(), user.clone());
        self.db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let until = tx.state().now.plus(SIGN_IN_MS);
                    second_factors::insert_sign_in(tx, &digest, &user, until).await
                }
                .boxed()
            })
            .await?;
        Ok(step)
    }

    /// Whose sign-in waits for the second factor; `None` when it took too long, or is done.
    pub async fn waiting_sign_in(&self, step: &OneTimeSecret) -> Result<Option<User>> {
        let mut tx = self.db.read().await?;
        let now = tx.now().await?;
        Ok(
            match second_factors::sign_in(&mut tx, &step.digest(), now).await? {
                Some(user) => users::find(&mut tx, &user).await?,
                None => None,
            },
        )
    }

    /// Judges the second factor of a sign-in that waits: a code from the app, or a recovery code. A
    /// right one ends the waiting.
    pub async fn answer_second_factor(
        &self,
        step: &OneTimeSecret,
        code: &str,
    ) -> Result<Verdict<User>> {
        let (digest, code) = (step.digest(), code.to_owned());
        let (masters, random) = (self.masters.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move {
                    let now = tx.state().now;
                    let Some(user) = second_factors::sign_in(tx, &digest, now).await? else {
                        return Ok(Verdict::Gone);
                    };
                    let found = second_factors::find(tx, &user).await?;
                    let Some(factor) = found.filter(|factor| factor.confirmed_at.is_some()) else {
                        return Ok(Verdict::Gone);
                    };
                    let verdict = judge(tx, &factor, &code, &masters).await?;
                    let Verdict::Right(key) = verdict else {
                        return Ok(verdict.instead());
                    };
                    if !second_factors::end_sign_in(tx, &digest).await? {
                        return Ok(Verdict::Gone);
                    }
                    let Some(user) = users::find(tx, &user).await? else {
                        return Ok(Verdict::Gone);
                    };
                    if let Key::Recovery { left } = key {
                        let (by, detail) = (actor_of(&user), json!({ "left": left }));
                        let action = "user.use-recovery-code";
                        note(tx, &random, &by, action, user.id.as_str(), detail).await?;
                        let letter = Letter::RecoveryCodeUsed { left };
                        outbox::order(tx, &random, &user.id, &letter).await?;
                    }
                    Ok(Verdict::Right(user))
                }
                .boxed()
            })
            .await
    }
}

impl<T> Verdict<T> {
    /// The same verdict for a door that would have given something else. One that is right has its own
    /// way, and does not come here.
    pub fn instead<U>(self) -> Verdict<U> {
        match self {
            Self::Right(_) | Self::Gone => Verdict::Gone,
            Self::Wrong => Verdict::Wrong,
            Self::Used => Verdict::Used,
            Self::ClockOff { minutes, ahead } => Verdict::ClockOff { minutes, ahead },
        }
    }
}

/// A code from the app, or a recovery code.
async fn judge(
    tx: &mut Tx,
    factor: &Factor,
    code: &str,
    masters: &MasterKeys,
) -> Result<Verdict<Key>> {
    let Some(recovery) = RecoveryCode::from_visitor(code) else {
        return Ok(match judge_code(tx, factor, code, masters).await? {
            Verdict::Right(()) => Verdict::Right(Key::App),
            other => other.instead(),
        });
    };
    if !second_factors::use_code(tx, &factor.user_id, &recovery.digest()).await? {
        return Ok(Verdict::Wrong);
    }
    let left = second_factors::codes_left(tx, &factor.user_id).await?;
    Ok(Verdict::Right(Key::Recovery { left }))
}

/// A code from the app. One that is recognised is used up, also where it is not of this time: or
/// whoever learns of one that is to come could wait for it.
async fn judge_code(
    tx: &mut Tx,
    factor: &Factor,
    code: &str,
    masters: &MasterKeys,
) -> Result<Verdict<()>> {
    let Some(code) = totp::read(code) else {
        return Ok(Verdict::Wrong);
    };
    let now = tx.state().now;
    let (step, off) = match open(factor, masters)?.find(code, now) {
        Found::Never => return Ok(Verdict::Wrong),
        Found::Now { step } => (step, 0),
        Found::Elsewhen { step, off } => (step, off),
    };
    let before = totp::oldest_remembered(now);
    if !second_factors::use_step(tx, &factor.user_id, step, before).await? {
        return Ok(Verdict::Used);
    }
    Ok(match off {
        0 => Verdict::Right(()),
        off => Verdict::ClockOff {
            minutes: totp::minutes(off),
            ahead: off > 0,
        },
    })
}

fn open(factor: &Factor, masters: &MasterKeys) -> Result<Secret> {
    masters
        .find(&factor.sealed_by)
        .and_then(|master| Secret::open(&factor.sealed, &factor.user_id, &master))
        .ok_or(RotationError::FactorSealed)
}

async fn draw_codes(
    tx: &mut Tx,
    random: &Random,
    user: &UserId,
) -> Result<Vec<RecoveryCode>, StoreError> {
    let codes: Vec<_> = (0..RECOVERY_CODES)
        .map(|_| RecoveryCode::generate(random))
        .collect();
    let digests: Vec<_> = codes.iter().map(RecoveryCode::digest).collect();
    second_factors::replace_codes(tx, user, &digests).await?;
    Ok(codes)
}

/// Writes the audit, and the letter to whom it concerns.
async fn tell(
    tx: &mut Tx,
    random: &Random,
    (by, user): (&str, &UserId),
    change: FactorChange,
) -> Result<(), StoreError> {
    let action = match change {
        FactorChange::On => "second-factor.on",
        FactorChange::Off => "second-factor.off",
        FactorChange::Reset => "second-factor.reset",
        FactorChange::NewCodes => "second-factor.new-codes",
    };
    note(tx, random, by, action, user.as_str(), json!({})).await?;
    outbox::order(tx, random, user, &Letter::SecondFactorChanged { change }).await
}
