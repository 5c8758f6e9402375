use crate::cli::output::{facts, table};
use crate::cli::words;
use crate::model::{Span, UnixMs};
use crate::rotation::held::HeldAccount;
use crate::rotation::rehearsal::AffectedAccount;
use crate::rotation::status::Status;

/// The rotation now: the answer first, then dates and counts, then what to do.
pub fn status(status: &Status, now: UnixMs) -> String {
    let mut lines = vec![headline(status, now)];
    let mut more: Vec<(&str, String)> = Vec::new();
    let generation = match status.target {
        Some(target) if status.current < target => format!("{} → {target}", status.current),
        _ => status.current.to_string(),
    };
    more.push(("generation", generation));
    for (name, at) in [
        ("started", status.started_at),
        ("promised end", status.ends_at),
        ("finalised", status.finalised_at),
    ] {
        if let Some(at) = at {
            more.push((name, words::when(at, now)));
        }
    }
    more.push(("tokens", tokens(status)));
    if status.name.is_some() {
        let sessions = status.sessions;
        let missing = match status.phase {
            "recording" => "not seen yet",
            _ => "ended",
        };
        more.push((
            "sessions",
            format!(
                "{} captured, {} {missing}",
                sessions.captured, sessions.not_seen
            ),
        ));
    }
    more.push((
        "accounts",
        format!(
            "{} affected, {} recovered",
            status.accounts.affected, status.accounts.recovered
        ),
    ));
    if let Some(lookback) = status.lookback {
        let state = if lookback.done {
            "done"
        } else {
            "still running"
        };
        let since = words::when(lookback.since, now);
        let carried = lookback.carried;
        more.push((
            "look-back",
            format!("use since {since}: {state}, {carried} carried over"),
        ));
    }
    if status.forgeries > 0 {
        more.push((
            "ALARM",
            format!(
                "{} refused: someone has a private key; see `rollcall key list`",
                words::counted(status.forgeries, "forged token")
            ),
        ));
    }
    if let Some(last) = &status.last {
        more.push(("last", format!("{}, {}", last.name, last.phase)));
    }
    lines.push(facts(&more));
    lines.push(format!("Next: {}", next(status)));
    lines.join("\n")
}

fn headline(status: &Status, now: UnixMs) -> String {
    let name = status.name.as_deref().unwrap_or_default();
    match (status.phase, status.ends_at, status.finalised_at) {
        ("recording", Some(end), _) => {
            format!(
                "Rotation {name} is recording, promised to end {}.",
                words::when(end, now)
            )
        }
        ("finalised", _, Some(at)) => {
            format!(
                "Rotation {name} is finalised: cut over {}.",
                words::when(at, now)
            )
        }
        _ => "No rotation is open.".to_owned(),
    }
}

fn tokens(status: &Status) -> String {
    let tokens = status.tokens;
    let held = match tokens.held {
        0 => String::new(),
        some => format!(", {some} held"),
    };
    let known = match status.phase {
        "recording" => format!(
            "{} captured, {} not seen yet",
            tokens.captured, tokens.not_seen
        ),
        "finalised" => format!("{} captured, {} dormant", tokens.captured, tokens.dormant),
        _ => format!("{} dormant", tokens.dormant),
    };
    known + &held
}

fn next(status: &Status) -> String {
    let name = status.name.as_deref().unwrap_or_default();
    match status.phase {
        "recording" => {
            format!("rollcall rotation rehearse, then rollcall rotation finalise --confirm {name}")
        }
        "finalised" => format!("rollcall rotation affected; reopen or close with --confirm {name}"),
        _ => "rollcall rotation start".to_owned(),
    }
}

/// Who would break, or is broken: the answer first.
pub fn rehearsal(
    hit: &[AffectedAccount],
    held: &[HeldAccount],
    status: &Status,
    now: UnixMs,
) -> String {
    let known = registered(hit, status, now);
    match held {
        [] => known,
        held => format!("{known}\n\n{}", self::held(held)),
    }
}

/// The held tokens, by account.
pub fn held(held: &[HeldAccount]) -> String {
    if held.is_empty() {
        return String::new();
    }
    let count = |of: &HeldAccount| i64::try_from(of.count()).unwrap_or(i64::MAX);
    let tokens = words::counted(held.iter().map(count).sum(), "held token");
    let rows: Vec<[String; 3]> = held
        .iter()
        .map(|of| {
            let account = of.account.clone().unwrap_or_else(|| "not said".to_owned());
            let known = if of.account_id.is_some() {
                ""
            } else {
                " (no such account)"
            };
            let contact = of.contact.clone().unwrap_or_default();
            [format!("{account}{known}"), contact, of.count().to_string()]
        })
        .collect();
    format!(
        "{tokens}, issued elsewhere and not approved, stop at the cutover: rollcall token held list\n\n{}",
        table(["ACCOUNT BY THEIR CLAIMS", "CONTACT", "TOKENS"], &rows)
    )
}

fn registered(hit: &[AffectedAccount], status: &Status, now: UnixMs) -> String {
    let (integrations, accounts) = counts(hit);
    let recording = status.phase == "recording";
    if hit.is_empty() {
        return if recording {
            "If you finalised now, nobody would lose an integration.".to_owned()
        } else {
            "Nobody has an integration that needs a new token.".to_owned()
        };
    }
    let answer = if recording {
        format!("If you finalised now, {integrations} of {accounts} would stop working.")
    } else {
        format!("{integrations} of {accounts} stopped working at the cutover and need a new token.")
    };
    format!("{answer}\n\n{}", affected(hit, now))
}

/// Who would break by a start with this look-back and a cutover at once: the answer first.
pub fn emergency(hit: &[AffectedAccount], lookback: Span, now: UnixMs) -> String {
    let if_so = match lookback.ms() {
        0 => "If you started without a look-back and finalised at once".to_owned(),
        _ => format!("If you started with a look-back of {lookback} and finalised at once"),
    };
    if hit.is_empty() {
        return format!("{if_so}, nobody would lose an integration.");
    }
    let (integrations, accounts) = counts(hit);
    let answer = format!("{if_so}, {integrations} of {accounts} would stop working.");
    format!("{answer}\n\n{}", affected(hit, now))
}

fn counts(hit: &[AffectedAccount]) -> (String, String) {
    let accounts = i64::try_from(hit.len()).unwrap_or(i64::MAX);
    let integrations: usize = hit.iter().map(|account| account.integrations.len()).sum();
    let integrations = i64::try_from(integrations).unwrap_or(i64::MAX);
    (
        words::counted(integrations, "integration"),
        words::counted(accounts, "account"),
    )
}

/// The affected integrations as a table.
pub fn affected(hit: &[AffectedAccount], now: UnixMs) -> String {
    let rows: Vec<[String; 6]> = hit
        .iter()
        .flat_map(|account| {
            account
                .integrations
                .iter()
                .map(move |integration| (account, integration))
        })
        .map(|(account, integration)| {
            [
                account.account.clone(),
                account.contact.clone(),
                integration.name.clone(),
                integration.standing.words().to_owned(),
                words::when_ever(integration.last_used_at, now),
                integration
                    .cadence
                    .map_or_else(|| "unknown".to_owned(), |cadence| cadence.to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    table(
        [
            "ACCOUNT",
            "CONTACT",
            "INTEGRATION",
            "STANDING",
            "LAST USE",
            "CALLS",
        ],
        &rows,
    )
}
