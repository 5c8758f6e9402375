use crate::cli::failure::{Failure, Result};
use crate::model::{TokenId, harmless_cell};
use crate::rotation::held::Breaking;

/// The affected integrations as CSV (RFC 4180), one a line, under a line of headings.
pub fn of(hit: &[Breaking]) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("no CSV can be made of this: {error}"))
    };
    let mut sheet = csv::Writer::from_writer(Vec::new());
    sheet
        .write_record([
            "account_id",
            "account",
            "contact",
            "integration_id",
            "integration",
            "standing",
            "last_used_at",
            "cadence_days",
            "token_ids",
            "held",
        ])
        .map_err(|error| failed(&error))?;
    for account in hit {
        for integration in &account.integrations {
            let tokens: Vec<&str> = integration.token_ids.iter().map(TokenId::as_str).collect();
            let known = |value: Option<String>| value.unwrap_or_default();
            sheet
                .write_record([
                    known(account.account_id.as_ref().map(ToString::to_string)),
                    harmless(account.account.as_deref()),
                    harmless(account.contact.as_deref()),
                    known(integration.id.as_ref().map(ToString::to_string)),
                    harmless(integration.name.as_deref()),
                    integration.standing.to_string(),
                    known(integration.last_used_at.map(|at| at.to_string())),
                    known(integration.cadence_days.map(|days| days.to_string())),
                    tokens.join(" "),
                    if integration.held { "yes" } else { "" }.to_owned(),
                ])
                .map_err(|error| failed(&error))?;
        }
    }
    let bytes = sheet.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// A text that came from outside; nothing where there is none.
fn harmless(text: Option<&str>) -> String {
    text.map(harmless_cell).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, IntegrationId, Standing, UnixMs};
    use crate::rotation::held::BreakingIntegration;

    #[test]
    fn formulas_are_taken_as_text_and_commas_are_quoted() {
        let hit = [Breaking {
            account_id: Some(AccountId::from_stored("acc_1".to_owned())),
            account: Some("=1+1".to_owned()),
            contact: Some("ops@northwind.example".to_owned()),
            integrations: vec![BreakingIntegration {
                id: Some(IntegrationId::from_stored("int_1".to_owned())),
                name: Some("Orders, nightly".to_owned()),
                standing: Standing::NotSeen,
                last_used_at: Some(UnixMs(1_790_000_000_000)),
                cadence_days: Some(30.0),
                token_ids: vec![TokenId::from_stored("tok_1".to_owned())],
                held: false,
            }],
        }];
        let sheet = of(&hit).unwrap();
        assert_eq!(
            sheet.lines().nth(1).unwrap(),
            "acc_1,'=1+1,ops@northwind.example,int_1,\"Orders, nightly\",not-seen,2026-09-21T14:13:20Z,30,tok_1,"
        );
    }
}
