use futures_util::FutureExt as _;
use serde_json::json;

use super::elsewhere::USUAL_INTEGRATION_CLAIM;
use super::engine::{Engine, actor, note};
use super::error::{Result, RotationError, Rule};
use super::keyring;
use super::master::MasterKeys;
use super::material::Material;
use crate::model::{Generation, InvalidInput, Random, Steers};
use crate::store::keys::{self, ImportedKey, Reading, SigningKey};
use crate::store::state::State;
use crate::store::{Lock, Tx, rotations};

/// How many imported keys may verify at once: a token that names no key is tried with each.
const MOST_KEYS: usize = 16;

/// A key of another platform, and how the tokens that it signed are read.
#[derive(Debug)]
pub struct KeyImport {
    /// The key.
    pub material: Material,
    /// What the headers of its tokens call it; `None` where they name no key.
    pub kid: Option<String>,
    /// The claim that names the account.
    pub account_claim: Option<String>,
    /// The claim that names the integration; `sub` when left out.
    pub integration_claim: Option<String>,
    /// The one issuer that its tokens must name.
    pub issuer: Option<String>,
}

impl KeyImport {
    fn check(&self) -> Result<(), InvalidInput> {
        if self.kid.as_deref().is_some_and(|kid| !keyring::is_kid(kid)) {
            return Err(InvalidInput::new(
                "key name",
                "has 1 to 200 characters, none of them control characters",
            ));
        }
        let claims = [&self.account_claim, &self.integration_claim];
        if claims.into_iter().flatten().any(|claim| !is_claim(claim)) {
            return Err(InvalidInput::new(
                "claim name",
                "has 1 to 60 characters, and is not `jti`, which stays secret",
            ));
        }
        if self
            .issuer
            .as_deref()
            .is_some_and(|issuer| !keyring::is_kid(issuer))
        {
            return Err(InvalidInput::new("issuer", "has 1 to 200 characters"));
        }
        Ok(())
    }
}

fn is_claim(name: &str) -> bool {
    (1..=60).contains(&name.len()) && name != "jti" && !name.chars().any(char::is_control)
}

impl Engine {
    /// Takes in a key of another platform, so that what it has issued is accepted here. It verifies
    /// and never signs; the next rotation makes its tokens old. A shared secret is sealed, and
    /// destroyed when that rotation is closed.
    ///
    /// # Errors
    /// [`RotationError::Taken`] for a name that another key has; [`Rule::CutOver`].
    pub async fn import_key(&self, by: &impl Steers, key: KeyImport) -> Result<SigningKey> {
        key.check()?;
        let (by, masters, random) = (actor(by), self.masters.clone(), self.random.clone());
        self.db
            .write(Lock::Shared, move |tx| {
                async move { write(tx, &key, &by, &masters, &random).await }.boxed()
            })
            .await
    }

    /// The imported keys that still verify.
    pub async fn imported_keys(&self, _by: &impl Steers) -> Result<Vec<SigningKey>> {
        let mut tx = self.db.read().await?;
        Ok(keys::imported(&mut tx, false).await?)
    }
}

async fn write(
    tx: &mut Tx,
    key: &KeyImport,
    by: &str,
    masters: &MasterKeys,
    random: &Random,
) -> Result<SigningKey> {
    let state = tx.state().clone();
    let generation = old_generation(tx, &state).await?;
    if keys::imported(tx, false).await?.len() >= MOST_KEYS {
        return Err(Rule::TooManyKeys(MOST_KEYS).into());
    }
    let kid = match &key.kid {
        Some(kid) => kid.clone(),
        None => format!("imported-{}", random.hex::<6>()),
    };
    if keys::find(tx, &kid).await?.is_some() {
        return Err(RotationError::Taken("the name of a key"));
    }
    let reading = Reading {
        names_kid: key.kid.is_some(),
        account_claim: key.account_claim.clone(),
        integration_claim: Some(
            key.integration_claim
                .clone()
                .unwrap_or_else(|| USUAL_INTEGRATION_CLAIM.to_owned()),
        ),
        issuer: key.issuer.clone(),
    };
    let material = &key.material;
    let sealed = if material.is_secret() {
        let master = masters.sealing(tx).await?;
        let sealed = keyring::seal(material.bytes(), &kid, &master, random);
        Some((sealed, master.fingerprint()))
    } else {
        None
    };
    let new = ImportedKey {
        kid: &kid,
        generation,
        algorithm: material.algorithm(),
        public_key: (!material.is_secret()).then(|| material.bytes()),
        sealed: sealed
            .as_ref()
            .map(|(sealed, by)| (sealed.as_slice(), by.as_str())),
        reading: &reading,
    };
    keys::import(tx, &new).await?;
    let detail = json!({ "kid": kid, "algorithm": material.algorithm(), "generation": generation,
        "issuer": reading.issuer });
    note(tx, random, by, "key.import", &kid, detail).await?;
    keys::find(tx, &kid)
        .await?
        .ok_or(RotationError::NotFound("key"))
}

/// The generation that what was issued elsewhere belongs to: the one in force, which the next
/// cutover ends.
///
/// # Errors
/// [`Rule::CutOver`] after a cutover that is not closed yet: what is brought in now would have had
/// to be there before it.
pub(super) async fn old_generation(tx: &mut Tx, state: &State) -> Result<Generation> {
    if let (Some(id), None) = (&state.rotation_id, state.target) {
        let name = rotations::find(tx, id).await?.map(|rotation| rotation.name);
        return Err(Rule::CutOver {
            name: name.unwrap_or_default(),
        }
        .into());
    }
    Ok(state.current)
}
