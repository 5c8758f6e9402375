use std::fmt;

/// How often something calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// Days from one day of use to the next, as is usual for it; 1 for daily.
    pub days: f64,
    /// Whether it calls many times on each day of use.
    pub busy: bool,
}

/// Reads the cadence from days of use (day number, uses), oldest first. `None` when it has been
/// used on fewer than two days: nothing is known, and that is what is said.
pub fn of_days(days: &[(i64, i64)]) -> Option<Cadence> {
    let mut gaps: Vec<i64> = days.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    if gaps.is_empty() {
        return None;
    }
    gaps.sort_unstable();
    let median = gaps[gaps.len() / 2].max(1);
    let uses: i64 = days.iter().map(|(_, uses)| uses).sum();
    let per_day = uses / i64::try_from(days.len()).unwrap_or(1).max(1);
    #[expect(
        clippy::cast_precision_loss,
        reason = "gaps are at most some hundred days"
    )]
    Some(Cadence {
        days: median as f64,
        busy: per_day >= 12,
    })
}

impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.days;
        if days < 1.5 {
            f.write_str(if self.busy {
                "many times a day"
            } else {
                "about every day"
            })
        } else if (6.0..=8.0).contains(&days) {
            f.write_str("about every week")
        } else if (27.0..=32.0).contains(&days) {
            f.write_str("about every month")
        } else {
            write!(f, "about every {days:.0} days")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(days: &[(i64, i64)]) -> Option<String> {
        of_days(days).map(|cadence| cadence.to_string())
    }

    #[test]
    fn cadence_is_read_from_days_of_use() {
        assert_eq!(
            words(&[(1, 24), (2, 24), (3, 24)]).as_deref(),
            Some("many times a day")
        );
        assert_eq!(
            words(&[(1, 1), (2, 1), (3, 1)]).as_deref(),
            Some("about every day")
        );
        assert_eq!(
            words(&[(0, 1), (7, 1), (14, 1)]).as_deref(),
            Some("about every week")
        );
        assert_eq!(
            words(&[(0, 1), (30, 1), (61, 1)]).as_deref(),
            Some("about every month")
        );
        assert_eq!(
            words(&[(0, 1), (10, 1)]).as_deref(),
            Some("about every 10 days")
        );
    }

    #[test]
    fn what_is_unknown_is_not_guessed() {
        assert_eq!(of_days(&[]), None);
        assert_eq!(of_days(&[(5, 100)]), None);
    }
}
