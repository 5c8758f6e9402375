use crate::model::{Stage, Standing, TokenState, UnixMs};
use crate::store::tokens::Token;

/// Where one token stands.
pub fn token_state(token: &Token, stage: Stage, now: UnixMs) -> TokenState {
    let over = |end: Option<UnixMs>| end.is_some_and(|end| end <= now);
    if token.revoked_at.is_some() {
        TokenState::Revoked
    } else if over(token.ends_at) {
        TokenState::Replaced
    } else if over(token.expires_at) {
        TokenState::Expired
    } else if token.generation < stage.current {
        TokenState::Dormant
    } else {
        TokenState::Active
    }
}

/// Whether a token is live: not revoked, replaced or expired. A dormant token is live.
pub fn is_live(token: &Token, stage: Stage, now: UnixMs) -> bool {
    matches!(
        token_state(token, stage, now),
        TokenState::Active | TokenState::Dormant
    )
}

/// What one live token means for its integration.
pub fn of_live_token(token: &Token, stage: Stage) -> Standing {
    if token.born >= stage.required() {
        if token.first_used_at.is_some() {
            Standing::Working
        } else {
            Standing::Waiting
        }
    } else if token.generation >= stage.required() {
        Standing::Captured
    } else if token.generation >= stage.current {
        Standing::NotSeen
    } else {
        Standing::NeedsToken
    }
}

/// Where an integration stands, of all its tokens, newest first.
///
/// The worst of its live tokens counts; a newer token that has been used supersedes the older
/// ones, and one that was generated since and not used yet is what is waited for.
pub fn of_integration(tokens: &[Token], stage: Stage, now: UnixMs) -> Standing {
    let mut worst: Option<Standing> = None;
    for token in tokens.iter().filter(|token| is_live(token, stage, now)) {
        let standing = of_live_token(token, stage);
        // Generated since: it replaces what came before, used or not.
        if worst.is_none() && token.born >= stage.required() {
            return standing;
        }
        worst = Some(worst.map_or(standing, |worst| worst.min(standing)));
        if token.first_used_at.is_some() {
            break;
        }
    }
    worst.unwrap_or_else(
        || match tokens.first().map(|token| token_state(token, stage, now)) {
            None => Standing::NoToken,
            Some(TokenState::Revoked) => Standing::Revoked,
            Some(_) => Standing::Expired,
        },
    )
}
