use std::fmt::Write as _;

use serde::Deserialize;

use crate::pages::parts::Order;
use crate::rotation::rehearsal::{AccountQuery, Show, Sort};

/// What the URL asks for. What it does not name, or names wrongly, is as usual.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Ask {
    q: Option<String>,
    show: Option<String>,
    sort: Option<String>,
    dir: Option<String>,
    page: Option<String>,
}

/// What is asked for, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Part of the name or the contact.
    pub search: String,
    /// Which accounts.
    pub show: Show,
    /// By which column.
    pub sort: Sort,
    /// Which way.
    pub order: Order,
    /// Which page, from 1.
    pub page: i64,
}

impl Wanted {
    /// What can be shown: its name in the URL, its words.
    pub const SHOWS: [(Show, &'static str, &'static str); 4] = [
        (Show::Affected, "affected", "Affected"),
        (Show::Recovered, "recovered", "Work again"),
        (Show::All, "all", "Affected or work again"),
        (Show::Every, "every", "Every account"),
    ];
    const SORTS: [(Sort, &'static str); 3] = [
        (Sort::Name, "name"),
        (Sort::Affected, "affected"),
        (Sort::LastUse, "last-use"),
    ];

    /// Reads what a URL asks for.
    pub fn of(ask: Ask) -> Self {
        let show = ask.show.unwrap_or_default();
        let show = Self::SHOWS.into_iter().find(|known| known.1 == show);
        let sort = ask.sort.unwrap_or_default();
        let sort = Self::SORTS.into_iter().find(|known| known.1 == sort);
        let show = show.map_or(Show::Affected, |known| known.0);
        let sort = match show {
            // Every account is listed by name alone.
            Show::Every => Sort::Name,
            _ => sort.map_or(Sort::Name, |known| known.0),
        };
        let page = ask.page.and_then(|page| page.parse().ok()).unwrap_or(1);
        Self {
            search: ask.q.unwrap_or_default().trim().chars().take(100).collect(),
            show,
            sort,
            order: match ask.dir.as_deref() {
                Some("asc") => Order::Ascending,
                Some("desc") => Order::Descending,
                _ => usual(sort),
            },
            page: i64::clamp(page, 1, 1_000_000),
        }
    }

    /// The same as a question to the engine, of `limit` accounts.
    pub fn query(&self, offset: i64, limit: i64) -> AccountQuery {
        AccountQuery {
            search: self.search.clone(),
            show: self.show,
            sort: self.sort,
            descending: self.order != usual(self.sort),
            offset,
            limit,
        }
    }

    /// The filter's name in file names and URLs.
    pub fn show_slug(&self) -> &'static str {
        let known = Self::SHOWS.into_iter().find(|known| known.0 == self.show);
        known.map_or("affected", |known| known.1)
    }

    /// The address of this list; `path` is the page's or the CSV's.
    pub fn href(&self, path: &str) -> String {
        let mut query = Vec::new();
        if !self.search.is_empty() {
            query.push(format!("q={}", encoded(&self.search)));
        }
        if self.show != Show::Affected {
            query.push(format!("show={}", self.show_slug()));
        }
        if self.sort != Sort::Name || self.order != usual(self.sort) {
            let sort = Self::SORTS.into_iter().find(|known| known.0 == self.sort);
            query.push(format!("sort={}", sort.map_or("name", |known| known.1)));
        }
        if self.order != usual(self.sort) {
            let dir = match self.order {
                Order::Ascending => "asc",
                Order::Descending => "desc",
            };
            query.push(format!("dir={dir}"));
        }
        if self.page > 1 {
            query.push(format!("page={}", self.page));
        }
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    /// The address of the page itself.
    pub fn page_href(&self) -> String {
        self.href("/admin/accounts")
    }

    /// The list sorted by a column; the other way if it already is.
    pub fn sorted_by(&self, sort: Sort) -> (String, Option<Order>) {
        let is = (self.sort == sort).then_some(self.order);
        let to = Self {
            sort,
            order: is.map_or(usual(sort), Order::turned),
            page: 1,
            ..self.clone()
        };
        (to.page_href(), is)
    }
}

/// The order a column has when it is first chosen: names from the start, the most and the latest first.
const fn usual(sort: Sort) -> Order {
    match sort {
        Sort::Name => Order::Ascending,
        Sort::Affected | Sort::LastUse => Order::Descending,
    }
}

/// Percent-encodes all that is not unreserved (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&str, &str)]) -> Wanted {
        let get = |key: &str| {
            pairs
                .iter()
                .find(|pair| pair.0 == key)
                .map(|pair| pair.1.to_owned())
        };
        Wanted::of(Ask {
            q: get("q"),
            show: get("show"),
            sort: get("sort"),
            dir: get("dir"),
            page: get("page"),
        })
    }

    #[test]
    fn what_stands_in_the_url_comes_back_as_the_same_url() {
        assert_eq!(ask(&[]).page_href(), "/admin/accounts");
        let odd = ask(&[("show", "nonsense"), ("page", "-3"), ("dir", "up")]);
        assert_eq!(odd, ask(&[]));
        let full = ask(&[
            ("q", "a&b 100%"),
            ("show", "all"),
            ("sort", "last-use"),
            ("dir", "asc"),
            ("page", "7"),
        ]);
        assert_eq!(
            full.page_href(),
            "/admin/accounts?q=a%26b%20100%25&show=all&sort=last-use&dir=asc&page=7"
        );
        assert!(
            full.query(0, 1).descending,
            "against the usual order of last use"
        );
    }

    #[test]
    fn a_sorted_column_turns_and_another_begins_as_usual() {
        let by_name = ask(&[("page", "3")]);
        assert_eq!(
            by_name.sorted_by(Sort::Name).0,
            "/admin/accounts?sort=name&dir=desc"
        );
        assert_eq!(
            by_name.sorted_by(Sort::Affected).0,
            "/admin/accounts?sort=affected"
        );
        assert_eq!(by_name.sorted_by(Sort::Name).1, Some(Order::Ascending));
        assert_eq!(by_name.sorted_by(Sort::LastUse).1, None);
    }
}
