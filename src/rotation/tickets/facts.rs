use super::super::engine::Engine;
use super::super::error::Result;
use crate::model::{AccountId, IntegrationId, Member, Reason, TokenId};
use crate::store::Tx;
use crate::store::accounts::{self, Integration};
use crate::store::tickets::Refusal;
use crate::store::tokens::{self, Key, Token};

/// The characters of a request's id, as this program makes them.
const REQUEST_ID: usize = 16;
/// The most characters of a reference from a 401; ours have 20.
const MOST_REF: usize = 64;

/// What a page knew that a question about it carries, as it came: nothing in it is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The integration it is about.
    pub integration: Option<IntegrationId>,
    /// The code of the refusal it is about.
    pub refusal: Option<Reason>,
    /// The request it is about.
    pub request: Option<String>,
    /// The reference from a 401: its token's integration is what it is about.
    pub fix_ref: Option<String>,
}

impl Context {
    /// Reads what stands in an address or a form; what could not be ours is left out.
    pub fn of(integration: &str, refusal: &str, request: &str, fix_ref: &str) -> Self {
        let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_request = request.len() == REQUEST_ID && request.bytes().all(hex);
        let is_ref = (1..=MOST_REF).contains(&fix_ref.len()) && fix_ref.bytes().all(plain);
        Self {
            integration: integration.parse().ok(),
            refusal: Reason::from_code(refusal),
            request: is_request.then(|| request.to_owned()),
            fix_ref: is_ref.then(|| fix_ref.to_owned()),
        }
    }

    /// About an integration.
    pub fn about(integration: &IntegrationId) -> Self {
        Self {
            integration: Some(integration.clone()),
            ..Self::default()
        }
    }

    /// The same as the query of an address, with its question mark; empty when there is nothing.
    pub fn query(&self) -> String {
        let pairs = [
            (
                "integration",
                self.integration.as_ref().map(IntegrationId::as_str),
            ),
            ("code", self.refusal.map(Reason::code)),
            ("request", self.request.as_deref()),
            ("ref", self.fix_ref.as_deref()),
        ];
        let pairs: Vec<String> = pairs
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }
}

/// What of a context is the asker's own: what the form shows, and what is sent along.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The integration it is about.
    pub integration: Option<Integration>,
    /// The refusal it is about.
    pub refusal: Option<Refusal>,
    /// The request it is about.
    pub request: Option<String>,
    /// The integrations that it could be about, where it is about none yet.
    pub choices: Vec<Integration>,
}

impl Engine {
    /// What of a context is the member's own. A stranger's does not exist.
    pub async fn ticket_facts(&self, by: &Member, context: &Context) -> Result<Facts> {
        let mut tx = self.db.read().await?;
        let mut facts = read(&mut tx, by.account(), context).await?;
        if facts.integration.is_none() {
            facts.choices = accounts::integrations(&mut tx, Some(by.account())).await?;
        }
        Ok(facts)
    }
}

pub(super) async fn read(tx: &mut Tx, account: &AccountId, context: &Context) -> Result<Facts> {
    let by_ref = match &context.fix_ref {
        Some(fix_ref) => tokens::find(tx, Key::FixRef(fix_ref)).await?,
        None => None,
    };
    let by_ref = by_ref
        .map(|found| found.token)
        .filter(|token| token.account_id == *account);
    let named = by_ref
        .as_ref()
        .map(|token| &token.integration_id)
        .or(context.integration.as_ref());
    let integration = match named {
        Some(id) => accounts::integration(tx, id).await?,
        None => None,
    };
    let integration = integration.filter(|integration| integration.account_id == *account);
    let refused = match (&by_ref, &integration) {
        (Some(token), _) => vec![token.clone()],
        (None, Some(integration)) => tokens::of_integration(tx, &integration.id).await?,
        (None, None) => Vec::new(),
    };
    Ok(Facts {
        refusal: refusal(&refused, context, integration.is_some()),
        integration,
        request: context.request.clone(),
        choices: Vec::new(),
    })
}

/// The last refusal of these tokens: of the code that is asked for, or of any.
fn refusal(tokens: &[Token], context: &Context, is_known: bool) -> Option<Refusal> {
    let asked = context.refusal.map(Reason::code);
    let last = tokens
        .iter()
        .filter_map(|token| {
            let code = token.last_refused_code.as_deref()?;
            Some((token.last_refused_at?, code, token))
        })
        .filter(|(_, code, _)| asked.is_none_or(|asked| asked == *code))
        .max_by_key(|(at, ..)| *at);
    match last {
        Some((at, code, token)) => Some(Refusal {
            code: code.to_owned(),
            at: Some(at),
            token: Some::<TokenId>(token.id.clone()),
            hint: Some(token.hint.clone()),
        }),
        // The page of a code, of no integration in particular.
        None if !is_known => asked.map(|code| Refusal {
            code: code.to_owned(),
            at: None,
            token: None,
            hint: None,
        }),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_ours_goes_back_into_an_address() {
        let full = Context::of(
            "int_01kb3f6y8p2m4n5q7r9s0t1v2w",
            "token_not_captured",
            "0123456789abcdef",
            "aB3-_x",
        );
        assert_eq!(
            full.query(),
            "?integration=int_01kb3f6y8p2m4n5q7r9s0t1v2w&code=token_not_captured&request=0123456789abcdef&ref=aB3-_x"
        );
        let wrong = Context::of("int_1&x=", "token_tired", "0123456789ABCDEF", "a b");
        assert_eq!(wrong, Context::default());
        assert_eq!(wrong.query(), "");
    }
}
