use leptos::prelude::*;

use super::words::thousands;
use super::{Icon, Shape};

/// The heading of a column.
pub enum Column {
    /// Words below it.
    Words(&'static str),
    /// Figures below it, flush right.
    Figures(&'static str),
    /// Controls below it, which speak for themselves: what the heading says is for whoever hears the table.
    Unseen(&'static str),
    /// A heading of its own, as a [`SortHeader`].
    Own(AnyView),
}

impl Column {
    fn heading(self) -> AnyView {
        match self {
            Self::Words(label) => view! { <th scope="col">{label}</th> }.into_any(),
            Self::Figures(label) => view! { <th scope="col" class="num">{label}</th> }.into_any(),
            Self::Unseen(label) => {
                view! { <th scope="col"><span class="visually-hidden">{label}</span></th> }
                    .into_any()
            }
            Self::Own(heading) => heading,
        }
    }
}

/// The headings of a table, in order.
pub struct Columns(Vec<Column>);

impl<const N: usize> From<[&'static str; N]> for Columns {
    fn from(labels: [&'static str; N]) -> Self {
        Self(labels.map(Column::Words).into())
    }
}

impl<const N: usize> From<[Column; N]> for Columns {
    fn from(columns: [Column; N]) -> Self {
        Self(columns.into())
    }
}

impl From<Vec<Column>> for Columns {
    fn from(columns: Vec<Column>) -> Self {
        Self(columns)
    }
}

/// A table whose rows are cards on a phone: each `td` of a row has its column in `data-label`.
#[component]
pub fn Table(
    /// What it holds, for whoever does not see it at a glance.
    #[prop(into)]
    caption: String,
    /// The headings.
    #[prop(into)]
    columns: Columns,
    /// The name of the box around it, where it can be wider than the page: it scrolls then, by keyboard too.
    #[prop(optional)]
    wide: Option<&'static str>,
    /// Whether it stands in a panel, and needs no box of its own.
    #[prop(optional)]
    boxless: bool,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let headings: Vec<_> = columns.0.into_iter().map(Column::heading).collect();
    let table = view! {
        <table class="data cards">
            <caption class="visually-hidden">{caption}</caption>
            <thead><tr>{headings}</tr></thead>
            <tbody>{children()}</tbody>
        </table>
    };
    if boxless {
        return table.into_any();
    }
    let (tabindex, role) = wide.map(|_| ("0", "region")).unzip();
    view! { <div class="table-box" tabindex=tabindex role=role aria-label=wide>{table}</div> }
        .into_any()
}

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Order {
    /// The other way: what a click on the sorted column asks for.
    #[must_use]
    pub const fn turned(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// The heading of a column that can be sorted: a link, so that the order stands in the URL.
#[component]
pub fn SortHeader(
    /// The column's name.
    #[prop(into)]
    label: String,
    /// The page sorted by this column, the other way if it already is.
    #[prop(into)]
    href: String,
    /// How the page is sorted by this column now, if it is.
    #[prop(optional_no_strip)]
    order: Option<Order>,
    /// Whether the column holds figures.
    #[prop(optional)]
    num: bool,
) -> impl IntoView {
    let (word, shape) = match order {
        None => ("none", Shape::UpDown),
        Some(Order::Ascending) => ("ascending", Shape::Up),
        Some(Order::Descending) => ("descending", Shape::Down),
    };
    view! {
        <th scope="col" aria-sort=word class=num.then_some("num")>
            <a class="sort" href=href>
                {label}
                <Icon shape small=true />
            </a>
        </th>
    }
}

/// Numbered pages, as links. Nothing when all fits on one page.
#[component]
pub fn Pagination<F>(
    /// This page, from 1.
    page: u64,
    /// Rows on a page.
    per_page: u64,
    /// Rows in all.
    total: u64,
    /// The address of a page.
    href: F,
) -> impl IntoView
where
    F: Fn(u64) -> String,
{
    let pages = total.div_ceil(per_page.max(1));
    if pages <= 1 {
        return None;
    }
    let page = page.clamp(1, pages);
    let first = (page - 1) * per_page + 1;
    let last = (page * per_page).min(total);
    let note = format!(
        "{}–{} of {}",
        thousands(first),
        thousands(last),
        thousands(total)
    );
    let mut before = 0;
    let mut items = Vec::new();
    for number in shown_pages(page, pages) {
        if number > before + 1 {
            items.push(view! { <li><span class="gap">"…"</span></li> }.into_any());
        }
        before = number;
        let name = format!("Page {}", thousands(number));
        items.push(
            view! {
                <li>
                    <a href=href(number) aria-label=name aria-current=(number == page).then_some("page")>
                        {thousands(number)}
                    </a>
                </li>
            }
            .into_any(),
        );
    }
    let previous = (page > 1).then(|| href(page - 1));
    let next = (page < pages).then(|| href(page + 1));
    Some(view! {
        <nav class="pager" aria-label="Pages">
            <span class="pager-note">{note}</span>
            <ol role="list">
                {previous.map(|href| view! { <li><a href=href rel="prev">"Previous"</a></li> })}
                {items} {next.map(|href| view! { <li><a href=href rel="next">"Next"</a></li> })}
            </ol>
        </nav>
    })
}

/// Backwards and forwards only, for lists paged by key. Nothing when there is neither.
#[component]
pub fn StepPager(
    /// What is shown: "1–50 of 1,240".
    #[prop(optional, into)]
    note: String,
    /// The address of the page before.
    #[prop(optional_no_strip)]
    previous: Option<String>,
    /// The address of the page after.
    #[prop(optional_no_strip)]
    next: Option<String>,
) -> impl IntoView {
    if previous.is_none() && next.is_none() {
        return None;
    }
    Some(view! {
        <nav class="pager" aria-label="Pages">
            <span class="pager-note">{note}</span>
            <ol role="list">
                {previous.map(|href| view! { <li><a href=href rel="prev">"Previous"</a></li> })}
                {next.map(|href| view! { <li><a href=href rel="next">"Next"</a></li> })}
            </ol>
        </nav>
    })
}

/// The first, the last, this one and its neighbours.
fn shown_pages(page: u64, pages: u64) -> impl Iterator<Item = u64> {
    let near = page.saturating_sub(1).max(1)..=(page + 1).min(pages);
    let first = (*near.start() > 1).then_some(1);
    let last = (*near.end() < pages).then_some(pages);
    first.into_iter().chain(near).chain(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_show_both_ends_and_the_neighbours() {
        let shown = |page, pages| shown_pages(page, pages).collect::<Vec<_>>();
        assert_eq!(shown(1, 2), [1, 2]);
        assert_eq!(shown(1, 25), [1, 2, 25]);
        assert_eq!(shown(9, 25), [1, 8, 9, 10, 25]);
        assert_eq!(shown(25, 25), [1, 24, 25]);
    }
}
