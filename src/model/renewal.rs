//! What is chosen when a new token is made: how long it lives, and what becomes of the old one.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{DAY_MS, HOUR_MS, InvalidInput, Span, UnixMs};

/// The furthest end that may be chosen, in milliseconds: ten years.
const LONGEST_MS: i64 = 3_660 * DAY_MS;

/// When a new token expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// So long after it was issued.
    After(Span),
    /// With the last second of this day, UTC.
    On(Date),
    /// Never: it lives until it is revoked or replaced.
    Never,
}

impl Expiry {
    /// A year: what is proposed to people.
    pub const YEAR: Self = Self::After(Span::days(365));
    /// What people are offered, beside a day of their own; the shortest first.
    pub const OFFERED: [Self; 4] = [
        Self::After(Span::days(30)),
        Self::After(Span::days(90)),
        Self::YEAR,
        Self::Never,
    ];

    /// The choice that gave a token this end.
    pub fn of(expires_at: Option<UnixMs>, issued_at: UnixMs) -> Self {
        let Some(end) = expires_at else {
            return Self::Never;
        };
        let span = end.since(issued_at);
        let on = jiff::Timestamp::from_second(end.seconds())
            .map(|end| end.to_zoned(TimeZone::UTC).date());
        match on {
            Ok(date) if span % DAY_MS != 0 && end_of(date).is_some_and(|last| last == end) => {
                Self::On(date)
            }
            _ => Self::After(Span(span)),
        }
    }

    /// The end of a token that is issued now; `None` when it has none.
    ///
    /// # Errors
    /// When the end does not lie ahead, or lies more than ten years ahead.
    pub fn ends_at(self, now: UnixMs) -> Result<Option<UnixMs>, InvalidInput> {
        let end = match self {
            Self::Never => return Ok(None),
            Self::After(span) => now.plus(span.ms()),
            Self::On(date) => end_of(date).unwrap_or(UnixMs(i64::MAX)),
        };
        match end.since(now) {
            ..=0 => Err(InvalidInput::new("expiry", "lies in the future")),
            1..=LONGEST_MS => Ok(Some(end)),
            _ => Err(InvalidInput::new("expiry", "is at most ten years away")),
        }
    }
}

/// The last second of a day, UTC.
fn end_of(date: Date) -> Option<UnixMs> {
    let midnight = date
        .to_zoned(TimeZone::UTC)
        .ok()?
        .timestamp()
        .as_millisecond();
    Some(UnixMs(midnight).plus(DAY_MS - 1_000))
}

impl FromStr for Expiry {
    type Err = InvalidInput;

    /// Reads `90d`, a day such as `2027-03-01`, or `never`.
    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let text = text.trim();
        if text == "never" {
            return Ok(Self::Never);
        }
        // A day and nothing after it: jiff would pass over a time.
        if text.len() == 10
            && let Ok(date) = text.parse::<Date>()
        {
            return Ok(Self::On(date));
        }
        text.parse().map(Self::After).map_err(|_| {
            InvalidInput::new(
                "expiry",
                "is a length of time such as 90d, a day such as 2027-03-01, or never",
            )
        })
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(span) => span.fmt(f),
            Self::On(date) => date.fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

/// What happens to an integration's older tokens when a new one is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retirement {
    /// They end at once.
    AtOnce,
    /// They end after the new one's first use, `overlap` milliseconds later.
    AfterFirstUse {
        /// Milliseconds both still work, counted from the new token's first use.
        overlap: i64,
    },
    /// They stay.
    Keep,
}

impl Retirement {
    /// A day after the new one's first use: what is proposed to people.
    pub const USUAL: Self = Self::AfterFirstUse {
        overlap: 24 * HOUR_MS,
    };
    /// What people are offered; the usual first.
    pub const OFFERED: [Self; 5] = [
        Self::USUAL,
        Self::AfterFirstUse { overlap: HOUR_MS },
        Self::AfterFirstUse {
            overlap: 7 * DAY_MS,
        },
        Self::AtOnce,
        Self::Keep,
    ];

    /// Its name in rows.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::AfterFirstUse { .. } => "after-first-use",
            Self::Keep => "keep",
        }
    }

    /// Milliseconds of overlap; 0 where there is none.
    pub const fn overlap(self) -> i64 {
        match self {
            Self::AfterFirstUse { overlap } => overlap,
            Self::AtOnce | Self::Keep => 0,
        }
    }

    /// Reads the pair that a row holds.
    pub fn parse(slug: &str, overlap: i64) -> Result<Self, InvalidInput> {
        match slug {
            "at-once" => Ok(Self::AtOnce),
            "after-first-use" if overlap >= 0 => Ok(Self::AfterFirstUse { overlap }),
            "keep" => Ok(Self::Keep),
            _ => Err(wrong_retirement()),
        }
    }
}

const fn wrong_retirement() -> InvalidInput {
    InvalidInput::new(
        "end of the old token",
        "is at-once, keep, or how long it goes on after the new one's first request: 1h, 24h, 7d",
    )
}

impl FromStr for Retirement {
    type Err = InvalidInput;

    /// Reads what a form or a command says: `at-once`, `keep`, or the overlap alone, such as `24h`.
    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        match text.trim() {
            "at-once" => Ok(Self::AtOnce),
            "keep" => Ok(Self::Keep),
            "after-first-use" => Ok(Self::USUAL),
            overlap => overlap
                .parse()
                .map(|overlap: Span| Self::AfterFirstUse {
                    overlap: overlap.ms(),
                })
                .map_err(|_| wrong_retirement()),
        }
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtOnce | Self::Keep => f.write_str(self.slug()),
            Self::AfterFirstUse { overlap } => Span(*overlap).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_320_960_000); // 2026-11-22T04:16:00Z

    #[test]
    fn what_is_offered_is_read_as_it_is_written() {
        for offered in Expiry::OFFERED {
            assert_eq!(offered.to_string().parse(), Ok(offered));
        }
        for offered in Retirement::OFFERED {
            assert_eq!(offered.to_string().parse(), Ok(offered));
            assert_eq!(
                Retirement::parse(offered.slug(), offered.overlap()),
                Ok(offered)
            );
        }
        assert_eq!("24h".parse(), Ok(Retirement::USUAL));
        for wrong in ["", "soon", "later", "-1d"] {
            assert!(wrong.parse::<Expiry>().is_err(), "{wrong}");
            assert!(wrong.parse::<Retirement>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_counts_to_its_end_and_a_past_one_not_at_all() {
        let ends = |text: &str| text.parse::<Expiry>().unwrap().ends_at(NOW);
        assert_eq!(
            ends("2026-11-22").unwrap().unwrap().to_string(),
            "2026-11-22T23:59:59Z"
        );
        assert_eq!(ends("90d"), Ok(Some(NOW.plus(90 * DAY_MS))));
        assert_eq!(ends("never"), Ok(None));
        for past in ["2026-11-21", "0d", "2036-12-01", "9999-12-31"] {
            assert!(ends(past).is_err(), "{past}");
        }
        for no_day in ["2026-02-30", "2026-11-22T10:00", "22.11.2026", "20261122"] {
            assert!(no_day.parse::<Expiry>().is_err(), "{no_day}");
        }
    }

    #[test]
    fn a_tokens_end_tells_the_choice_it_was_made_with() {
        for chosen in [
            Expiry::YEAR,
            Expiry::Never,
            "36h".parse().unwrap(),
            "2027-03-01".parse().unwrap(),
        ] {
            let end = chosen.ends_at(NOW).unwrap();
            assert_eq!(Expiry::of(end, NOW), chosen);
        }
    }
}
