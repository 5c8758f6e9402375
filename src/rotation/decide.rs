use crate::model::{Reason, Stage, UnixMs};
use crate::store::tokens::Token;

/// Everything a verdict depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// What is required now, and whether use is recorded.
    pub stage: Stage,
    /// The time it is judged at.
    pub now: UnixMs,
    /// The registry's row for exactly this token.
    pub token: Option<&'f Token>,
    /// Whether its account is disabled.
    pub account_disabled: bool,
    /// What the signature says.
    pub signature: Signature,
}

/// What the signature says of a token's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Made by a key of ours that still verifies.
    Good,
    /// Not made by the key it names.
    Bad,
    /// The key it names is unknown, or forgotten since a close.
    NoKey,
}

/// Whether a token is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, once `Needs` is on disk.
    Accept(Needs),
    /// No, and why.
    Refuse(Reason),
}

/// What must be written before the answer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing; the last use is noted later.
    Nothing,
    /// The token's very first use, which may retire its predecessors.
    FirstUse,
    /// The capture: it is carried over to the target.
    Capture,
}

/// The verdict on a token. Pure and total: the same facts give the same verdict, and every
/// combination has one.
///
/// The registry is the authority: a row is found by the digest of the whole token, so a token that
/// has one is the token that was issued. The signature is the proof of origin: where the key still
/// verifies it must agree, and a good signature without a row is a forgery.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let Some(token) = facts.token else {
        return Verdict::Refuse(Reason::Unknown);
    };
    if facts.signature == Signature::Bad {
        return Verdict::Refuse(Reason::Unknown);
    }
    let over = |end: Option<UnixMs>| end.is_some_and(|end| end <= facts.now);
    // In the order of what its owner can do about it: nothing but ask, first.
    if facts.account_disabled {
        Verdict::Refuse(Reason::AccountDisabled)
    } else if token.revoked_at.is_some() {
        Verdict::Refuse(Reason::Revoked)
    } else if over(token.ends_at) {
        Verdict::Refuse(Reason::Replaced)
    } else if over(token.expires_at) {
        Verdict::Refuse(Reason::Expired)
    } else if token.generation < facts.stage.current {
        Verdict::Refuse(Reason::NotCaptured)
    } else if token.generation < facts.stage.required() {
        Verdict::Accept(Needs::Capture)
    } else if token.first_used_at.is_none() {
        Verdict::Accept(Needs::FirstUse)
    } else {
        Verdict::Accept(Needs::Nothing)
    }
}

/// Whether these facts show a forgery: a key of ours signed what was never issued.
pub fn is_forgery(facts: &Facts<'_>) -> bool {
    facts.token.is_none() && facts.signature == Signature::Good
}
