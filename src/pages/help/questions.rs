/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Something does not work.
    Stopped,
    /// A rotation is under way.
    Rotation,
    /// Access tokens and integrations.
    Tokens,
    /// The dashboard, and who is who.
    SignIn,
}

impl Topic {
    /// Every topic, in the order of need.
    pub const ALL: [Self; 4] = [Self::Stopped, Self::Rotation, Self::Tokens, Self::SignIn];

    /// Its heading.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stopped => "Something stopped",
            Self::Rotation => "The rotation",
            Self::Tokens => "Tokens and integrations",
            Self::SignIn => "Signing in",
        }
    }
}

/// A question customers ask while a key is rotated, and its answer.
pub struct Question {
    /// Its anchor on the page, and its own address: `/help/{id}`.
    pub id: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// The question.
    pub asks: &'static str,
    /// The answer, a paragraph each.
    pub answer: &'static [&'static str],
    /// Other words by which people look for it.
    pub also: &'static str,
    /// Where to go from there: address and words.
    pub link: Option<(&'static str, &'static str)>,
    /// Whether a check of the token belongs to the answer.
    pub check: bool,
}

const INTEGRATIONS: Option<(&str, &str)> = Some(("/", "Open your integrations"));

/// The questions, most asked first within their topics.
pub const QUESTIONS: [Question; 25] = [
    Question {
        id: "why-401",
        topic: Topic::Stopped,
        asks: "My program gets 401. Why, and what do I do?",
        answer: &[
            "The answer’s body says why: read its code and its detail. After a key rotation the code is mostly \
             token_not_captured: the program made no request in the recording phase, so its token stopped working at the \
             cutover.",
            "Open the help_url in that answer, sign in, and generate a new token for the integration that is shown. Put it \
             in your code in place of the old one. It takes about a minute.",
        ],
        also: "unauthorized unauthorised error refused rejected denied failing broken outage",
        link: INTEGRATIONS,
        check: true,
    },
    Question {
        id: "did-it-stop",
        topic: Topic::Stopped,
        asks: "Did my integration stop?",
        answer: &[
            "Its standing says so. Captured and Working: it did not. Needs a new token: it has been refused since the cutover, and \
             the row says how often it was. Not seen yet: it still works, and would stop at the cutover.",
            "If everything reads Captured or Working and your program still fails, the cause is elsewhere: read the status \
             and the code of the answer it gets.",
        ],
        also: "down dead working broken status affected outage api client",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "need-new-token",
        topic: Topic::Stopped,
        asks: "Do I need a new token?",
        answer: &[
            "Only where the standing is Needs a new token, Expired, Revoked or No token. A token that was used in the \
             recording phase goes on working as it is, and one that was generated since is of the new key already.",
            "You may generate one all the same: with the usual choice both work until a day after the new one’s first \
             request.",
        ],
        also: "replace renew regenerate change update required must",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "still-refused",
        topic: Topic::Stopped,
        asks: "I have put the new token in, and it is still refused. What now?",
        answer: &[
            "Look at the integration’s page. If it still waits for the first request, the program sends the old token or \
             none: check that it reads the variable you changed, in the environment it runs in, and that it was restarted \
             since.",
            "The header must be exactly one: Authorization, then Bearer, a space, and the token, whole, without quotes or a \
             line break. The check below shows the answer to expect.",
        ],
        also: "not working invalid 401 again deploy environment variable header bearer quotes",
        link: Some((
            "/diagnose",
            "Paste the token, and read why: it stays in your browser",
        )),
        check: true,
    },
    Question {
        id: "lost-requests",
        topic: Topic::Stopped,
        asks: "What became of the requests that were refused?",
        answer: &[
            "Nothing was done for them: a request that is answered 401 goes no further. When the program works again, let it \
             send them again. How many there were, and when the last one was, stands on the integration’s page.",
        ],
        also: "lost missing data messages retry resend queue",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "see-503",
        topic: Topic::Stopped,
        asks: "I see 503. Is my token broken?",
        answer: &[
            "No. Whether a token may pass is never guessed: when the records cannot be reached for a moment the answer is \
             503. Try again after the seconds in Retry-After, and do not replace the token.",
        ],
        also: "unavailable timeout error service down",
        link: Some(("/help/unavailable", "What the code unavailable means")),
        check: false,
    },
    Question {
        id: "am-i-safe",
        topic: Topic::Rotation,
        asks: "Am I affected by the rotation?",
        answer: &[
            "Your integrations’ page answers that in its first line. Captured and Working mean: there is nothing to do. \
             Not seen yet means: make one request, or generate a new token, before the date shown.",
        ],
        also: "safe announcement mail warned impact action required",
        link: Some(("/", "See where yours stand")),
        check: false,
    },
    Question {
        id: "what-is-rotated",
        topic: Topic::Rotation,
        asks: "What is rotated, and why?",
        answer: &[
            "The key that signs access tokens and sign-ins. Rotating it regularly, or after an incident, makes a copy of the \
             old key worthless to whoever may have it.",
            "Tokens do not have to change for that if they are in use: what is seen in the recording phase is put on a list \
             and goes on working. What nobody uses is closed.",
        ],
        also: "key security incident leak breach reason jwt signing",
        link: Some(("/status", "The state of the rotation")),
        check: false,
    },
    Question {
        id: "recording-phase",
        topic: Topic::Rotation,
        asks: "What is the recording phase?",
        answer: &[
            "The days before the cutover. Every token that makes at least one request in them is captured, before that \
             request is answered: a 2xx means captured. Captured tokens go on working after the cutover, unchanged.",
        ],
        also: "capture captured allowlist window days cutover",
        link: Some(("/status", "The state of the rotation")),
        check: false,
    },
    Question {
        id: "when",
        topic: Topic::Rotation,
        asks: "When is the cutover?",
        answer: &[
            "The date on the status page is a promise: until then nothing is refused because of the rotation. The cutover \
             may come later, and use counts until it does. It is announced there, and on your integrations’ page.",
        ],
        also: "date deadline time end how long until postponed",
        link: Some(("/status", "See the date")),
        check: false,
    },
    Question {
        id: "monthly-job",
        topic: Topic::Rotation,
        asks: "My job runs once a month. Will it be seen?",
        answer: &[
            "It may fall outside of the recording phase. If its standing is Not seen yet, let it run once by hand, or make \
             any request with its token: one is enough. A new token is safe too, from the moment it is generated.",
            "The platform may also look back and count use before the phase began; the integration then reads Captured \
             without your doing.",
        ],
        also: "cron quarterly yearly seldom rarely batch schedule nightly",
        link: Some(("/", "See its standing")),
        check: true,
    },
    Question {
        id: "shared-token",
        topic: Topic::Rotation,
        asks: "Several servers share one token. Must each of them call?",
        answer: &[
            "No. The token is captured, not the server: one request from any of them is enough for all. When you replace it, \
             all of them need the new one; until the old one ends, both work.",
        ],
        also: "multiple instances replicas regions same copies",
        link: None,
        check: false,
    },
    Question {
        id: "replace-token",
        topic: Topic::Tokens,
        asks: "How do I replace a token without an outage?",
        answer: &[
            "Generate the new one and choose that the old one ends 24 hours after the new one’s first request. Both work \
             while you deploy. When the new one has made its first request the page turns to Working, and the old one ends \
             by itself.",
        ],
        also: "renew roll overlap zero downtime deploy generate",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "captured-life",
        topic: Topic::Tokens,
        asks: "How long does my captured token live?",
        answer: &[
            "As long as before. Being captured changes nothing about it: it keeps the expiry it was generated with, also when \
             that is none, and it outlives the cutover and the end of the old key.",
            "It still ends when it expires, when somebody revokes it, or when a newer token takes its place.",
        ],
        also: "expire expiry lifetime valid forever end long",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "how-long",
        topic: Topic::Tokens,
        asks: "How long do new tokens live?",
        answer: &[
            "As long as you choose when you generate one: 30 or 90 days, a year, until a day of your own, or without an end. \
             The form proposes a year.",
        ],
        also: "expire expiry lifetime valid duration",
        link: None,
        check: false,
    },
    Question {
        id: "old-token-end",
        topic: Topic::Tokens,
        asks: "When does my old token end?",
        answer: &[
            "As you chose when you generated the new one: at once, 24 hours after the new one’s first request, or not until \
             you revoke it. The integration’s page shows the time. A token that is dormant since the cutover is refused \
             already.",
        ],
        also: "replaced overlap stop previous",
        link: None,
        check: false,
    },
    Question {
        id: "lost-token",
        topic: Topic::Tokens,
        asks: "I did not copy the new token. Can I see it again?",
        answer: &[
            "No. It is shown once, and only its digest is kept. Generate another one and revoke the one you did not copy.",
        ],
        also: "lost forgot show secret once closed tab",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "which-token",
        topic: Topic::Tokens,
        asks: "Which token is this, and would it pass?",
        answer: &[
            "Paste it where it is hashed in your own browser and sent nowhere: you read which integration it is of, whether \
             it works, and if not, why. Or check it from where your program runs, which counts as a request.",
        ],
        also: "diagnose check test verify validate inspect decode debug",
        link: Some(("/diagnose", "Diagnose a token")),
        check: true,
    },
    Question {
        id: "leaked",
        topic: Topic::Tokens,
        asks: "A token of mine has leaked.",
        answer: &[
            "Revoke it on the integration’s page: it is refused at once, everywhere. Then generate a new one, and choose \
             that the old one ends at once.",
        ],
        also: "leak stolen exposed public github compromised revoke hacked",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "standings",
        topic: Topic::Tokens,
        asks: "What do the standings mean?",
        answer: &[
            "Captured: seen in the recording phase, goes on working. Not seen yet: no request so far. Needs a new token: \
             refused since the cutover. Waiting for first request: a new token was generated and not used yet. Working: its \
             newest token has made a request. Expired, Revoked, No token: as they say.",
        ],
        also: "status state badge colour meaning legend",
        link: None,
        check: false,
    },
    Question {
        id: "archive",
        topic: Topic::Tokens,
        asks: "A program is gone. What do I do with its integration?",
        answer: &[
            "Archive it, at the end of its page. Its tokens are revoked, no rotation waits for it any more, and its story \
             stays to be read.",
        ],
        also: "delete remove unused old retire decommission",
        link: INTEGRATIONS,
        check: false,
    },
    Question {
        id: "signed-out",
        topic: Topic::SignIn,
        asks: "Was I logged out, and why?",
        answer: &[
            "Sign-ins are signed by the same key. A browser that did not open the dashboard in the recording phase is \
             signed out at the cutover, and its sign-in page says so. Nothing is wrong with your password: sign in again.",
            "To stay signed in at a cutover, open the dashboard once in the recording phase.",
        ],
        also: "signed out log out logout session ended kicked dashboard",
        link: Some(("/login", "Sign in")),
        check: false,
    },
    Question {
        id: "password",
        topic: Topic::SignIn,
        asks: "Is my password affected?",
        answer: &[
            "No. Passwords have nothing to do with the key that is rotated: yours stays as it is, and nobody asks you to \
             change it. A mail that asks for your password or for a token is not from us.",
        ],
        also: "change reset compromised phishing credentials mail",
        link: None,
        check: false,
    },
    Question {
        id: "cannot-sign-in",
        topic: Topic::SignIn,
        asks: "I cannot sign in.",
        answer: &[
            "Ask for a link that sets a new password; it comes by mail, works once and for 24 hours. If no mail comes, the \
             address is another one than you signed up with: ask whoever manages your account.",
        ],
        also: "login log in forgot password locked reset access",
        link: Some(("/forgot", "Ask for a link")),
        check: false,
    },
    Question {
        id: "sessions",
        topic: Topic::SignIn,
        asks: "Who else is signed in to my account?",
        answer: &[
            "The activity page lists your sign-ins with their time and place, and ends any of them.",
        ],
        also: "devices browsers session activity sign out everywhere",
        link: Some(("/activity", "See your sign-ins")),
        check: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::help::codes::meaning;
    use std::collections::HashSet;

    #[test]
    fn addresses_are_unique_and_no_code_has_one_of_them() {
        let ids: HashSet<_> = QUESTIONS.iter().map(|question| question.id).collect();
        assert_eq!(ids.len(), QUESTIONS.len());
        assert!(ids.iter().all(|id| meaning(id).is_none()));
    }

    #[test]
    fn every_topic_has_questions() {
        for topic in Topic::ALL {
            assert!(
                QUESTIONS.iter().any(|question| question.topic == topic),
                "{topic:?}"
            );
        }
    }
}
