use crate::model::{UnixMs, ago};

/// A moment in absolute and relative words: `2026-11-22 03:12 UTC, 4 minutes ago`.
pub fn when(moment: UnixMs, now: UnixMs) -> String {
    let full = moment.to_string();
    let date = full.get(..10).unwrap_or_default();
    let time = full.get(11..16).unwrap_or_default();
    format!("{date} {time} UTC, {}", ago(moment, now))
}

/// As [`when`], or `never`.
pub fn when_ever(moment: Option<UnixMs>, now: UnixMs) -> String {
    moment.map_or_else(|| "never".to_owned(), |moment| when(moment, now))
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
    use crate::model::{DAY_MS, HOUR_MS};

    #[test]
    fn moments_are_absolute_and_relative() {
        let now = UnixMs(1_790_000_000_000);
        let at = |ms: i64| when(now.plus(ms), now);
        assert_eq!(at(-240_000), "2026-09-21 14:09 UTC, 4 minutes ago");
        assert_eq!(at(6 * DAY_MS), "2026-09-27 14:13 UTC, in 6 days");
        assert_eq!(at(-HOUR_MS), "2026-09-21 13:13 UTC, 1 hour ago");
        assert_eq!(at(0), "2026-09-21 14:13 UTC, just now");
    }
}
