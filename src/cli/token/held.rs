use clap::Subcommand;
use serde::Serialize;

use crate::cli::failure::{Failure, Result};
use crate::cli::opening::{Installation, within};
use crate::cli::output::{facts, table};
use crate::cli::{Settings, find, words};
use crate::model::{AccountId, IntegrationId, TokenId, TokenState, UnixMs};
use crate::rotation::held::{Choice, HeldList, HeldToken, MOST_HELD, Which};

/// How many are read at a time.
const PAGE: i64 = 1_000;

/// `rollcall token held …`
#[derive(Debug, Subcommand)]
pub enum Held {
    /// List the held tokens, first seen first
    List {
        /// Those that were refused
        #[arg(long)]
        refused: bool,
    },
    /// Approve one, or all that were first seen before a time: they survive the cutover
    #[command(
        after_help = "An approved token becomes an ordinary one. Whose it is stands in its claims; where they name \
nobody, or somebody else, say so. An account that does not exist is made if there is a contact to warn.

The rule asks when a token was first seen here. When it says it was issued proves nothing: whoever has the key writes it.

Examples:
  rollcall token held approve tok_… --account Northwind --integration 'Order sync'
  rollcall token held approve --first-seen-before 2026-11-20T08:00:00Z"
    )]
    Approve {
        /// Its public id: tok_…
        #[arg(value_name = "T", required_unless_present = "before")]
        token: Option<String>,
        /// Approve all that were first seen here before this time
        #[arg(long = "first-seen-before", id = "before", value_name = "TIME", conflicts_with_all = ["token", "account", "integration"])]
        before: Option<UnixMs>,
        /// Its account, by id or name
        #[arg(long, value_name = "A")]
        account: Option<String>,
        /// Its integration, by id or name
        #[arg(long, value_name = "I")]
        integration: Option<String>,
        /// Whom to warn, of an account that is made
        #[arg(long, value_name = "E")]
        contact: Option<String>,
    },
    /// Refuse one from now on
    Refuse {
        /// Its public id: tok_…
        #[arg(value_name = "T")]
        token: String,
    },
}

/// A held token in JSON.
#[derive(Serialize)]
struct Facts {
    id: TokenId,
    state: TokenState,
    kid: String,
    hint: String,
    claims: Claims,
    account_id: Option<AccountId>,
    account: Option<String>,
    integration_id: Option<IntegrationId>,
    integration: Option<String>,
    issued_at: Option<UnixMs>,
    expires_at: Option<UnixMs>,
    first_seen_at: UnixMs,
    first_source: Option<String>,
    last_used_at: UnixMs,
    last_source: Option<String>,
    uses: i64,
    refused_at: Option<UnixMs>,
    refused_by: Option<String>,
}

/// What its claims say.
#[derive(Serialize)]
struct Claims {
    account: Option<String>,
    integration: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    audience: Option<String>,
}

impl From<HeldToken> for Facts {
    fn from(held: HeldToken) -> Self {
        Self {
            id: held.id,
            state: match held.refused_at {
                Some(_) => TokenState::Revoked,
                None => TokenState::Held,
            },
            kid: held.kid,
            hint: held.hint,
            claims: Claims {
                account: held.account_claim,
                integration: held.integration_claim,
                issuer: held.issuer,
                subject: held.subject,
                audience: held.audience,
            },
            account_id: held.account_id,
            account: held.account,
            integration_id: held.integration_id,
            integration: held.integration,
            issued_at: held.issued_at,
            expires_at: held.expires_at,
            first_seen_at: held.first_seen_at,
            first_source: held.first_source,
            last_used_at: held.last_seen_at,
            last_source: held.last_source,
            uses: held.uses,
            refused_at: held.refused_at,
            refused_by: held.refused_by,
        }
    }
}

impl Held {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        within(settings, async |at| match self {
            Self::List { refused } => list(at, settings, refused).await,
            Self::Approve {
                before: Some(before),
                contact,
                ..
            } => approve_before(at, settings, before, contact).await,
            Self::Approve {
                token,
                account,
                integration,
                contact,
                ..
            } => {
                let choice = Choice {
                    account,
                    integration,
                    contact: contact.map(|contact| contact.parse()).transpose()?,
                };
                approve(at, settings, &token.unwrap_or_default(), choice).await
            }
            Self::Refuse { token } => refuse(at, settings, &token).await,
        })
        .await
    }
}

async fn list(at: &Installation, settings: &Settings, refused: bool) -> Result<()> {
    let which = if refused {
        Which::Refused
    } else {
        Which::Waiting
    };
    let mut tokens: Vec<HeldToken> = Vec::new();
    let output = settings.output();
    loop {
        let after = tokens
            .last()
            .map(|last| (last.first_seen_at, last.id.clone()));
        let HeldList {
            tokens: page,
            overflow,
            ..
        } = at.engine.held(&at.by, which, after, PAGE).await?;
        if page.is_empty() {
            if let Some(overflow) = overflow {
                output.say(&format!(
                    "{} with held tokens found no room on this list, last at {}: at most {MOST_HELD} are listed, and only so fast. \
                     Did the imported key leak?",
                    words::counted(overflow.missed, "request"),
                    words::when(overflow.last_at, at.engine.now())
                ));
            }
            break;
        }
        tokens.extend(page);
    }
    if tokens.is_empty() {
        output.say(if refused {
            "No held token was refused."
        } else {
            "No token is held."
        });
    }
    let now = at.engine.now();
    let rows: Vec<[String; 6]> = tokens.iter().map(|held| row(held, now)).collect();
    let shown: Vec<Facts> = tokens.into_iter().map(Facts::from).collect();
    output.data(&shown, || match rows.as_slice() {
        [] => String::new(),
        rows => table(
            [
                "TOKEN",
                "ACCOUNT",
                "INTEGRATION",
                "FIRST SEEN",
                "FROM",
                "LAST SEEN",
            ],
            rows,
        ),
    })
}

fn row(held: &HeldToken, now: UnixMs) -> [String; 6] {
    let claimed = |found: Option<&String>, claim: Option<&String>| match (found, claim) {
        (Some(found), _) => found.clone(),
        (None, Some(claim)) => format!("“{claim}”, unknown"),
        (None, None) => "not said".to_owned(),
    };
    [
        held.id.to_string(),
        claimed(held.account.as_ref(), held.account_claim.as_ref()),
        claimed(held.integration.as_ref(), held.integration_claim.as_ref()),
        words::when(held.first_seen_at, now),
        held.first_source.clone().unwrap_or_default(),
        words::when(held.last_seen_at, now),
    ]
}

async fn approve(
    at: &Installation,
    settings: &Settings,
    token: &str,
    choice: Choice,
) -> Result<()> {
    let done = at
        .engine
        .approve_held(&at.by, &find::token(token)?, choice)
        .await?;
    settings.output().say(&format!(
        "{} is approved: it is an ordinary token of {} now, and survives the cutover",
        done.token, done.integration
    ));
    super::show(at, settings, done.token.as_str()).await
}

/// What an approval by the rule did, in JSON.
#[derive(Serialize)]
struct Outcome {
    approved: i64,
    left: i64,
    /// The first of those that stay held, and why.
    reasons: Vec<Left>,
}

/// A token that stays held.
#[derive(Serialize)]
struct Left {
    id: TokenId,
    reason: String,
}

async fn approve_before(
    at: &Installation,
    settings: &Settings,
    before: UnixMs,
    contact: Option<String>,
) -> Result<()> {
    let contact = contact.map(|contact| contact.parse()).transpose()?;
    let done = at
        .engine
        .approve_held_before(&at.by, before, contact)
        .await?;
    let reasons = done
        .named
        .into_iter()
        .map(|(id, reason)| Left { id, reason });
    let report = Outcome {
        approved: done.approved,
        left: done.left,
        reasons: reasons.collect(),
    };
    settings.output().data(&report, || {
        let mut lines = vec![facts(&[
            ("approved", report.approved.to_string()),
            ("still held", report.left.to_string()),
        ])];
        lines.extend(
            report
                .reasons
                .iter()
                .map(|left| format!("{}: {}", left.id, left.reason)),
        );
        lines.join("\n")
    })?;
    if report.left > 0 {
        return Err(Failure::failed(format!(
            "{} could not be approved",
            words::counted(report.left, "token")
        )));
    }
    Ok(())
}

async fn refuse(at: &Installation, settings: &Settings, token: &str) -> Result<()> {
    let id = find::token(token)?;
    let output = settings.output();
    if at.engine.refuse_held(&at.by, &id).await? {
        output.say(&format!("{id} is refused from now on"));
    } else {
        output.say(&format!("{id} was refused before"));
    }
    show(at, settings, &id).await
}

/// Shows what is known of a held token.
pub async fn show(at: &Installation, settings: &Settings, id: &TokenId) -> Result<()> {
    let held = at.engine.held_token(&at.by, id).await?;
    let now = at.engine.now();
    let [token, account, integration, first_seen, from, last_seen] = row(&held, now);
    let expires = words::when_ever(held.expires_at, now);
    let shown = Facts::from(held);
    settings.output().data(&shown, || {
        facts(&[
            ("id", format!("{token} (…{})", shown.hint)),
            ("account", account),
            ("integration", integration),
            ("state", shown.state.to_string()),
            ("key", shown.kid.clone()),
            ("first seen", format!("{first_seen} from {from}")),
            ("last seen", last_seen),
            ("expires", expires),
            ("requests", shown.uses.to_string()),
        ])
    })
}
