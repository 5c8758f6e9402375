use leptos::prelude::*;

use crate::model::{Standing, UnixMs};
use crate::pages::customer::{cadence, caller, cutover, hint, recording, times};
use crate::pages::parts::{CadenceBars, StandingBadge, When, when};
use crate::rotation::overview::{DAYS_SHOWN, IntegrationView, Moment};

/// One integration: what it is, where it stands, how it calls, and the one thing to do about it.
/// `is_first` says whether its button is the page's primary one.
pub fn row(view: &IntegrationView, moment: &Moment, is_first: bool) -> impl IntoView + use<> {
    let standing = view.standing;
    let href = format!("/integrations/{}", view.integration.id);
    let name = view.integration.name.clone();
    let token = view.newest().map(hint);
    let days: Vec<u32> = view
        .days
        .iter()
        .map(|count| u32::try_from(*count).unwrap_or(u32::MAX))
        .collect();
    let recording_from =
        recording(moment).and_then(|rotation| day_shown(rotation.started_at, moment.now));
    let class = if standing == Standing::NeedsToken {
        "row tone-bad"
    } else {
        "row"
    };
    view! {
        <li class=class>
            <div class="row-name">
                <a href=href.clone()>{name}</a>
                <span class="mono">{token.unwrap_or_else(|| "no token".to_owned())}</span>
            </div>
            <div class="row-standing"><StandingBadge standing/></div>
            <div class="row-cadence"><CadenceBars days recording_from/></div>
            {last_use(view, moment)}
            <div class="row-action">{action(view, &href, is_first)}</div>
        </li>
    }
}

/// The place of a day among those shown; `None` when it lies before them.
fn day_shown(at: UnixMs, now: UnixMs) -> Option<usize> {
    let ago = usize::try_from(now.day() - at.day()).ok()?;
    (DAYS_SHOWN - 1).checked_sub(ago)
}

fn last_use(view: &IntegrationView, moment: &Moment) -> impl IntoView + use<> {
    let now = moment.now;
    let answer = match view.last_used().and_then(|token| token.last_used_at) {
        Some(at) => view! { <span><span class="row-label">"Last use "</span><When at now/></span> }
            .into_any(),
        None => view! { <span>"Never used"</span> }.into_any(),
    };
    let details: Vec<_> = detail(view, moment)
        .into_iter()
        .map(|detail| view! { <span class="quiet">{detail}</span> })
        .collect();
    view! {
        <div class="row-last">
            {answer}
            {details}
        </div>
    }
}

/// What there is to know beside the last use: who called, then refusals, or how seldom it calls.
fn detail(view: &IntegrationView, moment: &Moment) -> Vec<String> {
    let refused = view.refused();
    let last = view.last_used();
    let called =
        last.and_then(|token| caller(token.last_agent.as_deref(), token.last_source.as_deref()));
    let more = match view.standing {
        Standing::NeedsToken if refused > 0 => {
            let since = if cutover(moment).is_some() {
                " since the cutover"
            } else {
                ""
            };
            Some(format!("refused {}{since}", times(refused)))
        }
        _ => cadence(view),
    };
    let ends = view
        .ends_at()
        .map(|end| format!("works until {}", when(end, moment.now)));
    called.into_iter().chain(more).chain(ends).collect()
}

fn action(view: &IntegrationView, href: &str, is_first: bool) -> AnyView {
    let name = &view.integration.name;
    let standing = view.standing;
    let generate = !view.keeps_working() && standing != Standing::Waiting;
    if !generate {
        return view! {
            <a class="button" href=href.to_owned()>"Open"<span class="visually-hidden">{format!(" {name}")}</span></a>
        }
        .into_any();
    }
    let class = if is_first && standing == Standing::NeedsToken {
        "button primary"
    } else {
        "button"
    };
    view! {
        <a class=class href=format!("{href}#generate")>
            "Generate new token"<span class="visually-hidden">{format!(" for {name}")}</span>
        </a>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DAY_MS;

    #[test]
    fn the_recording_phase_is_tinted_from_its_first_day() {
        let now = UnixMs(100 * DAY_MS + 5);
        assert_eq!(day_shown(UnixMs(100 * DAY_MS), now), Some(29));
        assert_eq!(day_shown(UnixMs(90 * DAY_MS), now), Some(19));
        assert_eq!(day_shown(UnixMs(10 * DAY_MS), now), None);
    }
}
