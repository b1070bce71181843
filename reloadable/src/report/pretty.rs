//! A report in colour, as compilers print theirs.

use std::fmt;
use std::io::IsTerminal as _;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Report, Severity, Violation};

/// A report in the way of a compiler, with the lines at fault; see [`Report::pretty`].
#[derive(Debug, Clone)]
pub struct Pretty<'r> {
    report: &'r Report,
    color: Color,
}

/// Whether a report is printed in colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Color {
    /// If the standard error is a terminal, and the variable `NO_COLOR` is not set or empty (<https://no-color.org>).
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Report {
    /// Returns the report in the way of a compiler: each violation with the line at fault and what is wrong in it
    /// underlined, in colour where the standard error is a terminal.
    ///
    /// # Examples
    ///
    /// ```
    /// # type Limits = std::collections::BTreeMap<String, u16>;
    /// use reloadable::{Color, Format, MemorySource, Reloader};
    ///
    /// let (source, _document) = MemorySource::new("limits", Format::Toml, "workers = 'many'");
    /// let refused = Reloader::<Limits>::builder().source(source).check_blocking();
    /// let shown = refused.err().map(|error| error.report().pretty().color(Color::Never).to_string());
    /// assert_eq!(
    ///     shown.as_deref(),
    ///     Some(
    ///         "error[type]: workers: invalid type: string \"many\", expected u16
    ///  --> limits:1:11
    ///   |
    /// 1 | workers = 'many'
    ///   |           ^^^^^^"
    ///     )
    /// );
    /// ```
    #[must_use]
    pub fn pretty(&self) -> Pretty<'_> {
        Pretty { report: self, color: Color::default() }
    }
}

impl Pretty<'_> {
    /// Sets whether it is in colour.
    #[must_use]
    pub fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    fn is_colored(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = if self.is_colored() { Renderer::styled() } else { Renderer::plain() };
        for (nth, violation) in self.report.violations().iter().enumerate() {
            if nth > 0 {
                f.write_str("\n\n")?;
            }
            let texts = Texts::of(violation);
            let drawn = renderer.render(&[texts.group(violation)]);
            for line in drawn.split_inclusive('\n').filter(|line| plain(line).trim() != OTHER_FILE) {
                f.write_str(line)?;
            }
        }
        match self.report.omitted() {
            0 => Ok(()),
            omitted => write!(f, "\n\n... and {omitted} more"),
        }
    }
}

/// What announces a second file. The line at fault is given no name of its own, or its column would be counted within what
/// is shown of it, so it is taken for one.
const OTHER_FILE: &str = ":::";

/// Leaves out what sets colours.
fn plain(text: &str) -> String {
    let mut is_escape = false;
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '\u{1b}' => is_escape = true,
            'm' if is_escape => is_escape = false,
            _ if is_escape => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// What is printed of a violation besides its line.
struct Texts {
    title: String,
    origin: Option<String>,
    note: Option<String>,
}

impl Texts {
    fn of(violation: &Violation) -> Self {
        let path = violation.path();
        let title = if path.is_root() {
            violation.message().to_owned()
        } else {
            format!("{path}: {}", violation.message())
        };
        let origin = violation.origin().map(ToString::to_string);
        Self { title, origin, note: violation.note() }
    }

    fn group<'t>(&'t self, violation: &'t Violation) -> Group<'t> {
        let level = match violation.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut elements: Vec<Element<'t>> = Vec::new();
        if let Some(path) = &self.origin {
            let origin = Origin::path(path);
            elements.push(match violation.position() {
                Some(position) => origin.line(position.line).char_column(position.column).into(),
                None => origin.into(),
            });
        }
        if let Some(excerpt) = violation.excerpt() {
            let text = excerpt.text();
            let at = |characters: usize| text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
            let span = at(excerpt.start())..at(excerpt.start() + excerpt.length());
            let annotation = AnnotationKind::Primary.span(span);
            let snippet = Snippet::source(text).line_start(excerpt.line().unwrap_or(1));
            elements.push(snippet.annotation(annotation).into());
        }
        elements.extend(self.note.as_deref().map(|note| Element::from(Level::NOTE.message(note))));
        elements.extend(violation.hint().map(|hint| Element::from(Level::HELP.message(hint))));
        level.primary_title(&self.title).id(violation.code()).elements(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use crate::path::FieldPath;
    use crate::report::{Excerpt, Position};

    #[test]
    fn the_line_follows_its_place_in_colour_as_without() {
        let text = "a = 1\npool = 5000\n";
        let span = 13..17;
        let violation = Violation::new(FieldPath::root(), "range", "5000 is too much")
            .located(document::Origin::file("app.toml"), Some(Position::of(text, span.start)))
            .quoting(Some(Excerpt::of(text.as_bytes(), Some(2), &span, &[])));
        let report = Report::from(violation);
        let drawn = "error[range]: 5000 is too much
 --> app.toml:2:8
  |
2 | pool = 5000
  |        ^^^^";
        assert_eq!(report.pretty().color(Color::Never).to_string(), drawn);
        let colored = report.pretty().color(Color::Always).to_string();
        assert!(colored.contains('\u{1b}'));
        assert_eq!(plain(&colored), drawn);
    }
}
