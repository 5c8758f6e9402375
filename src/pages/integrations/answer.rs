use crate::model::Standing;
use crate::pages::customer::{cutover, recording, until};
use crate::pages::needs::{Need, first_of, needs};
use crate::pages::parts::when;
use crate::rotation::overview::{IntegrationView, Moment, Overview};

/// The page's first line: am I safe, and who is not.
pub fn headline(integrations: &[IntegrationView]) -> String {
    in_numbers(integrations.len(), &needs(integrations))
}

fn in_numbers(all: usize, needs: &[Need]) -> String {
    let keep = all - needs.len();
    let first = match (all, keep) {
        (0, _) => return "You have no integrations yet.".to_owned(),
        (1, 1) => return "Your integration keeps working.".to_owned(),
        (1, _) => "Your integration needs you.".to_owned(),
        (all, keep) if keep == all => {
            return format!("All {all} of your integrations keep working.");
        }
        (all, 0) => format!("None of your {all} integrations is safe yet."),
        (all, 1) => format!("1 of your {all} integrations keeps working."),
        (all, keep) => format!("{keep} of your {all} integrations keep working."),
    };
    let rest = first_of(needs).map(|(count, one, many)| match count {
        1 if all == 1 => format!("It {one}."),
        1 => format!("1 {one}."),
        _ => format!("{count} {many}."),
    });
    match rest {
        Some(rest) => format!("{first} {rest}"),
        None => first,
    }
}

/// The line below: the most urgent integration and what to do about it.
pub fn sub(overview: &Overview) -> String {
    let moment = &overview.moment;
    match overview.integrations.first() {
        None => "An integration is one program of yours that calls the API: it has a name, and a token of its own."
            .to_owned(),
        Some(first) if first.keeps_working() => match recording(moment) {
            Some(_) => "There is nothing to do. All of them were seen or have a token of the new key.".to_owned(),
            None => "There is nothing to do.".to_owned(),
        },
        Some(first) => urgent(first, moment),
    }
}

fn urgent(view: &IntegrationView, moment: &Moment) -> String {
    let name = &view.integration.name;
    if let Some(end) = view.ends_at() {
        return format!(
            "{name} works until {}: then its token ends. Generate a new one and put it in your code.",
            when(end, moment.now)
        );
    }
    match view.standing {
        Standing::NeedsToken => match cutover(moment) {
            Some(at) => format!(
                "{name} has been refused since the key was rotated: {}. Generate a new token and put it in your code.",
                when(at, moment.now)
            ),
            None => format!(
                "{name} has been refused since the key was rotated. Generate a new token and put it in your code."
            ),
        },
        Standing::NotSeen => match recording(moment) {
            Some(rotation) => format!(
                "{name} has not called yet in this recording phase. Make one request, or generate a new token, before {}.",
                until(rotation, moment.now)
            ),
            None => format!("{name} has not called yet."),
        },
        Standing::Waiting => {
            format!("{name} has a new token that has made no request yet. Put it in your code.")
        }
        Standing::Expired => {
            format!("The token of {name} has expired. Generate a new one and put it in your code.")
        }
        Standing::Revoked => {
            format!("The token of {name} was revoked. Generate a new one and put it in your code.")
        }
        Standing::NoToken => {
            format!("{name} has no token yet. Generate one and put it in your code.")
        }
        Standing::Captured | Standing::Working => "There is nothing to do.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Need::{Of, Successor};
    use Standing::{NeedsToken, NoToken, NotSeen};

    #[test]
    fn the_headline_answers_in_numbers() {
        for (all, needs, text) in [
            (0, &[][..], "You have no integrations yet."),
            (1, &[], "Your integration keeps working."),
            (
                1,
                &[Of(NeedsToken)],
                "Your integration needs you. It needs a new token.",
            ),
            (2, &[], "All 2 of your integrations keep working."),
            (
                4,
                &[Of(NeedsToken), Of(NotSeen)],
                "2 of your 4 integrations keep working. 1 needs a new token.",
            ),
            (
                3,
                &[Of(NotSeen), Of(NotSeen)],
                "1 of your 3 integrations keeps working. 2 have not been seen yet.",
            ),
            (
                2,
                &[Of(NoToken), Of(NoToken)],
                "None of your 2 integrations is safe yet. 2 have no token.",
            ),
            (
                1,
                &[Successor],
                "Your integration needs you. It needs a new token before its last one ends.",
            ),
            (
                3,
                &[Of(NoToken), Successor],
                "1 of your 3 integrations keeps working. 1 needs a new token before its last one ends.",
            ),
        ] {
            assert_eq!(in_numbers(all, needs), text);
        }
    }
}
