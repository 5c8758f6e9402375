use super::failure::{Failure, Result};
use super::opening::Installation;
use crate::model::{IntegrationId, TokenId};
use crate::store::accounts::{Account, Integration};

/// An integration by its id, by `Account/Integration`, or by a name that only one has.
pub async fn integration(at: &Installation, named: &str) -> Result<IntegrationId> {
    if let Ok(id) = named.parse::<IntegrationId>() {
        return Ok(id);
    }
    let accounts = at.engine.accounts(&at.by).await?;
    let all = at.engine.integrations(&at.by, None).await?;
    let account_of = |integration: &Integration| {
        accounts
            .iter()
            .find(|account| account.id == integration.account_id)
    };
    let wanted = named.trim().to_lowercase();
    let found: Vec<(&Integration, &Account)> = all
        .iter()
        .filter_map(|(integration, _)| Some((integration, account_of(integration)?)))
        .filter(|(integration, account)| {
            let name = integration.name.to_lowercase();
            name == wanted || format!("{}/{name}", account.name.to_lowercase()) == wanted
        })
        .collect();
    match found.as_slice() {
        [(integration, _)] => Ok(integration.id.clone()),
        [] => Err(Failure::not_found(format!(
            "there is no such integration: {named}"
        ))),
        several => {
            let choices: Vec<String> = several
                .iter()
                .map(|(integration, account)| {
                    format!("{}/{} ({})", account.name, integration.name, integration.id)
                })
                .collect();
            Err(Failure::usage(format!(
                "several integrations have that name: {}",
                choices.join(", ")
            )))
        }
    }
}

/// A token by its public id.
pub fn token(named: &str) -> Result<TokenId> {
    named
        .trim()
        .parse()
        .map_err(|_| Failure::not_found(format!("there is no such token: {named}")))
}
