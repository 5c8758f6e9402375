//! Letters to users, from the order to what became of them. A use case orders one in the transaction
//! of what it tells; a serving node takes it, `notify` sends it, and the result is noted here.

use futures_util::FutureExt as _;
use serde_json::json;

use super::customers::LINK_MS;
use super::engine::{Engine, note};
use super::error::Result;
use crate::model::{
    AccountId, Acts as _, DAY_MS, EmailAddress, HOUR_MS, Letter, LetterKind, OneTimeSecret, Person,
    Random, Steers, UnixMs, UserId, sortable,
};
use crate::store::letters::{self, Outcome, Row, Unsent};
use crate::store::{Lock, StoreError, Tx, links, users};

/// How long a node has for sending what it took, in milliseconds; then another may.
pub const LEASE_MS: i64 = 90_000;
/// The wait after the first failure, in milliseconds; it doubles with each.
const FIRST_WAIT_MS: i64 = 30_000;
/// The longest wait, in milliseconds.
const LONGEST_WAIT_MS: i64 = HOUR_MS;
/// How often a letter is tried: over about ten hours.
const MOST_ATTEMPTS: i64 = 16;
/// How long it is remembered what became of letters, in milliseconds.
const REMEMBERED_MS: i64 = 30 * DAY_MS;
/// The most letters that are listed as not sent.
const MOST_SHOWN: i64 = 100;
/// The most characters of a reason that are kept.
const MOST_REASON: usize = 300;

/// What has not left.
#[derive(Clone, Debug)]
pub struct UnsentLetters {
    /// How many wait.
    pub waiting: i64,
    /// How many were given up.
    pub given_up: i64,
    /// The first of them: those given up, then those that wait, the newest first.
    pub first: Vec<Unsent>,
    /// The present.
    pub now: UnixMs,
}

/// Letters to one user that go out as one mail: one, or several of a kind.
#[derive(Debug)]
pub struct Parcel {
    lease: String,
    attempts: i64,
    /// Which it is, the same at each attempt.
    pub id: String,
    /// To whom.
    pub to: EmailAddress,
    /// Of which kind its letters are.
    pub kind: LetterKind,
    /// What they tell and when that happened, the oldest first. Never empty.
    pub letters: Vec<(UnixMs, Letter)>,
    /// The link that works once, where the letter is about one: made for this attempt.
    pub link: Option<OneTimeSecret>,
}

impl Parcel {
    /// What a server answered, bounded, and without the link: some repeat what they refuse.
    pub fn harmless(&self, reason: &str) -> String {
        harmless(reason, self.link.as_ref())
    }
}

#[cfg(test)]
impl Parcel {
    /// A parcel of nobody's outbox, for tests of what is written in it.
    pub(crate) fn for_tests(
        to: EmailAddress,
        letters: Vec<(UnixMs, Letter)>,
        link: Option<OneTimeSecret>,
    ) -> Self {
        Self {
            lease: String::new(),
            attempts: 1,
            id: "ltr_test".to_owned(),
            to,
            kind: letters[0].1.kind(),
            letters,
            link,
        }
    }
}

/// Orders a letter to a user, in the transaction of what it tells. One that they do without is not.
pub async fn order(
    tx: &mut Tx,
    random: &Random,
    to: &UserId,
    letter: &Letter,
) -> Result<(), StoreError> {
    let (kind, now) = (letter.kind(), tx.state().now);
    if kind.may_be_declined()
        && letters::declined(tx, to)
            .await?
            .iter()
            .any(|slug| slug == kind.slug())
    {
        return Ok(());
    }
    if kind.replaces() {
        letters::withdraw(tx, to, kind, "a newer one was asked for").await?;
    }
    let due_at = match kind.window_ms() {
        0 => now,
        window => letters::last_sent(tx, to, kind)
            .await?
            .map_or(now, |sent| now.max(sent.plus(window))),
    };
    let id = format!("ltr_{}", sortable(now, random));
    let facts = serde_json::to_string(letter)
        .map_err(|error| StoreError::Corrupt(format!("a letter's facts: {error}")))?;
    letters::insert(tx, &id, to, kind, &facts, due_at).await
}

/// Orders a letter to every user of an account who can sign in.
pub async fn order_for_members(
    tx: &mut Tx,
    random: &Random,
    account: &AccountId,
    letter: &Letter,
) -> Result<(), StoreError> {
    for user in users::of_account(tx, account).await? {
        if user.disabled_at.is_none() {
            order(tx, random, &user.id, letter).await?;
        }
    }
    Ok(())
}

/// Orders what a user learns of a password that was set; a link that still waits is not needed any more.
pub(super) async fn password_set(
    tx: &mut Tx,
    random: &Random,
    user: &UserId,
) -> Result<(), StoreError> {
    letters::withdraw(tx, user, LetterKind::SetPassword, "the password was set").await?;
    order(tx, random, user, &Letter::PasswordChanged).await
}

/// How long to wait after so many attempts, in milliseconds.
fn wait_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    (FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS)
}

impl Engine {
    /// Takes what is due first, for this process to send; `None` when nothing is. What has nobody to
    /// read it any more is withdrawn on the way.
    pub async fn take_letters(&self) -> Result<Option<Parcel>> {
        self.trust_database()?;
        loop {
            // Idle nodes ask without writing.
            let mut tx = self.db.read().await?;
            let now = tx.now().await?;
            if letters::first_due(&mut tx, now).await?.is_none() {
                return Ok(None);
            }
            drop(tx);
            let random = self.random.clone();
            let taken = self
                .db
                .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                    async move { take(tx, &random).await }.boxed()
                })
                .await?;
            if let Some(parcel) = taken {
                return Ok(Some(parcel));
            }
        }
    }

    /// Notes that a parcel was sent.
    pub async fn letters_sent(&self, parcel: &Parcel) -> Result<()> {
        self.end_letters(parcel, Outcome::Sent, None).await
    }

    /// Notes that a parcel was not taken, and why. It is tried again later, unless it was tried often
    /// enough or the refusal is for good. True when it is given up.
    pub async fn letters_failed(
        &self,
        parcel: &Parcel,
        reason: String,
        for_good: bool,
    ) -> Result<bool> {
        if for_good || parcel.attempts >= MOST_ATTEMPTS {
            self.end_letters(parcel, Outcome::GivenUp, Some(reason))
                .await?;
            return Ok(true);
        }
        let (lease, wait) = (parcel.lease.clone(), wait_ms(parcel.attempts));
        self.db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let due_at = tx.state().now.plus(wait);
                    letters::put_back(tx, &lease, due_at, &reason).await
                }
                .boxed()
            })
            .await?;
        Ok(false)
    }

    /// The kinds of letters that may be declined, and whether a user wants them.
    pub async fn letters_wanted(&self, by: &Person) -> Result<Vec<(LetterKind, bool)>> {
        let mut tx = self.db.read().await?;
        let declined = letters::declined(&mut tx, by.user()).await?;
        let is_member = by.confined_to().is_some();
        let kinds = LetterKind::ALL
            .into_iter()
            .filter(|kind| kind.may_be_declined() && kind.is_sent_to(is_member));
        Ok(kinds
            .map(|kind| (kind, !declined.iter().any(|slug| slug == kind.slug())))
            .collect())
    }

    /// Notes which letters a user wants: of those that may be declined, these and no others. What
    /// waits of the others is withdrawn.
    pub async fn want_letters(&self, by: &Person, wanted: Vec<LetterKind>) -> Result<()> {
        let (actor, user, random) = (by.actor(), by.user().clone(), self.random.clone());
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    for kind in LetterKind::ALL {
                        if !kind.may_be_declined() {
                            continue;
                        }
                        let declined = !wanted.contains(&kind);
                        letters::set_declined(tx, &user, kind, declined).await?;
                        if declined {
                            letters::withdraw(tx, &user, kind, "the user does without").await?;
                        }
                    }
                    let wanted: Vec<_> = wanted.iter().map(|kind| kind.slug()).collect();
                    let detail = json!({ "wanted": wanted });
                    note(tx, &random, &actor, "user.letters", user.as_str(), detail).await
                }
                .boxed()
            })
            .await?)
    }

    /// How many letters wait, how many were given up, and the first of them, for admins.
    pub async fn unsent_letters(&self, _by: &impl Steers) -> Result<UnsentLetters> {
        let mut tx = self.db.read().await?;
        let (waiting, given_up) = letters::count_unsent(&mut tx).await?;
        Ok(UnsentLetters {
            waiting,
            given_up,
            first: letters::unsent(&mut tx, MOST_SHOWN).await?,
            now: tx.now().await?,
        })
    }

    /// Lets a letter that was given up be tried again; false when it is not given up (any more).
    pub async fn send_letter_again(&self, by: &impl Steers, id: &str) -> Result<bool> {
        let (actor, id, random) = (by.actor(), id.to_owned(), self.random.clone());
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move {
                    let again = letters::send_again(tx, &id).await?;
                    if again {
                        note(tx, &random, &actor, "letter.send-again", &id, json!({})).await?;
                    }
                    Ok(again)
                }
                .boxed()
            })
            .await?)
    }

    async fn end_letters(
        &self,
        parcel: &Parcel,
        outcome: Outcome,
        reason: Option<String>,
    ) -> Result<()> {
        let lease = parcel.lease.clone();
        Ok(self
            .db
            .write::<_, StoreError, _>(Lock::Shared, move |tx| {
                async move { letters::end(tx, &lease, outcome, reason.as_deref()).await }.boxed()
            })
            .await?)
    }
}

/// Forgets letters that ended long ago.
pub(super) async fn prune(tx: &mut Tx) -> Result<(), StoreError> {
    let before = tx.state().now.plus(-REMEMBERED_MS);
    letters::prune(tx, before).await
}

async fn take(tx: &mut Tx, random: &Random) -> Result<Option<Parcel>, StoreError> {
    let now = tx.state().now;
    let Some(first) = letters::first_due(tx, now).await? else {
        return Ok(None);
    };
    let Some(kind) = LetterKind::of_slug(&first.kind) else {
        return Ok(None);
    };
    let lease = random.hex::<16>();
    let until = now.plus(LEASE_MS);
    let rows = letters::lease(tx, &first, kind.window_ms() > 0, &lease, until).await?;
    let Some(oldest) = rows.first().cloned() else {
        return Ok(None);
    };
    let user = users::find(tx, &first.user_id).await?;
    let reader =
        user.filter(|user| user.disabled_at.is_none() && user.account_disabled_at.is_none());
    let Some(to) = reader.and_then(|reader| reader.email.parse().ok()) else {
        let nobody = Some("the user or the account is disabled");
        letters::end(tx, &lease, Outcome::Withdrawn, nobody).await?;
        return Ok(None);
    };
    let Some(letters) = rows.iter().map(read).collect::<Option<_>>() else {
        // It would come first again and again, and keep the others waiting.
        let unread = Some("what it tells cannot be read");
        letters::end(tx, &lease, Outcome::GivenUp, unread).await?;
        return Ok(None);
    };
    let link = match kind {
        LetterKind::SetPassword => Some(make_link(tx, &first.user_id, random).await?),
        _ => None,
    };
    Ok(Some(Parcel {
        attempts: rows.iter().map(|row| row.attempts).max().unwrap_or(1),
        id: oldest.id,
        lease,
        to,
        kind,
        letters,
        link,
    }))
}

fn read(row: &Row) -> Option<(UnixMs, Letter)> {
    Some((row.ordered_at, serde_json::from_str(&row.facts).ok()?))
}

/// A link for one attempt at sending: whatever an earlier attempt carried stops working.
async fn make_link(
    tx: &mut Tx,
    user: &UserId,
    random: &Random,
) -> Result<OneTimeSecret, StoreError> {
    let link = OneTimeSecret::generate(random);
    let until = tx.state().now.plus(LINK_MS);
    links::insert(tx, &link.digest(), "set-password", Some(user), until).await?;
    Ok(link)
}

fn harmless(reason: &str, secret: Option<&OneTimeSecret>) -> String {
    let reason = match secret {
        Some(secret) => reason.replace(secret.expose(), "…"),
        None => reason.to_owned(),
    };
    let words = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(MOST_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let waits: Vec<i64> = (1..10).map(|attempts| wait_ms(attempts) / 1_000).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    }

    #[test]
    fn a_reason_keeps_no_link() {
        let link = OneTimeSecret::generate(&Random::system());
        let said = format!(
            "554 refused:\r\n https://x/set-password?link={}",
            link.expose()
        );
        let kept = harmless(&said, Some(&link));
        assert_eq!(kept, "554 refused: https://x/set-password?link=…");
        assert_eq!(harmless(&"x".repeat(5_000), None).len(), MOST_REASON);
    }
}
