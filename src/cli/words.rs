use crate::model::{DAY_MS, HOUR_MS, UnixMs};

/// A moment in absolute and relative words: `2026-11-22 03:12 UTC, 4 minutes ago`.
pub fn when(moment: UnixMs, now: UnixMs) -> String {
    let full = moment.to_string();
    let date = full.get(..10).unwrap_or_default();
    let time = full.get(11..16).unwrap_or_default();
    format!("{date} {time} UTC, {}", relative(moment, now))
}

/// As [`when`], or `never`.
pub fn when_ever(moment: Option<UnixMs>, now: UnixMs) -> String {
    moment.map_or_else(|| "never".to_owned(), |moment| when(moment, now))
}

/// `4 minutes ago`, `in 6 days`, `now`.
fn relative(moment: UnixMs, now: UnixMs) -> String {
    let ms = now.since(moment);
    let length = length(ms.saturating_abs());
    match ms {
        -999..=999 => "now".to_owned(),
        1_000.. => format!("{length} ago"),
        _ => format!("in {length}"),
    }
}

fn length(ms: i64) -> String {
    let (number, unit) = match ms {
        _ if ms >= 2 * DAY_MS => (ms / DAY_MS, "day"),
        _ if ms >= HOUR_MS => (ms / HOUR_MS, "hour"),
        _ if ms >= 60_000 => (ms / 60_000, "minute"),
        _ => (ms / 1_000, "second"),
    };
    counted(number, unit)
}

/// `1 account`, `2 accounts`.
pub fn counted(number: i64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_absolute_and_relative() {
        let now = UnixMs(1_790_000_000_000);
        let at = |ms: i64| when(now.plus(ms), now);
        assert_eq!(at(-240_000), "2026-09-21 14:09 UTC, 4 minutes ago");
        assert_eq!(at(6 * DAY_MS), "2026-09-27 14:13 UTC, in 6 days");
        assert_eq!(at(-HOUR_MS), "2026-09-21 13:13 UTC, 1 hour ago");
        assert_eq!(at(0), "2026-09-21 14:13 UTC, now");
    }
}
