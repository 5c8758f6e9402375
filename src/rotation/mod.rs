//! The rules and the use cases. A door obtains proof of who asks, calls one function of
//! [`Engine`], and dresses the result.

/// Forged tokens: counted, told, shown.
pub mod alarm;
/// A new token's way to its first request.
pub mod arrival;
/// A file that appears whole or not at all.
mod backup;
/// How often an integration calls, read from its days of use.
pub mod cadence;
/// Accounts, users and integrations.
mod customers;
/// The verdict on a token: pure and total.
pub mod decide;
/// What became of a key, and how it is destroyed.
pub mod destruction;
/// What a member is told of a token, by its digest.
pub mod diagnose;
/// Which imported key made a token, and what its claims say.
mod elsewhere;
mod engine;
mod error;
mod examine;
/// Tokens issued elsewhere that are not registered: seen, listed, approved or refused.
pub mod held;
/// A key of another platform is taken in.
mod import_key;
mod index;
/// Integrations: created, renamed, archived.
pub mod integrations;
mod jwk;
mod keyring;
/// A ledger of tokens issued elsewhere.
pub mod ledger;
mod lookback;
/// How far the database had come: an older one is noticed.
pub mod mark;
mod master;
/// Keys of other platforms as they are written.
mod material;
mod nodes;
/// Letters to users: ordered with what they tell, sent by whoever serves.
pub mod outbox;
/// What a customer sees of its integrations.
pub mod overview;
/// Passwords: set by a link, changed by their owner.
mod password;
/// start, finalise, reopen, abort, close.
pub mod phases;
/// Where a token issued elsewhere belongs.
mod placing;
mod recorder;
/// Issue, look up and revoke access tokens.
pub mod registry;
/// Who breaks if we finalise now, and who has recovered.
pub mod rehearsal;
/// Everything under a new master key.
pub mod reseal;
/// The second factor at sign-in.
pub mod second_factor;
/// Dashboard sessions under the same rules as tokens.
pub mod sessions;
/// Where a token and an integration stand: pure.
pub mod standing;
/// What a rotation looks like from outside.
pub mod status;
mod tallies;
/// Questions to support.
pub mod tickets;
/// Codes that change with the time.
mod totp;
/// A revocation by mistake is taken back.
pub mod undo;
/// What a serving node does beside answering.
mod upkeep;
mod verify;

pub use backup::Part;
pub use customers::{NewUser, Setup};
pub use engine::{Engine, Settings};
pub use error::{RotationError, Rule};
pub use examine::Stranger;
pub use import_key::KeyImport;
pub use jwk::Jwk;
pub use keyring::{MasterKey, is_well_formed};
pub use master::MasterKeys;
pub use material::{Material, SOUND_SECRET, SecretForm};
pub use verify::{Accepted, Answer, Caller, Receipt, Refusal};

/// A token of valid form and signature that was never registered: what whoever stole the key makes.
#[cfg(test)]
pub(crate) async fn forge_for_tests(
    engine: &Engine,
    integration: &crate::model::IntegrationId,
) -> crate::model::PlainToken {
    let mut tx = engine.db.read().await.unwrap();
    let key = crate::store::keys::signing(&mut tx).await.unwrap().unwrap();
    let claims = keyring::Claims {
        iss: &engine.settings.public_url,
        aud: None,
        sub: integration.as_str(),
        iat: 1,
        exp: None,
        jti: "stolen".to_owned(),
    };
    keyring::sign(&key, &claims, &engine.masters).unwrap()
}

/// A private half in the clear, for tests that look for it where it must not be.
#[cfg(test)]
pub(crate) fn unseal_for_tests(
    sealed: &[u8],
    kid: &str,
    master: &MasterKey,
) -> zeroize::Zeroizing<Vec<u8>> {
    keyring::unseal(sealed, kid, master).unwrap()
}

/// Takes part without asking the database again: a process that is paused from then on.
#[cfg(test)]
pub(crate) async fn serve_silently_for_tests(engine: &Engine) {
    engine.node.serve().await.unwrap();
}

/// Whether this process would look a token up in memory.
#[cfg(test)]
pub(crate) fn remembers_for_tests(engine: &Engine, token: &crate::model::PlainToken) -> bool {
    engine.node.index.get(&token.digest()).is_some()
}

/// Does what a process that ended half-way has left of a start.
#[cfg(test)]
pub(crate) async fn complete_start_for_tests(engine: &Engine) {
    phases::complete_start(engine).await.unwrap();
}

/// The same process with room for so few captures to wait.
#[cfg(test)]
pub(crate) fn with_a_short_queue_for_tests(engine: &Engine, most: usize) -> Engine {
    let mut same = engine.clone();
    same.recorder = recorder::Recorder::start(engine.db.clone(), engine.node.clone(), most);
    same
}

/// The code that an app with this secret shows at a moment.
#[cfg(test)]
pub(crate) fn code_for_tests(secret: &str, at: crate::model::UnixMs) -> String {
    format!(
        "{:06}",
        totp::Secret::from_base32_for_tests(secret).code(totp::step_of(at))
    )
}
