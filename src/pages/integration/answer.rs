use crate::model::{Reason, Standing, UnixMs};
use crate::pages::customer::{cutover, hint, recording, times, until};
use crate::pages::parts::{moment, when};
use crate::rotation::overview::{IntegrationView, Moment, Story};

/// The page's first line: where this integration stands, in words.
pub(super) fn headline(view: &IntegrationView, now: UnixMs) -> String {
    let name = &view.integration.name;
    if let Some(end) = view.ends_at() {
        return format!("{name} works until {}.", moment(end, now));
    }
    match view.standing {
        Standing::NeedsToken => format!("{name} needs a new token."),
        Standing::NotSeen => format!("{name} has not been seen yet."),
        Standing::Expired => format!("The token of {name} has expired."),
        Standing::Revoked => format!("The token of {name} was revoked."),
        Standing::Waiting => format!("{name} has a new token that waits for its first request."),
        Standing::NoToken => format!("{name} has no token yet."),
        Standing::Captured => format!("{name} is captured and keeps working."),
        Standing::Working => format!("{name} works."),
    }
}

/// The line below: why, and what to do.
pub(super) fn sub(story: &Story) -> String {
    let (view, moment) = (&story.view, &story.moment);
    let now = moment.now;
    if view.ends_at().is_some() {
        return "Then its token ends, and the one that was to take its place no longer works. Generate a new \
                one before, and put it in your code."
            .to_owned();
    }
    match view.standing {
        Standing::NeedsToken => refused_since(view, moment),
        Standing::NotSeen => match recording(moment) {
            Some(rotation) => format!(
                "It keeps working if it makes one request, or gets a new token, before {}.",
                until(rotation, now)
            ),
            None => "It keeps working if it makes one request.".to_owned(),
        },
        Standing::Captured => match captured(story) {
            Some(text) => format!("There is nothing to do: {text}"),
            None => "There is nothing to do.".to_owned(),
        },
        Standing::Working => match view.newest_live().and_then(|token| token.first_used_at) {
            Some(at) => format!(
                "There is nothing to do: its newest token made its first request {}.",
                when(at, now)
            ),
            None => "There is nothing to do.".to_owned(),
        },
        Standing::Waiting => {
            "Put the token in your code. With its first request this page turns to Working."
                .to_owned()
        }
        Standing::Expired => match view.newest().and_then(|token| token.expires_at) {
            Some(at) => format!(
                "It ended {}. Generate a new token and put it in your code.",
                when(at, now)
            ),
            None => "Generate a new token and put it in your code.".to_owned(),
        },
        Standing::Revoked => match view.newest().and_then(|token| token.revoked_at) {
            Some(at) => format!(
                "That was {}. Generate a new token and put it in your code.",
                when(at, now)
            ),
            None => "Generate a new token and put it in your code.".to_owned(),
        },
        Standing::NoToken => "Generate its first token and put it in your code.".to_owned(),
    }
}

fn refused_since(view: &IntegrationView, moment: &Moment) -> String {
    let since = match cutover(moment) {
        Some(at) => format!(
            "Its token stopped working when the key was rotated: {}.",
            when(at, moment.now)
        ),
        None => "Its token stopped working when the key was rotated.".to_owned(),
    };
    match view.refused() {
        0 => format!("{since} No request has been refused so far."),
        refused => format!("{since} It has been refused {} since.", times(refused)),
    }
}

fn captured(story: &Story) -> Option<String> {
    let now = story.moment.now;
    let capture = story
        .view
        .tokens
        .iter()
        .find_map(|token| story.captures.get(token.row.id.as_str()))?;
    let at = when(capture.first_seen, now);
    Some(match capture.how.as_str() {
        "lookback" => format!(
            "it was used shortly before the recording phase, and counts as seen since {at}."
        ),
        "readmit" => format!("an admin let its token work again {at}."),
        "approve" => format!("an admin approved its token {at}."),
        _ => format!("a request of it was recorded {at}."),
    })
}

/// What the 401 was that led here, for whoever came by the link in it.
pub(super) fn what_happened(story: &Story) -> String {
    let now = story.moment.now;
    let refused = story
        .view
        .tokens
        .iter()
        .map(|token| &token.row)
        .filter(|token| token.last_refused_at.is_some())
        .max_by_key(|token| token.last_refused_at);
    let Some((token, at)) = refused.and_then(|token| Some((token, token.last_refused_at?))) else {
        return "A request of this integration was answered 401.".to_owned();
    };
    let from = token
        .last_refused_source
        .as_deref()
        .map(|source| format!(", from {source}"))
        .unwrap_or_default();
    format!(
        "The 401 was about the token {}: {} Last refused {}{from}.",
        hint(token),
        why(token.last_refused_code.as_deref(), story),
        when(at, now)
    )
}

/// Why a token was refused last, as the end of a sentence.
pub(super) fn why(code: Option<&str>, story: &Story) -> String {
    match code.and_then(Reason::from_code) {
        Some(Reason::NotCaptured) => match cutover(&story.moment) {
            Some(at) => format!(
                "it made no request in the recording phase, and the key was rotated {}.",
                when(at, story.moment.now)
            ),
            None => "it made no request before the key was rotated.".to_owned(),
        },
        Some(Reason::Replaced) => "a newer token has taken its place.".to_owned(),
        Some(Reason::Revoked) => "it was revoked.".to_owned(),
        Some(Reason::Expired) => "it has expired.".to_owned(),
        Some(Reason::AccountDisabled) => "its account was disabled.".to_owned(),
        Some(Reason::Missing | Reason::Malformed | Reason::Unknown) | None => {
            "it was refused.".to_owned()
        }
    }
}
