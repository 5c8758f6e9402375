/// Tokens issued elsewhere that are not registered.
mod held;
/// A ledger of tokens issued elsewhere.
mod import;

use std::io::{self, IsTerminal as _, Read as _};

use clap::Subcommand;
use serde::Serialize;
use zeroize::Zeroizing;

use super::failure::{Failure, Result};
use super::opening::{Installation, within};
use super::output::facts;
use super::{Settings, find, words};
use crate::model::{
    Expiry, Generation, IntegrationId, Reason, Retirement, Stage, TokenId, TokenState, UnixMs,
};
use crate::rotation::RotationError;
use crate::rotation::decide::{Needs, Verdict};
use crate::rotation::registry::{Inspection, Issued, Order, Shown};
use crate::store::tokens::Token as Row;

/// More than any token; what is longer is not one.
const MOST_INPUT: u64 = 64 * 1024;

/// `rollcall token …`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue an access token; print it once
    #[command(
        after_help = "The token goes to stdout, alone; it cannot be shown again.

Examples:
  rollcall token issue --integration 'Northwind/Order sync' > token
  rollcall token issue --integration int_01jd… --expires never --old at-once
  rollcall token issue --integration int_01jd… --expires 2027-03-01 --old 24h"
    )]
    Issue {
        /// The integration: its id, Account/Name, or a name that only one has
        #[arg(long, value_name = "I")]
        integration: String,
        /// When it expires: after 90d, 12h …, with the end of a day such as 2027-03-01 (UTC), or never
        #[arg(long, value_name = "90d|DAY|never", default_value = "90d")]
        expires: Expiry,
        /// What becomes of the integration's older tokens: keep, at-once, or how long they go on after the
        /// new one's first request
        #[arg(long, value_name = "keep|at-once|1h|24h|7d", default_value = "keep")]
        old: Retirement,
    },
    /// Show what is known of a token
    Show {
        /// Its public id: tok_…
        #[arg(value_name = "T")]
        token: String,
    },
    /// Refuse a token from now on
    Revoke {
        /// Its public id: tok_…
        #[arg(value_name = "T")]
        token: String,
    },
    /// Read a token on stdin; say what it is, and why it would or would not pass
    #[command(
        after_help = "The token is not used by this: nothing is captured or counted.

Example:
  rollcall token inspect < token"
    )]
    Inspect,
    /// Register a ledger of tokens that were issued elsewhere
    Import(import::Import),
    /// Tokens issued elsewhere that arrive and are not registered
    #[command(subcommand)]
    Held(held::Held),
}

/// A token in JSON.
#[derive(Serialize)]
struct Facts {
    id: TokenId,
    /// The token itself, when it was just issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    integration_id: IntegrationId,
    kid: String,
    generation: Generation,
    issued_at: UnixMs,
    expires_at: Option<UnixMs>,
    #[serde(flatten)]
    since: Option<Since>,
}

/// What has become of a token since it was issued.
#[derive(Serialize)]
struct Since {
    last_used_at: Option<UnixMs>,
    uses: i64,
    state: TokenState,
    hint: String,
    issued_by: String,
    born: Generation,
    first_used_at: Option<UnixMs>,
    revoked_at: Option<UnixMs>,
    ends_at: Option<UnixMs>,
    refused: i64,
    last_refused_at: Option<UnixMs>,
}

impl Facts {
    fn of(row: &Row, token: Option<String>, since: Option<Since>) -> Self {
        Self {
            id: row.id.clone(),
            token,
            integration_id: row.integration_id.clone(),
            kid: row.kid.clone(),
            generation: row.generation,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
            since,
        }
    }

    fn of_shown(shown: &Shown) -> Self {
        let row = &shown.row;
        let since = Since {
            last_used_at: row.last_used_at,
            uses: row.uses,
            state: shown.state,
            hint: row.hint.clone(),
            issued_by: row.issued_by.clone(),
            born: row.born,
            first_used_at: row.first_used_at,
            revoked_at: row.revoked_at,
            ends_at: row.ends_at,
            refused: row.refused,
            last_refused_at: row.last_refused_at,
        };
        Self::of(row, None, Some(since))
    }
}

impl Token {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let pasted = match self {
            Self::Inspect => Some(read_token()?),
            Self::Import(import) => return import.run(settings).await,
            Self::Held(held) => return held.run(settings).await,
            _ => None,
        };
        within(settings, async |at| match self {
            Self::Issue {
                integration,
                expires,
                old,
            } => issue(at, settings, &integration, expires, old).await,
            Self::Show { token } => show(at, settings, &token).await,
            Self::Revoke { token } => revoke(at, settings, &token).await,
            Self::Inspect | Self::Import(_) | Self::Held(_) => {
                inspect(at, settings, pasted.as_deref().map_or("", |text| text)).await
            }
        })
        .await
    }
}

async fn issue(
    at: &Installation,
    settings: &Settings,
    integration: &str,
    expiry: Expiry,
    retirement: Retirement,
) -> Result<()> {
    let order = Order {
        integration: find::integration(at, integration).await?,
        expiry,
        retirement,
        form_id: None,
        instead_of: None,
    };
    let Issued {
        token,
        row,
        integration,
    } = at.engine.issue_token(&at.by, order).await?;
    let output = settings.output();
    let expiry = match row.expires_at {
        Some(end) => format!("expires {}", words::when(end, row.issued_at)),
        None => "never expires".to_owned(),
    };
    output.say(&format!(
        "{} for {}: {expiry}. Keep it now: it is not shown again.",
        row.id, integration.name
    ));
    let facts = Facts::of(&row, Some(token.expose().to_owned()), None);
    output.data(&facts, || token.expose().to_owned())
}

async fn show(at: &Installation, settings: &Settings, token: &str) -> Result<()> {
    let id = find::token(token)?;
    let shown = match at.engine.show_token(&at.by, &id).await {
        Err(RotationError::NotFound(_)) => return held::show(at, settings, &id).await,
        shown => shown?,
    };
    let now = at.engine.now();
    let row = &shown.row;
    settings.output().data(&Facts::of_shown(&shown), || {
        facts(&[
            ("id", format!("{} (…{})", row.id, row.hint)),
            ("integration", row.integration_id.to_string()),
            ("state", shown.state.to_string()),
            (
                "generation",
                format!("{} (issued in {})", row.generation, row.born),
            ),
            ("key", row.kid.clone()),
            (
                "issued",
                format!("{} by {}", words::when(row.issued_at, now), row.issued_by),
            ),
            ("expires", words::when_ever(row.expires_at, now)),
            ("last used", words::when_ever(row.last_used_at, now)),
            ("requests", row.uses.to_string()),
            ("refused", row.refused.to_string()),
        ])
    })
}

async fn revoke(at: &Installation, settings: &Settings, token: &str) -> Result<()> {
    let id = find::token(token)?;
    let output = settings.output();
    if at.engine.revoke_token(&at.by, &id).await? {
        output.say(&format!("{id} is revoked: it is refused from now on"));
    } else {
        output.say(&format!("{id} was revoked before"));
    }
    let shown = at.engine.show_token(&at.by, &id).await?;
    output.data(&Facts::of_shown(&shown), String::new)
}

/// What a pasted token is, in JSON.
#[derive(Serialize)]
struct Report {
    verdict: &'static str,
    code: Option<Reason>,
    token_id: Option<TokenId>,
    integration_id: Option<IntegrationId>,
    explanation: String,
}

async fn inspect(at: &Installation, settings: &Settings, text: &str) -> Result<()> {
    let Inspection {
        verdict,
        row,
        stranger,
    } = at.engine.inspect_token(&at.by, text).await?;
    let stage = at.engine.moment().await?.stage;
    let (word, code) = match verdict {
        Verdict::Accept(_) => ("accepted", None),
        Verdict::Hold => ("held", None),
        Verdict::Refuse(reason) => ("refused", Some(reason)),
    };
    let (token_id, integration_id) = match (&row, &stranger) {
        (Some(row), _) => (Some(row.id.clone()), Some(row.integration_id.clone())),
        (None, Some(stranger)) => (
            Some(stranger.token.id.clone()),
            stranger.integration.clone(),
        ),
        (None, None) => (None, None),
    };
    let report = Report {
        verdict: word,
        code,
        token_id,
        integration_id,
        explanation: explain(verdict, row.as_ref(), stage),
    };
    settings.output().data(&report, || {
        let id = |id: Option<String>| id.unwrap_or_else(|| "none of ours".to_owned());
        facts(&[
            ("verdict", report.verdict.to_owned()),
            ("code", report.code.map_or("none", Reason::code).to_owned()),
            (
                "token",
                id(report.token_id.as_ref().map(ToString::to_string)),
            ),
            (
                "integration",
                id(report.integration_id.as_ref().map(ToString::to_string)),
            ),
            ("", report.explanation.clone()),
        ])
    })
}

/// Why a token would or would not pass, in a sentence.
fn explain(verdict: Verdict, row: Option<&Row>, stage: Stage) -> String {
    let refused = match verdict {
        Verdict::Accept(needs) => return passes(needs, stage).to_owned(),
        Verdict::Hold => {
            return "It was issued elsewhere and is not registered. It passes while the imported key is trusted, and \
                    stops at the cutover unless it is approved: rollcall token held approve."
                .to_owned();
        }
        Verdict::Refuse(reason) => reason,
    };
    match refused {
        Reason::Missing | Reason::Malformed => {
            "It is not a token that could have been issued here: three parts of base64url with dots \
             between, 4096 bytes at most. Look for quotes, spaces or a cut end."
                .to_owned()
        }
        Reason::Unknown => {
            "It looks like a token, but was never issued here, or was changed after it was issued.".to_owned()
        }
        Reason::NotCaptured => "It made no request in the recording phase and stopped working at the \
             cutover: its integration needs a new token."
            .to_owned(),
        Reason::Replaced => {
            let by = row.and_then(|row| row.replaced_by.as_ref());
            let by = by.map_or_else(|| "a newer token".to_owned(), ToString::to_string);
            format!("Its integration moved to {by}, and the overlap has ended.")
        }
        Reason::Revoked => "It was revoked.".to_owned(),
        Reason::Expired => "It has expired: its integration needs a new token.".to_owned(),
        Reason::AccountDisabled => "Its account is disabled.".to_owned(),
    }
}

/// What a token that passes has before it, in a sentence.
const fn passes(needs: Needs, stage: Stage) -> &'static str {
    match needs {
        Needs::Capture => {
            "It passes now. It has not been seen in this recording phase: one request captures it."
        }
        Needs::FirstUse => "It passes. It has not been used yet.",
        Needs::Nothing if stage.target.is_some() => "It passes, and will after the cutover.",
        Needs::Nothing => "It passes.",
    }
}

/// Reads a token from stdin: on a terminal its first line, else everything.
fn read_token() -> Result<Zeroizing<String>> {
    let unreadable = |error: io::Error| Failure::failed(format!("stdin cannot be read: {error}"));
    let mut text = Zeroizing::new(String::new());
    if io::stdin().is_terminal() {
        eprintln!("Paste the token, then Enter:");
        io::stdin().read_line(&mut text).map_err(unreadable)?;
    } else {
        let mut bytes = Zeroizing::new(Vec::new());
        io::stdin()
            .take(MOST_INPUT)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        // What is not text is not a token either, and is told so.
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    let token = text.trim();
    // As it is copied from a log or a shell.
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
    Ok(Zeroizing::new(token.to_owned()))
}
