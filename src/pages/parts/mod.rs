//! What pages are built of: plain components that return views. No state, no I/O; every part works without script.
//!
//! # The classes a page author needs
//! The parts carry their own; these are for what stands between them. Each file of `style/components/` begins with
//! the full list. Never a `style` attribute: the policy forbids it.
//!
//! | class | use |
//! |---|---|
//! | `main.page#main` | the column, children 24 px apart; `.page.narrow` for login, `.page.reading` for help and single forms |
//! | `section.section` | a part of a page with its own `h2`; `.section-head` puts `h2` and a link on one line |
//! | `.panel` | a card; `.panel.flush` without padding, with `.panel-head` and `.panel-foot`; any tone colours its edge |
//! | `.stack` `.tight` `.loose` | children under each other: 16, 8, 32 px |
//! | `.cluster`, `.split` | beside each other; at two ends of a line |
//! | `.columns`, `.columns.side` | equal columns; a wide and a narrow one |
//! | `.banner` | the phase: `.banner-line` > (`div` > `h2.banner-title` + `p`) + `p.banner-when`, then a [`SegmentBar`] |
//! | `.rows` | integrations: `.rows-head[aria-hidden]` > 5 `span`, then `ul[role=list]` > `li.row` (`.tone-bad` when it needs a token) > `.row-name` `.row-standing` `.row-cadence` `.row-last` `.row-action` |
//! | `.button` | `.primary` (one a page), `.danger`, `.quiet`, `.small`, `.wide`, `.gated`; `.link-button` |
//! | `.actions` | a row of buttons; `.actions.last` at the end of a page |
//! | `.form`, `.form.inline`, `form.filters` | fields under each other; on one line; above a table (`.field.search` grows) |
//! | `.token-box` > `output#token.token` + button | the fresh secret |
//! | `.copy-line` > `code` + button | one line to take along |
//! | `ol.steps` > `li` > `div` | numbered steps; `li.done`, `li[aria-current=step]` |
//! | [`Table`] > `tr` > `th[scope=row]`, `td[data-label]` | a table, whose rows are cards on a phone; `.num` figures; `.cell-two` two lines |
//! | `.table-tools`, `nav.chips` | count and CSV above a table; quick filters as links |
//! | `details.qa` > `summary` + `div` | a question and its answer |
//! | `aside.demo-strip[aria-label]`, `.page-end` | the strip of the demo; the last, quiet line of a page |
//! | `.quiet` `.small` `.strong` `.mono` `.num` `.nowrap` `.measure` `.visually-hidden` `.no-print` `.only-print` | one thing each |

mod badge;
mod cadence;
mod chart;
mod facts;
mod form;
mod head;
mod icon;
mod notice;
mod segments;
mod stats;
mod table;
mod tabs;
mod tone;
mod when;
mod words;

/// Standings and states as icon, shape and word.
pub use badge::{Badge, StandingBadge, StateBadge, standing_look};
/// How often an integration calls, as bars.
pub use cadence::CadenceBars;
/// Curves with the numbers behind them.
pub use chart::{AreaChart, Ceiling, Point};
/// Facts, what happened, and where a rotation stands.
pub use facts::{Fact, Facts, Happening, PhaseTrack, Timeline};
/// Fields wired to their hints and errors, choices, acknowledgements, the typed confirmation.
pub use form::{
    Acknowledge, Acknowledgements, Choice, Choices, Field, Focus, SelectField, TextField,
    TypedConfirmation,
};
/// The head of a page and the way to it.
pub use head::{Breadcrumbs, Crumb, PageHeader};
/// Inline icons and the mark.
pub use icon::{Icon, Mark, Shape};
/// Strips, the error summary, the empty state, the live panel.
pub use notice::{EmptyState, ErrorSummary, FieldError, LivePanel, Notice, error_of};
/// A bar of segments with its numbers.
pub use segments::{Segment, SegmentBar};
/// Numbers as tiles.
pub use stats::{Stat, StatTiles};
/// Tables, sortable headings and pages.
pub use table::{Column, Order, Pagination, SortHeader, StepPager, Table};
/// Tabs without script, and code.
pub use tabs::{Code, Tab, Tabs};
/// The colour a part speaks in.
pub use tone::Tone;
/// Moments in absolute and relative time.
pub use when::{When, day, deadline, moment, moment_to_the_second, when};

pub use crate::model::ago;
/// Numbers in words.
pub use words::{counted, thousands};

#[cfg(test)]
mod tests;
