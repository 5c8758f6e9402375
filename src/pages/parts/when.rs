use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use leptos::prelude::*;

use crate::model::{DAY_MS, UnixMs, ago};

/// A moment in absolute and relative time: "03:12 UTC, 4 minutes ago".
#[component]
pub fn When(
    /// The moment.
    at: UnixMs,
    /// The present, as the node's clock has it.
    now: UnixMs,
    /// With seconds: "03:12:09 UTC".
    #[prop(optional)]
    seconds: bool,
    /// Absolute only, as in a column of times.
    #[prop(optional)]
    brief: bool,
) -> impl IntoView {
    let absolute = if seconds {
        moment_to_the_second(at, now)
    } else {
        moment(at, now)
    };
    // A narrow place breaks between the two, never inside "53 days ago".
    let relative = (!brief).then(|| view! { ", " <span class="nowrap">{ago(at, now)}</span> });
    view! { <time datetime=at.to_string()><span class="nowrap">{absolute}</span>{relative}</time> }
}

/// The moment in plain words, for a headline or a mail: "2 Nov, 03:10 UTC, 20 days ago".
pub fn when(at: UnixMs, now: UnixMs) -> String {
    format!("{}, {}", moment(at, now), ago(at, now))
}

/// A promised date: "Mon 30 Nov, 03:00 UTC, in 7 days".
pub fn deadline(at: UnixMs, now: UnixMs) -> String {
    let date = shown(at, now, "%a %-d %b, %H:%M UTC", "%a %-d %b %Y, %H:%M UTC");
    format!("{date}, {}", ago(at, now))
}

/// The absolute moment: "03:12 UTC" today, "2 Nov, 03:10 UTC" within ten months, else with the year.
pub fn moment(at: UnixMs, now: UnixMs) -> String {
    if at.day() == now.day() {
        return shown(at, now, "%H:%M UTC", "%H:%M UTC");
    }
    shown(at, now, "%-d %b, %H:%M UTC", "%-d %b %Y, %H:%M UTC")
}

/// As [`moment`], to the second.
pub fn moment_to_the_second(at: UnixMs, now: UnixMs) -> String {
    if at.day() == now.day() {
        return shown(at, now, "%H:%M:%S UTC", "%H:%M:%S UTC");
    }
    shown(at, now, "%-d %b, %H:%M:%S UTC", "%-d %b %Y, %H:%M:%S UTC")
}

/// The day alone: "2 Nov", with the year when it is far.
pub fn day(at: UnixMs, now: UnixMs) -> String {
    shown(at, now, "%-d %b", "%-d %b %Y")
}

fn shown(at: UnixMs, now: UnixMs, near: &str, far: &str) -> String {
    // A year is left out only where no one can take it for another.
    let is_near = now.since(at).unsigned_abs() < 300 * DAY_MS.unsigned_abs();
    civil(at).map_or_else(
        || at.to_string(),
        |moment| {
            moment
                .strftime(if is_near { near } else { far })
                .to_string()
        },
    )
}

fn civil(at: UnixMs) -> Option<DateTime> {
    let moment = Timestamp::from_millisecond(at.0).ok()?;
    Some(TimeZone::UTC.to_datetime(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_317_360_000); // 2026-11-22T03:16:00Z

    fn before(seconds: i64) -> UnixMs {
        NOW.plus(-1_000 * seconds)
    }

    #[test]
    fn absolute_time_grows_with_distance() {
        assert_eq!(when(before(240), NOW), "03:12 UTC, 4 minutes ago");
        assert_eq!(
            when(before(20 * 86_400), NOW),
            "2 Nov, 03:16 UTC, 20 days ago"
        );
        assert_eq!(
            when(before(400 * 86_400), NOW),
            "18 Oct 2025, 03:16 UTC, 1 year ago"
        );
        assert_eq!(
            deadline(before(-8 * 86_400 + 960), NOW),
            "Mon 30 Nov, 03:00 UTC, in 8 days"
        );
        assert_eq!(moment_to_the_second(before(9), NOW), "03:15:51 UTC");
    }
}
