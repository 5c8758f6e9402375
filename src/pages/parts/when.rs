use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use leptos::prelude::*;

use crate::model::UnixMs;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

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

/// The distance: "just now", "40 seconds ago", "in 7 days", rounded to the nearest unit.
pub fn ago(at: UnixMs, now: UnixMs) -> String {
    let distance = now.since(at);
    let seconds = distance.unsigned_abs() / 1_000;
    let nearest = |unit: u64| (seconds + unit / 2) / unit;
    let (number, unit) = match seconds {
        0..5 => return "just now".to_owned(),
        5..60 => (seconds, "second"),
        _ if nearest(MINUTE) < 60 => (nearest(MINUTE), "minute"),
        _ if nearest(HOUR) < 24 => (nearest(HOUR), "hour"),
        _ if nearest(DAY) < 60 => (nearest(DAY), "day"),
        _ if nearest(DAY) < 365 => (nearest(DAY) / 30, "month"),
        _ => (nearest(DAY) / 365, "year"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if distance < 0 {
        format!("in {number} {unit}{plural}")
    } else {
        format!("{number} {unit}{plural} ago")
    }
}

fn shown(at: UnixMs, now: UnixMs, near: &str, far: &str) -> String {
    // A year is left out only where no one can take it for another.
    let is_near = now.since(at).unsigned_abs() < 300 * DAY * 1_000;
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

    #[test]
    fn relative_time_rounds_to_the_nearest_unit() {
        for (seconds, text) in [
            (0, "just now"),
            (40, "40 seconds ago"),
            (60, "1 minute ago"),
            (89, "1 minute ago"),
            (3_590, "1 hour ago"),
            (86_390, "1 day ago"),
            (-7 * 86_400 + 30, "in 7 days"),
            (70 * 86_400, "2 months ago"),
            (800 * 86_400, "2 years ago"),
        ] {
            assert_eq!(ago(before(seconds), NOW), text);
        }
    }
}
