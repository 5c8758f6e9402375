use super::steps::Step;
use super::words::{accounts, count, tokens};
use crate::model::UnixMs;
use crate::pages::parts::{ago, counted, deadline};
use crate::pages::words::capital;
use crate::rotation::status::Status;
use crate::store::rotations::Rotation;

impl Step {
    /// What happens to how many, each to be acknowledged: the box's name, the consequence, what it
    /// means.
    pub fn consequences(
        self,
        rotation: &Rotation,
        status: &Status,
        now: UnixMs,
    ) -> Vec<Consequence> {
        match self {
            Self::Finalise => finalise(rotation, status, now),
            Self::Reopen => vec![
                Consequence::new(
                    "accepted",
                    format!(
                        "{} that answer 401 now are accepted again at once.",
                        capital(&tokens(status.tokens.dormant))
                    ),
                    "No token was rewritten by the cutover, so nothing was lost by it. New tokens stay as they are.",
                ),
                Consequence::new(
                    "records",
                    "Recording goes on where it was, until you finalise again.",
                    "If the old key leaked, whoever has it can use the tokens it signed until then.",
                ),
            ],
            Self::Abort => vec![
                Consequence::new(
                    "ends",
                    "This rotation ends here. To rotate, start another.",
                    "What was captured in it does not count in the next one, unless that one looks back.",
                ),
                Consequence::new(
                    "key",
                    "The new key goes on signing.",
                    "The older private key was destroyed at the start and does not come back. Nothing is refused: old tokens go on working.",
                ),
            ],
            Self::Close => {
                let mut all = vec![
                    Consequence::new(
                        "gone",
                        "What is left of the older keys is destroyed. There is no way back.",
                        "Captured tokens go on working by digest alone; nothing that an older key signed can be verified again.",
                    ),
                    Consequence::new(
                        "affected",
                        match status.accounts.affected {
                            0 => "No account is affected any more.".to_owned(),
                            1 => {
                                "1 account is still affected, and reopening can no longer help it."
                                    .to_owned()
                            }
                            some => format!(
                                "{} are still affected, and reopening can no longer help them.",
                                accounts(some)
                            ),
                        },
                        "Whoever comes later can still sign in and generate a new token.",
                    ),
                ];
                all.extend(held(
                    status,
                    "forgotten",
                    "Without the key nobody can tell that they were genuine: they can no longer be approved.",
                ));
                all
            }
        }
    }
}

fn finalise(rotation: &Rotation, status: &Status, now: UnixMs) -> Vec<Consequence> {
    let affected = match status.accounts.affected {
        0 => "No account loses an integration.".to_owned(),
        1 => "1 account loses an integration.".to_owned(),
        some => format!("{} lose an integration.", accounts(some)),
    };
    let refused = match status.tokens.not_seen {
        1 => "1 live token was not captured. It is refused with 401 on every node, at once."
            .to_owned(),
        some => format!(
            "{} were not captured. They are refused with 401 on every node, at once.",
            capital(&counted(count(some), "live token", "live tokens"))
        ),
    };
    let sessions = match status.sessions.not_seen {
        0 => "Nobody is signed out.".to_owned(),
        1 => "1 session that was not seen ends.".to_owned(),
        some => format!("{some} sessions that were not seen end."),
    };
    let promise = if rotation.ends_at > now {
        format!(
            "You finalise earlier than was promised: {}.",
            deadline(rotation.ends_at, now)
        )
    } else {
        format!(
            "The end that customers were promised has passed: {}.",
            ago(rotation.ends_at, now)
        )
    };
    let mut all = vec![
        Consequence::new("stops", affected, refused),
        Consequence::new(
            "sessions",
            sessions,
            if status.sessions.not_seen == 0 {
                "Every session was seen since the start, or begun after it."
            } else {
                "Their people are told that the keys were rotated, and sign in again with the same password."
            },
        ),
        Consequence::new(
            "promise",
            promise,
            "It can be reopened until it is closed: then what is refused now works again.",
        ),
    ];
    all.extend(held(
        status,
        "refused",
        "They were issued elsewhere and nobody approved them. Each can be approved until the rotation is closed.",
    ));
    all
}

/// What becomes of held tokens, where there are any.
fn held(status: &Status, becomes: &str, detail: &'static str) -> Option<Consequence> {
    let words = match status.tokens.held {
        0 => return None,
        1 => format!("1 held token is {becomes}."),
        some => format!("{some} held tokens are {becomes}."),
    };
    Some(Consequence::new("held", words, detail))
}

/// One consequence with the name of its box.
pub struct Consequence {
    /// The box's name in the form.
    pub name: &'static str,
    /// What happens.
    pub words: String,
    /// What it means.
    pub detail: String,
}

impl Consequence {
    fn new(name: &'static str, words: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name,
            words: words.into(),
            detail: detail.into(),
        }
    }
}
