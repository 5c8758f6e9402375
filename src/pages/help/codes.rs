use crate::model::Reason;

/// What a refusal code means, for whoever meets it in a log.
pub struct Meaning {
    /// The answer's status.
    pub status: u16,
    /// The page's headline.
    pub title: &'static str,
    /// What happened.
    pub happened: &'static str,
    /// What to do, a step each.
    pub steps: &'static [&'static str],
    /// Where to do it: address and words.
    pub action: (&'static str, &'static str),
}

/// The codes that are no verdict on a token.
pub const OTHERS: [&str; 2] = ["rate_limited", "unavailable"];

const INTEGRATIONS: (&str, &str) = ("/", "Open your integrations");

/// The meaning of a code; `None` for a code that is not ours.
pub fn meaning(code: &str) -> Option<Meaning> {
    match code {
        "unavailable" => Some(UNAVAILABLE),
        "rate_limited" => Some(RATE_LIMITED),
        code => Reason::from_code(code).map(of_reason),
    }
}

const UNAVAILABLE: Meaning = Meaning {
    status: 503,
    title: "The service could not check the token just now.",
    happened: "Whether a token may pass is never guessed. When the records cannot be reached, the answer is 503, and nothing \
               is wrong with the token.",
    steps: &[
        "Try again after the number of seconds in the header Retry-After.",
        "Do not replace the token: a new one would be answered the same.",
    ],
    action: ("/status", "See the state"),
};

const RATE_LIMITED: Meaning = Meaning {
    status: 429,
    title: "Too many requests in a short time.",
    happened: "The limit was reached. The token itself is fine.",
    steps: &[
        "Wait for the number of seconds in the header Retry-After, then go on.",
        "If it happens often, spread the requests, or make fewer of them at once.",
    ],
    action: ("/help", "Questions and answers"),
};

const fn of_reason(reason: Reason) -> Meaning {
    match reason {
        Reason::Missing => MISSING,
        Reason::Malformed => MALFORMED,
        Reason::Unknown => UNKNOWN,
        Reason::NotCaptured => NOT_CAPTURED,
        Reason::Replaced => REPLACED,
        Reason::Revoked => REVOKED,
        Reason::Expired => EXPIRED,
        Reason::AccountDisabled => ACCOUNT_DISABLED,
    }
}

const MISSING: Meaning = Meaning {
    status: 401,
    title: "The request carried no access token.",
    happened: "There was no header Authorization with a bearer token in it.",
    steps: &[
        "Send one header: Authorization, then Bearer, a space, and the token.",
        "If you do send it: a proxy on the way may drop the header, and a redirect to another host does too.",
        "Check that the variable that holds the token is set where the program runs.",
    ],
    action: INTEGRATIONS,
};

const MALFORMED: Meaning = Meaning {
    status: 401,
    title: "What was sent is not an access token.",
    happened: "The header was there, but its text cannot be a token that was issued here: it is cut off, has something \
               before or after it, or came twice.",
    steps: &[
        "Send exactly one Authorization header.",
        "Compare the first and the last four characters with the token you copied.",
        "Look for quotes, spaces, a line break, or the word Bearer written twice.",
        "If the copy is damaged, generate a new token: the old one cannot be shown again.",
    ],
    action: INTEGRATIONS,
};

const UNKNOWN: Meaning = Meaning {
    status: 401,
    title: "This access token was never issued here.",
    happened: "It looks like a token, but there is no record of it, or its signature does not fit.",
    steps: &[
        "Check that it belongs to this service, and not to another one or to a test environment.",
        "Check that it was copied whole.",
        "Otherwise generate a new token and replace it.",
    ],
    action: INTEGRATIONS,
};

const NOT_CAPTURED: Meaning = Meaning {
    status: 401,
    title: "This access token stopped working when the signing key was rotated.",
    happened: "It made no request in the recording phase before the cutover, so it was not captured. Nothing else is wrong \
               with it, and nothing of yours was lost.",
    steps: &[
        "Open the help_url of the answer, or your integrations, and sign in.",
        "Generate a new token for the integration that reads Needs a new token.",
        "Put it in your code in place of the old one, and deploy. The page turns to Working at its first request.",
    ],
    action: INTEGRATIONS,
};

const REPLACED: Meaning = Meaning {
    status: 401,
    title: "This access token was replaced by a newer one.",
    happened: "Somebody generated a new token for the integration, and the time in which both worked is over.",
    steps: &[
        "Use the newer token. Your integration’s page shows its last four characters.",
        "If nobody has it any more, generate another.",
    ],
    action: INTEGRATIONS,
};

const REVOKED: Meaning = Meaning {
    status: 401,
    title: "This access token was revoked.",
    happened: "Somebody of your account, or the platform, ended it. The integration’s page says who and when.",
    steps: &[
        "Ask them why, if you do not know.",
        "Generate a new token and replace this one in your code.",
    ],
    action: INTEGRATIONS,
};

const EXPIRED: Meaning = Meaning {
    status: 401,
    title: "This access token has expired.",
    happened: "Its end was chosen when it was generated, and has come.",
    steps: &[
        "Generate a new token and replace this one in your code.",
        "Choose a later end, or none, if nobody watches over it.",
    ],
    action: INTEGRATIONS,
};

const ACCOUNT_DISABLED: Meaning = Meaning {
    status: 401,
    title: "The account of this access token is disabled.",
    happened: "All its tokens are refused, and none of its members can sign in. A new token cannot mend that.",
    steps: &[
        "Ask whoever runs this platform to enable the account, on the way you reach them outside of it: the address \
         that its letters come from, or your contract. The ways to help here need a sign-in, and that is off too.",
    ],
    action: ("/help", "Questions and answers"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_and_no_other_has() {
        for code in Reason::ALL.map(Reason::code).into_iter().chain(OTHERS) {
            let meaning = meaning(code).unwrap();
            assert!(meaning.title.ends_with('.'), "{code}");
            assert!(!meaning.steps.is_empty(), "{code}");
        }
        assert!(meaning("token_tired").is_none());
    }
}
