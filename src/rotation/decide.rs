use crate::model::{Generation, Reason, Stage, UnixMs};
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
    /// What its claims and an admin say of a token that an imported key signed and that has no row.
    pub foreign: Option<Foreign>,
}

/// A token issued elsewhere that the registry does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The newest generation that the key it names is trusted in.
    pub generation: Generation,
    /// Not to be accepted before: its `nbf`.
    pub starts_at: Option<UnixMs>,
    /// When it expires: its `exp`.
    pub expires_at: Option<UnixMs>,
    /// Whether an admin said that it must not pass.
    pub refused: bool,
}

/// What the signature says of a token's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Made by a key of ours that still verifies.
    Good,
    /// Made by an imported key that still verifies.
    Elsewhere,
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
    /// Yes, for as long as the imported key that signed it is trusted: it is listed for an admin, and
    /// neither captured nor remembered.
    Hold,
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
/// verifies it must agree. A good signature of ours without a row is a forgery; one of an imported
/// key is a token issued elsewhere, which is held.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let Some(token) = facts.token else {
        return decide_unregistered(facts);
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

/// The verdict on a token without a row: held where an imported key made it, else unknown.
fn decide_unregistered(facts: &Facts<'_>) -> Verdict {
    let (Signature::Elsewhere, Some(foreign)) = (facts.signature, facts.foreign) else {
        return Verdict::Refuse(Reason::Unknown);
    };
    if facts.account_disabled {
        Verdict::Refuse(Reason::AccountDisabled)
    } else if foreign.refused {
        Verdict::Refuse(Reason::Revoked)
    } else if foreign.expires_at.is_some_and(|end| end <= facts.now) {
        Verdict::Refuse(Reason::Expired)
    } else if foreign.starts_at.is_some_and(|start| start > facts.now) {
        // There is no better word for a token whose time has not come.
        Verdict::Refuse(Reason::Unknown)
    } else if foreign.generation < facts.stage.current {
        Verdict::Refuse(Reason::NotCaptured)
    } else {
        Verdict::Hold
    }
}

/// Whether these facts show a forgery: a key of ours signed what was never issued.
pub fn is_forgery(facts: &Facts<'_>) -> bool {
    facts.token.is_none() && facts.signature == Signature::Good
}
