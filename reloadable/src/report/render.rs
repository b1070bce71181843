//! A report as a text.

use std::fmt;

use super::{Report, Violation};

/// One line a violation, with the places, paths and messages in columns, and a last line if some were not kept. With
/// `{:#}`, each is followed by the line at fault, by the ways to set the field, and by a hint.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self
            .violations
            .iter()
            .map(|violation| (violation.place(), violation.path().to_string(), violation))
            .collect();
        let places = width(rows.iter().map(|(place, ..)| place));
        let paths = width(rows.iter().map(|(_, path, _)| path));
        for (nth, (place, path, violation)) in rows.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n")?;
            }
            for (column, width) in [(place, places), (path, paths)] {
                if width > 0 {
                    write!(f, "{column:width$}  ")?;
                }
            }
            write!(f, "{}  [{}{}]", violation.message(), violation.prefix(), violation.code())?;
            if f.alternate() {
                details(f, violation)?;
            }
        }
        match self.omitted {
            0 => Ok(()),
            omitted => write!(f, "\n... and {omitted} more"),
        }
    }
}

/// A column is as wide as its widest text, but for those that would push all others out of sight.
const WIDEST: usize = 100;

fn width<'t>(texts: impl Iterator<Item = &'t String>) -> usize {
    texts.map(|text| text.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or(0)
}

/// What follows below a violation's line.
fn details(f: &mut fmt::Formatter<'_>, violation: &Violation) -> fmt::Result {
    if let Some(excerpt) = violation.excerpt() {
        let number = excerpt.line().map_or_else(String::new, |line| line.to_string());
        let (start, length) = (excerpt.start(), excerpt.length());
        write!(f, "\n    {number:>4} | {}", excerpt.text())?;
        write!(f, "\n         | {:start$}{:^^length$}", "", "")?;
    }
    if let Some(note) = violation.note() {
        write!(f, "\n    {note}")?;
    }
    match violation.hint() {
        Some(hint) => write!(f, "\n    {hint}"),
        None => Ok(()),
    }
}
