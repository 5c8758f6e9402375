use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::InvalidInput;

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A moment: milliseconds since the Unix epoch, UTC. Shown as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// This moment moved by a span of milliseconds, held within what time can be.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when it is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day it falls on: whole days since the Unix epoch.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// The second it falls in, as RFC 7519 counts (`NumericDate`).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// The distance: "just now", "40 seconds ago", "in 7 days". Rounded to the nearest unit, and from a day on
/// counted by the calendar (UTC), as whoever reads the dates beside it counts.
pub fn ago(at: UnixMs, now: UnixMs) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    let distance = now.since(at);
    let seconds = distance.unsigned_abs() / 1_000;
    let days = now.day().abs_diff(at.day()).max(1);
    let nearest = |unit: u64| (seconds + unit / 2) / unit;
    let (number, unit) = match seconds {
        0..5 => return "just now".to_owned(),
        5..60 => (seconds, "second"),
        _ if nearest(MINUTE) < 60 => (nearest(MINUTE), "minute"),
        _ if nearest(HOUR) < 24 => (nearest(HOUR), "hour"),
        _ if days < 100 => (days, "day"),
        _ if days < 365 => (days / 30, "month"),
        _ => (days / 365, "year"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if distance < 0 {
        format!("in {number} {unit}{plural}")
    } else {
        format!("{number} {unit}{plural} ago")
    }
}

impl Serialize for UnixMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for UnixMs {
    type Err = InvalidInput;

    /// Reads a moment as other systems write it: RFC 3339, the same without an offset or a time (UTC),
    /// or seconds since the Unix epoch. From 1990 to 2200: what lies outside is a mistake, such as
    /// milliseconds taken for seconds.
    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let wrong = || {
            InvalidInput::new(
                "time",
                "is RFC 3339, such as 2026-11-20T08:00:00Z, or seconds since 1970",
            )
        };
        let text = text.trim();
        let utc = jiff::tz::TimeZone::UTC;
        let ms = if text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse::<i64>().ok().and_then(|s| s.checked_mul(1_000))
        } else if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            Some(moment.as_millisecond())
        } else {
            let civil = text.parse::<jiff::civil::DateTime>().map_err(|_| wrong())?;
            let moment = utc.to_timestamp(civil).map_err(|_| wrong())?;
            Some(moment.as_millisecond())
        };
        let sane = 631_152_000_000..7_258_118_400_000;
        ms.filter(|ms| sane.contains(ms))
            .map(Self)
            .ok_or_else(wrong)
    }
}

/// A length of time as people write it: `14d`, `36h`, `90m`, `2s`, `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i64);

impl Span {
    /// Whole days.
    pub const fn days(days: i64) -> Self {
        Self(days.saturating_mul(DAY_MS))
    }

    /// Its length in milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let text = text.trim();
        let wrong = || {
            InvalidInput::new(
                "length of time",
                "is a whole number and a unit: 14d, 36h, 90m, 2s or 500ms",
            )
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let unit = match unit {
            "d" => DAY_MS,
            "h" => HOUR_MS,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            "" if number == 0 => 1,
            _ => return Err(wrong()),
        };
        let ms = number.checked_mul(unit).ok_or_else(wrong)?;
        if ms > 3_660 * DAY_MS {
            return Err(InvalidInput::new("length of time", "is at most ten years"));
        }
        Ok(Self(ms))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        match ms {
            _ if ms != 0 && ms % DAY_MS == 0 => write!(f, "{}d", ms / DAY_MS),
            _ if ms != 0 && ms % HOUR_MS == 0 => write!(f, "{}h", ms / HOUR_MS),
            _ if ms != 0 && ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            _ if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            _ => write!(f, "{ms}ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_rounded_and_days_counted_by_the_calendar() {
        let now = UnixMs(1_795_317_360_000); // 2026-11-22T03:16:00Z
        for (seconds, text) in [
            (0, "just now"),
            (40, "40 seconds ago"),
            (60, "1 minute ago"),
            (89, "1 minute ago"),
            (3_590, "1 hour ago"),
            (80_000, "22 hours ago"),
            (86_390, "1 day ago"),
            // 20 November, in the evening and in the morning.
            (2 * 86_400 - 70_000, "2 days ago"),
            (2 * 86_400, "2 days ago"),
            (-7 * 86_400 + 30, "in 7 days"),
            (-8 * 86_400 + 960, "in 8 days"),
            (90 * 86_400, "90 days ago"),
            (120 * 86_400, "4 months ago"),
            (800 * 86_400, "2 years ago"),
        ] {
            assert_eq!(ago(now.plus(-1_000 * seconds), now), text, "{seconds}");
        }
    }

    #[test]
    fn spans_read_as_people_write_them() {
        assert_eq!("14d".parse(), Ok(Span::days(14)));
        assert_eq!("500ms".parse(), Ok(Span(500)));
        assert_eq!("0".parse(), Ok(Span(0)));
        for wrong in [
            "",
            "d",
            "14",
            "-1d",
            "1.5d",
            "1w",
            "99999999999999999999d",
            "9999d",
        ] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
        for same in ["14d", "36h", "90m", "2s", "500ms", "0s"] {
            assert_eq!(same.parse::<Span>().unwrap().to_string(), same);
        }
    }

    #[test]
    fn a_moment_is_read_as_others_write_it() {
        let same = UnixMs(1_790_000_000_000);
        for text in [
            "1790000000",
            "2026-09-21T14:13:20Z",
            "2026-09-21T16:13:20+02:00",
            "2026-09-21 14:13:20",
            " 2026-09-21T14:13:20.000Z ",
        ] {
            assert_eq!(text.parse(), Ok(same), "{text}");
        }
        assert_eq!("2026-09-21".parse(), Ok(UnixMs(1_789_948_800_000)));
        for wrong in [
            "",
            "yesterday",
            "-1",
            "0",
            "1790000000000",
            "21.09.2026",
            "1e9",
            "9999-01-01",
        ] {
            assert!(wrong.parse::<UnixMs>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_shows_as_rfc_3339() {
        assert_eq!(
            UnixMs(1_790_000_000_123).to_string(),
            "2026-09-21T14:13:20Z"
        );
    }
}
