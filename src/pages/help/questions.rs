/// A question customers ask while a key is rotated, and its answer.
pub struct Question {
    /// Its anchor on the page.
    pub id: &'static str,
    /// The question.
    pub asks: &'static str,
    /// The answer, a paragraph each.
    pub answer: &'static [&'static str],
    /// Where to go from there: address and words.
    pub link: Option<(&'static str, &'static str)>,
}

/// The questions, most asked first.
pub const QUESTIONS: [Question; 14] = [
    Question {
        id: "why-401",
        asks: "My program gets 401. Why, and what do I do?",
        answer: &[
            "The answer’s body says why: read its code and its detail. After a key rotation the code is mostly \
             token_not_captured: the program made no request in the recording phase, so its token stopped working at the \
             cutover.",
            "Open the help_url in that answer, sign in, and generate a new token for the integration that is shown. Put it \
             in your code in place of the old one. It takes about a minute.",
        ],
        link: Some(("/", "Open your integrations")),
    },
    Question {
        id: "am-i-safe",
        asks: "Am I affected by the rotation?",
        answer: &[
            "Your integrations’ page answers that in its first line. Captured and Working mean: there is nothing to do. \
             Not seen yet means: make one request, or generate a new token, before the date shown.",
        ],
        link: Some(("/", "See where yours stand")),
    },
    Question {
        id: "what-is-rotated",
        asks: "What is rotated, and why?",
        answer: &[
            "The key that signs access tokens and sign-ins. Rotating it regularly, or after an incident, makes a copy of the \
             old key worthless to whoever may have it.",
            "Tokens do not have to change for that if they are in use: what is seen in the recording phase is put on a list \
             and goes on working. What nobody uses is closed.",
        ],
        link: Some(("/status", "The state of the rotation")),
    },
    Question {
        id: "recording-phase",
        asks: "What is the recording phase?",
        answer: &[
            "The days before the cutover. Every token that makes at least one request in them is captured, before that \
             request is answered: a 2xx means captured. Captured tokens go on working after the cutover, unchanged.",
        ],
        link: None,
    },
    Question {
        id: "monthly-job",
        asks: "My job runs once a month. Will it be seen?",
        answer: &[
            "It may fall outside of the recording phase. If its standing is Not seen yet, let it run once by hand, or make \
             any request with its token: one is enough. A new token is safe too, from the moment it is generated.",
            "The platform may also look back and count use before the phase began; the integration then reads Captured \
             without your doing.",
        ],
        link: Some(("/", "See its standing")),
    },
    Question {
        id: "replace-token",
        asks: "How do I replace a token without an outage?",
        answer: &[
            "Generate the new one and choose that the old one ends 24 hours after the new one’s first request. Both work \
             while you deploy. When the new one has made its first request the page turns to Working, and the old one ends \
             by itself.",
        ],
        link: None,
    },
    Question {
        id: "still-refused",
        asks: "I have put the new token in, and it is still refused. What now?",
        answer: &[
            "Look at the integration’s page. If it still waits for the first request, the program sends the old token or \
             none: check that it reads the variable you changed, in the environment it runs in, and that it was restarted \
             since.",
            "The header must be exactly one: Authorization, then Bearer, a space, and the token, whole, without quotes or a \
             line break. The check command on the page of the new token shows the answer to expect.",
        ],
        link: Some(("/help/token_malformed", "When a token is not readable")),
    },
    Question {
        id: "lost-token",
        asks: "I did not copy the new token. Can I see it again?",
        answer: &[
            "No. It is shown once, and only its digest is kept. Generate another one and revoke the one you did not copy.",
        ],
        link: Some(("/", "Open your integrations")),
    },
    Question {
        id: "signed-out",
        asks: "Why was I signed out?",
        answer: &[
            "Sign-ins are signed by the same key. A browser that did not open the dashboard in the recording phase is \
             signed out at the cutover. Nothing is wrong with your password: sign in again.",
        ],
        link: Some(("/login", "Sign in")),
    },
    Question {
        id: "old-token-end",
        asks: "When does my old token end?",
        answer: &[
            "As you chose when you generated the new one: at once, 24 hours after the new one’s first request, or not until \
             you revoke it. The integration’s page shows the time. A token that is dormant since the cutover is refused \
             already.",
        ],
        link: None,
    },
    Question {
        id: "leaked",
        asks: "A token of mine has leaked.",
        answer: &[
            "Revoke it on the integration’s page: it is refused at once, everywhere. Then generate a new one, and choose \
             that the old one ends at once.",
        ],
        link: Some(("/", "Open your integrations")),
    },
    Question {
        id: "standings",
        asks: "What do the standings mean?",
        answer: &[
            "Captured: seen in the recording phase, goes on working. Not seen yet: no request so far. Needs a new token: \
             refused since the cutover. Waiting for first request: a new token was generated and not used yet. Working: its \
             newest token has made a request. Expired, Revoked, No token: as they say.",
        ],
        link: None,
    },
    Question {
        id: "how-long",
        asks: "How long do tokens live?",
        answer: &[
            "As long as you choose: 90 days, a year, or without an end. A rotation does not change it: a captured token keeps \
             its expiry.",
        ],
        link: None,
    },
    Question {
        id: "password",
        asks: "I cannot sign in.",
        answer: &[
            "Ask for a link that sets a new password; it comes by mail, works once and for 24 hours. If no mail comes, the \
             address is another one than you signed up with: ask whoever manages your account.",
        ],
        link: Some(("/forgot", "Ask for a link")),
    },
];

/// The questions in which every word of a search occurs, in their order; all where none is given.
pub fn search(words: &str) -> Vec<&'static Question> {
    let words: Vec<String> = words
        .split_whitespace()
        .take(8)
        .map(str::to_lowercase)
        .collect();
    let holds = |question: &Question| {
        let text = format!(
            "{} {} {}",
            question.asks,
            question.answer.join(" "),
            question.id
        )
        .to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    QUESTIONS
        .iter()
        .filter(|question| holds(question))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_search_wants_every_word() {
        let found = |words| -> Vec<_> {
            search(words)
                .into_iter()
                .map(|question| question.id)
                .collect()
        };
        assert_eq!(found("").len(), QUESTIONS.len());
        assert_eq!(found("MONTH job"), ["monthly-job"]);
        assert!(found("401").contains(&"why-401"));
        assert!(found("zebra").is_empty());
    }

    #[test]
    fn anchors_are_unique() {
        let ids: HashSet<_> = QUESTIONS.iter().map(|question| question.id).collect();
        assert_eq!(ids.len(), QUESTIONS.len());
    }
}
