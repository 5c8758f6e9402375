use crate::model::Standing;
use crate::rotation::overview::IntegrationView;

/// What an integration needs that does not keep working by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It works until its last token ends.
    Successor,
    /// What its standing says.
    Of(Standing),
}

/// What is said of one that has a need, and of many; the most urgent first.
const NEEDS: [(Need, &str, &str); 7] = [
    (
        Need::Of(Standing::NeedsToken),
        "needs a new token",
        "need a new token",
    ),
    (
        Need::Of(Standing::NotSeen),
        "has not been seen yet",
        "have not been seen yet",
    ),
    (
        Need::Successor,
        "needs a new token before its last one ends",
        "need new tokens before their last ones end",
    ),
    (
        Need::Of(Standing::Expired),
        "has an expired token",
        "have an expired token",
    ),
    (
        Need::Of(Standing::Revoked),
        "has a revoked token",
        "have a revoked token",
    ),
    (
        Need::Of(Standing::Waiting),
        "waits for its first request",
        "wait for their first request",
    ),
    (Need::Of(Standing::NoToken), "has no token", "have no token"),
];

/// The needs of integrations, of each that has one.
pub fn needs(integrations: &[IntegrationView]) -> Vec<Need> {
    let need = |view: &IntegrationView| match view.ends_at() {
        Some(_) => Some(Need::Successor),
        None => (!view.keeps_working()).then_some(Need::Of(view.standing)),
    };
    integrations.iter().filter_map(need).collect()
}

/// The most urgent of these: how many have it, what is said of one, and of many.
pub fn first_of(needs: &[Need]) -> Option<(usize, &'static str, &'static str)> {
    NEEDS.into_iter().find_map(|(need, one, many)| {
        let count = needs.iter().filter(|other| **other == need).count();
        (count > 0).then_some((count, one, many))
    })
}
