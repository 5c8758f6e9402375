//! Where a token issued elsewhere belongs: accounts and integrations found by what it names, or made.

use std::collections::HashMap;

use serde_json::json;

use super::engine::note;
use super::error::{Result, RotationError, Rule};
use super::registry::MOST_LIVE_TOKENS;
use crate::model::{AccountId, EmailAddress, IntegrationId, Name, Random};
use crate::store::{Tx, accounts, ledger, tokens};

/// The integration of a token that names none.
pub const UNNAMED_INTEGRATION: &str = "Imported";

/// What a token names.
#[derive(Clone, Copy, Debug)]
pub struct Named<'n> {
    /// The account, by id or by name in any case.
    pub account: &'n str,
    /// The integration, likewise; [`UNNAMED_INTEGRATION`] where there is none.
    pub integration: Option<&'n str>,
    /// Whom to warn, of an account that does not exist yet.
    pub contact: Option<&'n EmailAddress>,
}

/// Where a token belongs. An id is missing where it would be made, in a run that writes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: Option<AccountId>,
    /// The integration.
    pub integration: Option<IntegrationId>,
    /// Whether the account is new.
    pub new_account: bool,
    /// Whether the integration is new.
    pub new_integration: bool,
}

/// Who makes what is missing; without one, nothing is written.
#[derive(Clone, Debug)]
pub struct Maker {
    /// As the audit names them.
    pub by: String,
    /// For new ids.
    pub random: Random,
}

/// What has been found so far, and what would have been made. Good for one transaction; for a whole
/// run that writes nothing.
#[derive(Debug, Default)]
pub struct Places {
    accounts: HashMap<String, AccountPlace>,
}

#[derive(Debug)]
struct AccountPlace {
    /// Missing for one that would be made.
    id: Option<AccountId>,
    integrations: HashMap<String, IntegrationPlace>,
}

#[derive(Debug)]
struct IntegrationPlace {
    id: Option<IntegrationId>,
    /// Live tokens, with those placed here since.
    live: i64,
}

impl Places {
    /// Finds where a token belongs, or makes it, and counts the token there.
    ///
    /// # Errors
    /// [`Rule::NoAccount`] for an account that does not exist and has no contact;
    /// [`Rule::AccountDisabled`]; [`Rule::TooManyTokens`]; a name that cannot be. Nothing has been
    /// written then.
    pub async fn place(
        &mut self,
        tx: &mut Tx,
        named: Named<'_>,
        maker: Option<&Maker>,
    ) -> Result<Place> {
        // All that may fail comes before the first thing that is written.
        let integration: Name = named.integration.unwrap_or(UNNAMED_INTEGRATION).parse()?;
        // Before it is looked for: not every text is one that any database can look for.
        let name: Name = named.account.parse()?;
        let account_key = name.key();
        let mut new_account = false;
        if !self.accounts.contains_key(&account_key) {
            let mut id = existing(tx, name.as_str()).await?;
            if id.is_none() {
                if name.as_str().parse::<AccountId>().is_ok() {
                    return Err(RotationError::NotFound("account"));
                }
                not_an_id(&integration)?;
                new_account = true;
                let contact = named
                    .contact
                    .ok_or_else(|| Rule::NoAccount(name.as_str().to_owned()))?;
                if let Some(maker) = maker {
                    id = Some(make_account(tx, &name, contact, maker).await?);
                }
            }
            let place = AccountPlace {
                id,
                integrations: HashMap::new(),
            };
            self.accounts.insert(account_key.clone(), place);
        }
        let Some(account) = self.accounts.get_mut(&account_key) else {
            return Err(RotationError::NotFound("account"));
        };
        let mut new_integration = false;
        if !account.integrations.contains_key(&integration.key()) {
            let place = match &account.id {
                Some(account) => integration_place(tx, account, &integration, maker).await?,
                None => (IntegrationPlace { id: None, live: 0 }, true),
            };
            new_integration = place.1;
            account.integrations.insert(integration.key(), place.0);
        }
        let id = account.id.clone();
        let Some(found) = account.integrations.get_mut(&integration.key()) else {
            return Err(RotationError::NotFound("integration"));
        };
        if found.live >= MOST_LIVE_TOKENS {
            return Err(Rule::TooManyTokens(MOST_LIVE_TOKENS).into());
        }
        found.live += 1;
        Ok(Place {
            account: id,
            integration: found.id.clone(),
            new_account,
            new_integration,
        })
    }
}

async fn existing(tx: &mut Tx, named: &str) -> Result<Option<AccountId>> {
    match accounts::find(tx, named).await? {
        Some(account) if account.disabled_at.is_some() => Err(Rule::AccountDisabled.into()),
        found => Ok(found.map(|account| account.id)),
    }
}

/// The integration as it is, or made; and whether it is new.
async fn integration_place(
    tx: &mut Tx,
    account: &AccountId,
    name: &Name,
    maker: Option<&Maker>,
) -> Result<(IntegrationPlace, bool)> {
    if let Some(id) = ledger::integration(tx, account, name.as_str()).await? {
        let live = tokens::count_live(tx, &id).await?;
        return Ok((IntegrationPlace { id: Some(id), live }, false));
    }
    not_an_id(name)?;
    let id = match maker {
        None => None,
        Some(Maker { by, random }) => {
            let id = IntegrationId::generate(tx.state().now, random);
            accounts::insert_integration(tx, &id, account, name).await?;
            let detail = json!({ "name": name.as_str(), "account": account });
            note(tx, random, by, "integration.create", id.as_str(), detail).await?;
            Some(id)
        }
    };
    Ok((IntegrationPlace { id, live: 0 }, true))
}

/// An id that names nothing is a mistake, and no name for something new.
fn not_an_id(name: &Name) -> Result<()> {
    match name.as_str().parse::<IntegrationId>() {
        Ok(_) => Err(RotationError::NotFound("integration")),
        Err(_) => Ok(()),
    }
}

async fn make_account(
    tx: &mut Tx,
    name: &Name,
    contact: &EmailAddress,
    Maker { by, random }: &Maker,
) -> Result<AccountId> {
    let id = AccountId::generate(tx.state().now, random);
    accounts::insert(tx, &id, name, contact).await?;
    let detail = json!({ "name": name.as_str() });
    note(tx, random, by, "account.create", id.as_str(), detail).await?;
    Ok(id)
}
