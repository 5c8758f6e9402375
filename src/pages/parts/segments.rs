use leptos::prelude::*;

use super::tone::toned;
use super::words::thousands;
use super::{Icon, Shape, Tone};

/// The least share of the bar, in percent, at which a segment can still be seen.
const LEAST: f64 = 1.2;

/// One part of a whole: "53 not seen yet".
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its colour.
    pub tone: Tone,
    /// Its icon in the legend.
    pub shape: Shape,
    /// How many.
    pub count: u64,
    /// Of what.
    pub words: String,
}

/// A bar of segments and, below it, the numbers it shows. Segments of zero are left out of the bar.
#[component]
pub fn SegmentBar(
    /// The parts, in the order of the bar.
    #[prop(into)]
    parts: Vec<Segment>,
) -> impl IntoView {
    let counts: Vec<u64> = parts.iter().map(|part| part.count).collect();
    let bar = spans(&counts)
        .into_iter()
        .zip(&parts)
        .filter(|((_, wide), _)| *wide > 0.0)
        .map(|((x, wide), part)| {
            view! {
                <rect
                    class=part.tone.class()
                    x=format!("{x:.2}%")
                    y="-2"
                    width=format!("{wide:.2}%")
                    height="12"
                ></rect>
            }
        })
        .collect_view();
    let legend = parts
        .into_iter()
        .map(|part| {
            view! {
                <li class=toned("key", part.tone)>
                    <Icon shape=part.shape small=true />
                    <span>
                        <strong>{thousands(part.count)}</strong>
                        " "
                        {part.words}
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <svg class="segments" aria-hidden="true" width="100%" height="8">
            {bar}
        </svg>
        <ul class="legend">{legend}</ul>
    }
}

/// Where each segment begins and how wide it is, in percent; what is there at all can be seen.
#[expect(
    clippy::cast_precision_loss,
    reason = "shares of a bar: a token in 2^53 is no pixel"
)]
fn spans(counts: &[u64]) -> Vec<(f64, f64)> {
    let total: u64 = counts.iter().sum();
    let shares = counts.iter().map(|count| match *count {
        0 => 0.0,
        count => (count as f64 / total as f64 * 100.0).max(LEAST),
    });
    let sum: f64 = shares.clone().sum();
    let mut x = 0.0;
    shares
        .map(|share| {
            let wide = if sum > 0.0 { share / sum * 100.0 } else { 0.0 };
            let from = x;
            x += wide;
            (from, wide)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_always_full_and_the_few_can_be_seen() {
        let bar = spans(&[1_187, 0, 2]);
        let whole: f64 = bar.iter().map(|(_, wide)| wide).sum();
        assert!((whole - 100.0).abs() < 1e-9);
        assert!(bar[1].1.abs() < 1e-9);
        assert!(bar[2].1 > 1.0);
        assert_eq!(spans(&[0, 0]), vec![(0.0, 0.0); 2]);
    }
}
