use leptos::prelude::*;

/// The width of a bar, the step from one to the next and the height, in the drawing's units.
const BAR: usize = 4;
const STEP: usize = 7;
const HEIGHT: u32 = 24;

/// How often an integration calls: one bar a day, oldest first. Heights grow with the square root of the count,
/// so that one call a day still shows beside a thousand.
#[component]
pub fn CadenceBars(
    /// Answered requests a day, oldest first, today last.
    #[prop(into)]
    days: Vec<u32>,
    /// Refused requests a day, in the same order; may be shorter or empty.
    #[prop(optional, into)]
    refused: Vec<u32>,
    /// The index of the day on which the recording phase began: from there the ground is tinted.
    #[prop(optional_no_strip)]
    recording_from: Option<usize>,
) -> impl IntoView {
    let busiest = days.iter().copied().max().unwrap_or(0);
    let told = in_words(&days, &refused);
    let width = (days.len() * STEP).saturating_sub(STEP - BAR).max(1);
    let ground = recording_from
        .filter(|from| *from < days.len())
        .map(|from| {
            let x = format!("{}.5", (from * STEP).saturating_sub(2));
            let wide = ((days.len() - from) * STEP).to_string();
            view! { <rect class="since" x=x y="0" width=wide height=HEIGHT.to_string() rx="3"></rect> }
        });
    let bars = days
        .into_iter()
        .zip(refused.into_iter().chain(std::iter::repeat(0)))
        .enumerate()
        .map(|(at, (used, refused))| bar(at * STEP, used, busiest, refused))
        .collect_view();
    view! {
        <svg
            class="cadence"
            viewBox=format!("0 0 {width} {HEIGHT}")
            preserveAspectRatio="none"
            aria-hidden="true"
        >
            {ground}
            {bars}
        </svg>
        <span class="visually-hidden">{told}</span>
    }
}

/// A day: a bar for use, a dot for none, a broken bar where every request was refused.
fn bar(x: usize, count: u32, busiest: u32, refused: u32) -> AnyView {
    let x = x.to_string();
    let wide = BAR.to_string();
    if count == 0 && refused > 0 {
        return view! {
            <rect class="bar refused" x=x.clone() y="8" width=wide.clone() height="4"></rect>
            <rect class="bar refused" x=x y="14" width=wide height="8"></rect>
        }
        .into_any();
    }
    if count == 0 {
        return view! { <rect class="bar none" x=x y="19" width=wide height="3" rx="1.5"></rect> }
            .into_any();
    }
    let share = (f64::from(count) / f64::from(busiest.max(1))).sqrt();
    let high = 6.0 + 14.0 * share;
    let y = format!("{:.1}", 22.0 - high);
    view! { <rect class="bar" x=x y=y width=wide height=format!("{high:.1}") rx="1.5"></rect> }
        .into_any()
}

fn in_words(days: &[u32], refused: &[u32]) -> String {
    let used = days.iter().filter(|count| **count > 0).count();
    let refused = refused.iter().filter(|count| **count > 0).count();
    let all = days.len();
    let told = match used {
        0 => format!("Not used in the last {all} days"),
        _ => format!("Used on {used} of the last {all} days"),
    };
    match refused {
        0 => told,
        _ => format!("{told}, refused on {refused}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bars_are_told_in_words() {
        assert_eq!(in_words(&[0; 30], &[]), "Not used in the last 30 days");
        assert_eq!(
            in_words(&[3, 0, 1], &[0, 2]),
            "Used on 2 of the last 3 days, refused on 1"
        );
    }
}
