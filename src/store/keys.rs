use sqlx::FromRow;

use super::{StoreError, Tx};
use crate::model::{Generation, UnixMs};

/// A signing key. Its private half is sealed, and gone once it is destroyed.
#[derive(Clone, FromRow)]
pub struct SigningKey {
    /// Its name in token headers and in the JWKS.
    pub kid: String,
    /// Its generation.
    pub generation: Generation,
    /// The one algorithm it is used with.
    pub algorithm: String,
    /// `generated` here or `imported`.
    pub origin: String,
    /// The half that verifies; `None` once close has forgotten it.
    pub public_key: Option<Vec<u8>>,
    /// The private half under the master key.
    pub sealed: Option<Vec<u8>>,
    /// Which master key sealed it.
    pub sealed_by: Option<String>,
    /// When it entered the JWKS.
    pub published_at: UnixMs,
    /// When it began to sign.
    pub activated_at: Option<UnixMs>,
    /// When it ceased to sign.
    pub deactivated_at: Option<UnixMs>,
    /// When its private half was destroyed.
    pub destroyed_at: Option<UnixMs>,
    /// When its public half was forgotten.
    pub forgotten_at: Option<UnixMs>,
    /// How the tokens of an imported key are read.
    #[sqlx(flatten)]
    pub reading: Reading,
}

/// How the tokens of an imported key are read.
#[derive(Clone, Debug, FromRow)]
pub struct Reading {
    /// Whether their headers name the key.
    pub names_kid: bool,
    /// The claim that names the account.
    pub account_claim: Option<String>,
    /// The claim that names the integration.
    pub integration_claim: Option<String>,
    /// The one issuer they must name.
    pub issuer: Option<String>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            names_kid: true,
            account_claim: None,
            integration_claim: None,
            issuer: None,
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SigningKey({}, generation {})",
            self.kid, self.generation
        )
    }
}

const SELECT: &str = "select kid, generation, algorithm, origin, public_key, sealed, sealed_by, published_at, \
     activated_at, deactivated_at, destroyed_at, forgotten_at, names_kid = 1 as names_kid, account_claim, \
     integration_claim, issuer from signing_keys ";

/// What a new key is written with.
pub struct NewKey<'k> {
    /// Its name.
    pub kid: &'k str,
    /// Its generation.
    pub generation: Generation,
    /// Its algorithm.
    pub algorithm: &'k str,
    /// The half that verifies.
    pub public_key: &'k [u8],
    /// The private half under the master key.
    pub sealed: &'k [u8],
    /// Which master key sealed it.
    pub sealed_by: &'k str,
}

/// Publishes a key generated here; it does not sign yet.
pub async fn publish(tx: &mut Tx, key: &NewKey<'_>) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query(
            "insert into signing_keys (kid, generation, algorithm, origin, public_key, sealed, sealed_by, published_at) \
             values ($1, $2, $3, 'generated', $4, $5, $6, $7)",
        )
        .bind(key.kid)
        .bind(key.generation)
        .bind(key.algorithm)
        .bind(key.public_key)
        .bind(key.sealed)
        .bind(key.sealed_by)
        .bind(now))?;
    Ok(())
}

/// What an imported key is written with. It only verifies.
pub struct ImportedKey<'k> {
    /// Its name.
    pub kid: &'k str,
    /// The newest generation its tokens may live in.
    pub generation: Generation,
    /// The one algorithm it is used with.
    pub algorithm: &'k str,
    /// A public key.
    pub public_key: Option<&'k [u8]>,
    /// A shared secret under the master key, and which one sealed it.
    pub sealed: Option<(&'k [u8], &'k str)>,
    /// How its tokens are read.
    pub reading: &'k Reading,
}

/// Writes an imported key.
pub async fn import(tx: &mut Tx, key: &ImportedKey<'_>) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(tx, sqlx::query(
            "insert into signing_keys (kid, generation, algorithm, origin, public_key, sealed, sealed_by, published_at, \
             names_kid, account_claim, integration_claim, issuer) \
             values ($1, $2, $3, 'imported', $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(key.kid)
        .bind(key.generation)
        .bind(key.algorithm)
        .bind(key.public_key)
        .bind(key.sealed.map(|(sealed, _)| sealed))
        .bind(key.sealed.map(|(_, by)| by))
        .bind(now)
        .bind(i64::from(key.reading.names_kid))
        .bind(&key.reading.account_claim)
        .bind(&key.reading.integration_claim)
        .bind(&key.reading.issuer))?;
    Ok(())
}

/// The imported keys that still verify, by name; with `unnamed`, those whose tokens name no key.
pub async fn imported(tx: &mut Tx, unnamed: bool) -> Result<Vec<SigningKey>, StoreError> {
    Ok(on!(tx, c => {
        let mut query = sqlx::QueryBuilder::new(SELECT);
        query.push("where origin = 'imported' and forgotten_at is null");
        if unnamed {
            query.push(" and names_kid = 0");
        }
        query.push(" order by kid").build_query_as().fetch_all(c).await
    })?)
}

/// Makes the key of `generation` the one that signs, and destroys the private half of every older
/// one: overwritten here, scrubbed from the files by [`super::Db::scrub`].
pub async fn activate(tx: &mut Tx, generation: Generation) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update signing_keys set activated_at = $1 where generation = $2 \
             and origin = 'generated' and activated_at is null"
        )
        .bind(now)
        .bind(generation)
    )?;
    exec!(tx, sqlx::query(
            "update signing_keys set deactivated_at = coalesce(deactivated_at, $1), destroyed_at = $1, sealed = null \
             where generation < $2 and origin = 'generated' and sealed is not null",
        )
        .bind(now)
        .bind(generation))?;
    Ok(())
}

/// Forgets everything of the generations below `generation` that could verify.
pub async fn forget_below(tx: &mut Tx, generation: Generation) -> Result<(), StoreError> {
    let now = tx.state().now;
    exec!(
        tx,
        sqlx::query(
            "update signing_keys set public_key = null, sealed = null, forgotten_at = $1, \
             destroyed_at = coalesce(destroyed_at, case when sealed is not null then $1 end) \
             where generation < $2 and forgotten_at is null",
        )
        .bind(now)
        .bind(generation)
    )?;
    Ok(())
}

/// Finds a key by its name.
pub async fn find(tx: &mut Tx, kid: &str) -> Result<Option<SigningKey>, StoreError> {
    // Strangers write it, and PostgreSQL's text cannot hold a NUL: no key is named so.
    if kid.contains('\0') {
        return Ok(None);
    }
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT).push("where kid = ").push_bind(kid).build_query_as().fetch_optional(c).await
    })?)
}

/// The key that signs: the newest that is active.
pub async fn signing(tx: &mut Tx) -> Result<Option<SigningKey>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT)
            .push("where activated_at is not null and sealed is not null order by generation desc limit 1")
            .build_query_as()
            .fetch_optional(c)
            .await
    })?)
}

/// Every key, newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<SigningKey>, StoreError> {
    Ok(on!(tx, c => {
        sqlx::QueryBuilder::new(SELECT).push("order by generation desc, origin, kid").build_query_as().fetch_all(c).await
    })?)
}
