use std::io::{self, Write as _};

use serde::Serialize;

use super::failure::{Failure, Result};

/// Where a command's data goes: text for people, or one JSON value.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// `json` asks for one JSON value instead of text.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes data to stdout: `value` as JSON, or the text for people.
    pub fn data(
        self,
        value: &(impl Serialize + ?Sized),
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(value)
                .map_err(|error| Failure::failed(format!("no JSON can be made of this: {error}")))?
        } else {
            text()
        };
        write_out(&text)
    }

    /// Says something to the person at the terminal, on stderr.
    #[expect(
        clippy::unused_self,
        reason = "what is said belongs to what is written"
    )]
    pub fn say(self, text: &str) {
        // Nobody may be listening; the deed counts.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Writes text and the end of its last line to stdout. A reader that went away wants no more.
pub fn write_out(text: &str) -> Result<()> {
    let text = text.trim_end_matches('\n');
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "the output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Rows under headings, in columns as wide as their widest cell.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&headings.map(str::to_owned))];
    lines.extend(rows.iter().map(line));
    lines.join("\n")
}

/// Names and values, one a line, the values under each other.
pub fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name:width$}  {value}"))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["Ångström".to_owned(), "1".to_owned()],
            ["Bo".to_owned(), "22".to_owned()],
        ];
        assert_eq!(
            table(["NAME", "N"], &rows),
            "NAME      N\nÅngström  1\nBo        22"
        );
    }
}
