use leptos::prelude::*;

use super::words::{accounts, count, figure};
use crate::model::{DAY_MS, HOUR_MS, UnixMs};
use crate::pages::parts::{AreaChart, Ceiling, Point, Tone, day, moment};
use crate::rotation::rehearsal::{BurnDown, Curve};
use crate::store::rotations::Rotation;

/// How many points a curve is drawn with at the most.
pub const STEPS: i64 = 56;

/// The recording phase: captures over time, and what is missing up to all that could be captured.
/// `missing` counts the live tokens that have not been captured.
pub fn capture_chart(curve: &Curve, rotation: &Rotation, missing: i64) -> impl IntoView + use<> {
    let captured = curve.points.last().map_or(0, |(_, sum)| *sum);
    let now = curve.to;
    // The whole promised phase is the axis, unless that would squeeze the curve into a corner.
    let whole = rotation.ends_at.since(curve.from);
    let elapsed = now.since(curve.from);
    let (end, end_words) = if rotation.finalised_at.is_some() {
        (now, format!("{}, cutover", moment(now, now)))
    } else if rotation.ends_at > now && elapsed * 6 > whole {
        let end = rotation.ends_at;
        (end, format!("{}, the end promised", day(end, now)))
    } else {
        (now, String::new())
    };
    let moments = moments(curve.from, now, end);
    let slots = usize::try_from(STEPS + 1).unwrap_or(0);
    let slots = if end > now { slots } else { moments.len() };
    let points: Vec<Point> = moments
        .into_iter()
        .map(|at| Point {
            label: label(at, curve.from, now),
            value: count(value_at(&curve.points, at)),
        })
        .collect();
    let all = captured + missing;
    let answer = format!("{} of {} captured", figure(captured), figure(all));
    let ceiling = Some(Ceiling {
        value: count(all),
        label: format!("{} live tokens of the old key", figure(all)),
    });
    view! {
        <AreaChart title="Tokens captured" answer points counts="captured" ceiling missing="not seen yet" slots
            end=end_words/>
    }
}

/// The recovery: accounts that are affected still, from the cutover on.
pub fn burn_down_chart(burn: &BurnDown) -> impl IntoView + use<> {
    let (from, now) = (burn.from, burn.to);
    let recovered = i64::try_from(burn.recovered.len()).unwrap_or(0);
    let all = recovered + burn.affected;
    let points: Vec<Point> = moments(from, now, now)
        .into_iter()
        .map(|at| {
            let back = burn.recovered.partition_point(|moment| *moment <= at);
            Point {
                label: label(at, from, now),
                value: count(all).saturating_sub(u64::try_from(back).unwrap_or(0)),
            }
        })
        .collect();
    let answer = if burn.affected == 0 {
        format!("to zero: all of {} work again", accounts(all))
    } else {
        format!("{} of {} to go", figure(burn.affected), accounts(all))
    };
    // The first point is all that the cutover hit: no line above it is needed.
    view! { <AreaChart title="Accounts still affected" answer points counts="affected" tone=Tone::Bad/> }
}

/// Equally distant moments from `from` to `now`, both among them, of an axis that ends at `end`.
fn moments(from: UnixMs, now: UnixMs, end: UnixMs) -> Vec<UnixMs> {
    let step = (end.since(from) / STEPS).max(1_000);
    let mut moments: Vec<UnixMs> = (0..=STEPS)
        .map(|at| from.plus(at * step))
        .take_while(|at| *at < now)
        .collect();
    moments.push(now);
    moments
}

/// The sum reached at a moment.
fn value_at(points: &[(UnixMs, i64)], at: UnixMs) -> i64 {
    points
        .iter()
        .take_while(|(moment, _)| *moment <= at)
        .map(|(_, sum)| *sum)
        .max()
        .unwrap_or(0)
}

/// A moment as fine as the axis is long.
fn label(at: UnixMs, from: UnixMs, now: UnixMs) -> String {
    let span = now.since(from);
    if span > 20 * DAY_MS {
        day(at, now)
    } else if span > HOUR_MS {
        moment(at, now)
    } else {
        crate::pages::parts::moment_to_the_second(at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_ends_now_and_never_counts_what_comes_later() {
        let (from, now) = (UnixMs(0), UnixMs(560_000));
        let all = moments(from, now, now);
        assert_eq!((all.len(), all[0], all[56]), (57, from, now));
        let half = moments(from, now, UnixMs(1_120_000));
        assert_eq!((half.len(), half[28]), (29, now));
        let points = [(UnixMs(0), 0), (UnixMs(100), 5), (UnixMs(200), 9)];
        assert_eq!(value_at(&points, UnixMs(150)), 5);
        assert_eq!(value_at(&points, UnixMs(999)), 9);
    }
}
