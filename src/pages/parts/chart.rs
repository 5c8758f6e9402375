use leptos::prelude::*;

use super::words::thousands;
use super::{Tone, tone::toned};

/// The plot's own field, stretched to the room there is; heights are drawn in pixels.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 180.0;
/// Room above the highest value, for the words that stand there.
const HEADROOM: f64 = 1.16;

/// One value of a curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// When: "15 Nov", "03:00 UTC".
    pub label: String,
    /// How many.
    pub value: u64,
}

/// The line a curve strives for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// Where it lies.
    pub value: u64,
    /// What it is: "1,240 in use in the last 60 days".
    pub label: String,
}

/// A curve with the ground below it, as SVG in theme colours, and the numbers behind it.
/// With a ceiling, what is missing up to it is tinted amber. The last point is now; `slots` leaves room for what comes.
#[component]
pub fn AreaChart(
    /// What is shown.
    #[prop(into)]
    title: String,
    /// What it says, in one line: also the picture's text for assistive technology.
    #[prop(into)]
    answer: String,
    /// The values at equal distances, the last one now.
    #[prop(into)]
    points: Vec<Point>,
    /// What the values are: the legend, and the head of their column ("captured").
    #[prop(into)]
    counts: String,
    /// The line to reach.
    #[prop(optional_no_strip)]
    ceiling: Option<Ceiling>,
    /// What lies between curve and ceiling: "not seen yet".
    #[prop(optional, into)]
    missing: String,
    /// How many points the whole width takes; the points themselves when less.
    #[prop(optional)]
    slots: usize,
    /// What stands at the right end of the axis: "30 Nov, cutover".
    #[prop(optional, into)]
    end: String,
    /// What stands beside the last value: "now".
    #[prop(default = "now")]
    now: &'static str,
    /// The curve's colour: the accent, or red for a burn-down.
    #[prop(default = Tone::Accent)]
    tone: Tone,
) -> impl IntoView {
    let plot = Plot::new(&points, ceiling.as_ref(), slots);
    let told = format!("{title}: {answer}");
    let start = points.first().map(|point| point.label.clone());
    let key = (!missing.is_empty()).then(|| key(counts.clone(), missing));
    view! {
        <figure class="chart">
            <figcaption>
                <strong>{title}</strong>
                <span class="quiet">{answer}</span>
            </figcaption>
            <svg class=toned("plot", tone) role="img" aria-label=told height="208">
                <svg
                    x="0"
                    y="0"
                    width="100%"
                    height=px(HEIGHT)
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                >
                    {plot.shapes(&points, ceiling.as_ref())}
                </svg>
                {plot.last(&points, now)}
                {ceiling.map(|line| {
                    let y = px(plot.y(line.value) - 7.0);
                    view! { <text class="axis" x="0" y=y>{line.label}</text> }
                })}
                <text class="axis" x="0" y="202">{start}</text>
                <text class="axis" x="100%" y="202" text-anchor="end">{end}</text>
            </svg>
            <div class="split">{key} <Numbers points counts /></div>
        </figure>
    }
}

fn key(counts: String, missing: String) -> impl IntoView {
    view! {
        <ul class="chart-key" role="list">
            <li><span class="swatch area"></span>{counts}</li>
            <li><span class="swatch missing"></span>{missing}</li>
        </ul>
    }
}

/// The numbers behind a picture.
#[component]
fn Numbers(points: Vec<Point>, counts: String) -> impl IntoView {
    let rows = points
        .into_iter()
        .map(|point| {
            view! {
                <tr>
                    <th scope="row">{point.label}</th>
                    <td class="num">{thousands(point.value)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="chart-data">
            <summary>"Show the numbers"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="The numbers">
                <table class="data">
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col" class="num">{counts}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
}

/// Where things lie in a plot.
#[derive(Clone, Copy)]
struct Plot {
    step: f64,
    top: f64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "pixels: a count beyond 2^53 looks the same"
)]
impl Plot {
    fn new(points: &[Point], ceiling: Option<&Ceiling>, slots: usize) -> Self {
        let highest = points.iter().map(|point| point.value).max().unwrap_or(0);
        let top = highest.max(ceiling.map_or(0, |line| line.value)).max(1);
        let steps = slots.max(points.len()).saturating_sub(1).max(1);
        Self {
            step: WIDTH / steps as f64,
            top: top as f64 * HEADROOM,
        }
    }

    fn x(self, at: usize) -> f64 {
        self.step * at as f64
    }

    fn y(self, value: u64) -> f64 {
        HEIGHT - value as f64 / self.top * HEIGHT
    }

    /// The curve as path data: `M0 180 L10 160 …`; empty without points.
    fn curve(self, points: &[Point]) -> String {
        let corners = points.iter().enumerate().map(|(at, point)| {
            let letter = if at == 0 { 'M' } else { 'L' };
            format!("{letter}{:.1} {:.1}", self.x(at), self.y(point.value))
        });
        corners.collect()
    }

    fn shapes(self, points: &[Point], ceiling: Option<&Ceiling>) -> impl IntoView + use<> {
        let curve = self.curve(points);
        let right = px(self.x(points.len().saturating_sub(1)));
        let missing = ceiling.filter(|_| points.len() > 1).map(|line| {
            let d = format!("{curve}V{0}H0Z", px(self.y(line.value)));
            view! { <path class="missing" d=d></path> }
        });
        let line = ceiling.map(|line| {
            let d = format!("M0 {}H{WIDTH}", px(self.y(line.value)));
            view! { <path class="ceiling" d=d></path> }
        });
        let area = (points.len() > 1).then(|| {
            let d = format!("{curve}L{right} {HEIGHT}H0Z");
            view! { <path class="area" d=d></path> }
        });
        let half = self.step / 2.0;
        let days = points
            .iter()
            .enumerate()
            .map(|(at, point)| {
                let told = format!("{}: {}", point.label, thousands(point.value));
                view! {
                    <rect class="hit" x=px(self.x(at) - half) y="0" width=px(self.step) height=px(HEIGHT)>
                        <title>{told}</title>
                    </rect>
                }
            })
            .collect_view();
        view! {
            {missing}
            {area}
            {line}
            <path class="line" d=curve></path>
            <path class="base" d=format!("M0 {HEIGHT}H{WIDTH}")></path>
            {days}
        }
    }

    /// The last point: a dot, its value in words beside it, and a line down to the axis.
    fn last(self, points: &[Point], now: &str) -> Option<impl IntoView + use<>> {
        let point = points.last()?;
        let share = self.x(points.len() - 1) / WIDTH;
        let x = format!("{:.2}%", share * 100.0);
        let y = self.y(point.value);
        let words = format!("{} {now}", thousands(point.value));
        // Below the dot, where no curve can cross it, unless the axis is too near; at the side with more room.
        let dy = if y > HEIGHT - 32.0 { "-14" } else { "20" };
        let (dx, anchor) = if share < 0.7 {
            ("12", "start")
        } else {
            ("-10", "end")
        };
        Some(view! {
            <line class="now" x1=x.clone() x2=x.clone() y1=px(y) y2=px(HEIGHT) stroke-dasharray="2 3"></line>
            <circle class="now-dot" cx=x.clone() cy=px(y) r="5"></circle>
            <text class="axis value" x=x y=px(y) dx=dx dy=dy text-anchor=anchor>{words}</text>
        })
    }
}

/// A length with one decimal, which is finer than any screen.
fn px(length: f64) -> String {
    format!("{length:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[u64]) -> Vec<Point> {
        values
            .iter()
            .map(|value| Point {
                label: "1 Nov".to_owned(),
                value: *value,
            })
            .collect()
    }

    #[test]
    fn a_curve_fills_its_slots_and_never_divides_by_nothing() {
        let rising = points(&[0, 50, 100]);
        let plot = Plot::new(&rising, None, 5);
        assert_eq!(plot.curve(&rising), "M0.0 180.0L250.0 102.4L500.0 24.8");
        for few in [points(&[]), points(&[0])] {
            let plot = Plot::new(&few, None, 0);
            assert!(plot.y(0).is_finite() && plot.x(1).is_finite());
        }
    }
}
