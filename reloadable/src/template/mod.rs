//! A configuration file to start from, written from the description of a type and its defaults.

mod comment;
mod shown;
mod outline;
mod blank;
mod toml;
mod json;
mod yaml;

use crate::describe::Description;
use crate::document::Format;
use crate::value::Value;

use self::outline::{Doubt, Item, Line, On, Outline};

/// How many doubts are tried one by one.
const TRIED: usize = 100;

/// Writes a template of a type: with the fields of `value` where there is one, else with those that must be filled in.
///
/// `differences` tells in how many places a text gives another value, or that it cannot be read.
pub(crate) fn write(
    description: Description,
    value: Option<&Value<'_>>,
    format: Format,
    differences: impl Fn(&str) -> Option<usize>,
) -> String {
    let mut outline = Outline::new(description, value);
    let has_comments = matches!(format, Format::Toml | Format::Jsonc | Format::Yaml);
    if !has_comments {
        // An example in no comment explains nothing.
        outline.doubts.iter_mut().for_each(|doubt| doubt.best |= doubt.safest);
    }
    let written = |choice: &[bool]| match format {
        Format::Toml => toml::write(&outline, choice),
        Format::Jsonc => json::write(&outline, choice, true),
        Format::Yaml => yaml::write(&outline, choice),
        // Nobody knows how a format of the application's own is written.
        Format::Json | Format::Custom(_) => json::write(&outline, choice, false),
    };
    let choice = choose(&outline.doubts, |choice| value.and_then(|_| differences(&written(choice))));
    written(&choice)
}

/// Decides every doubt: as is best for people, if that reads back; if not, as many in that way as do no harm.
fn choose(doubts: &[Doubt], differences: impl Fn(&[bool]) -> Option<usize>) -> Vec<bool> {
    let all = |decide: fn(&Doubt) -> bool| doubts.iter().map(decide).collect::<Vec<_>>();
    let best = all(|doubt| doubt.best);
    if doubts.is_empty() || differences(&best) == Some(0) {
        return best;
    }
    let mut choice = all(|doubt| doubt.safest);
    let Some(fewest) = differences(&choice) else { return all(|doubt| doubt.untried) };
    for (number, best) in best.iter().enumerate().take(TRIED) {
        let safest = std::mem::replace(&mut choice[number], *best);
        if safest != *best && differences(&choice).is_none_or(|differences| differences > fewest) {
            choice[number] = safest;
        }
    }
    choice
}

/// Returns whether a line is on, and what stands there then.
fn resolved<'l>(line: &'l Line, choice: &[bool]) -> (bool, Entry<'l>) {
    let on = match line.on {
        On::Yes => true,
        On::No => false,
        On::If(number) => choice.get(number).copied().unwrap_or(false),
    };
    let entry = match (&line.item, &line.empty) {
        (_, Some(empty)) if on => Entry::Plain(empty),
        (Item::Plain(value), _) => Entry::Plain(value),
        (Item::Table(lines), _) => Entry::Table(lines),
        (Item::Rows(rows), _) => Entry::Rows(rows),
    };
    (on, entry)
}

/// What is written behind a key.
#[derive(Clone, Copy)]
enum Entry<'l> {
    Plain(&'l Value<'static>),
    Table(&'l [Line]),
    Rows(&'l [Vec<Line>]),
}

/// Writes a number with a fraction so that every format reads one.
fn float(shown: &str) -> String {
    match shown.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOLD: Doubt = Doubt { best: true, safest: false, untried: false };

    #[test]
    fn the_best_that_reads_back_is_chosen() {
        let doubts = [BOLD; 3];
        assert_eq!(choose(&doubts, |_| Some(0)), [true; 3]);
        assert_eq!(choose(&doubts, |_| None), [false; 3]);
        assert_eq!(choose(&doubts, |choice| Some(usize::from(choice[1]))), [true, false, true]);
        assert_eq!(choose(&doubts, |choice| (!choice[1]).then_some(7)), [true, false, true]);
    }

    #[test]
    fn more_doubts_than_can_be_tried_stay_safe() {
        let doubts = vec![BOLD; TRIED + 2];
        let choice = choose(&doubts, |choice| Some(usize::from(choice[0])));
        assert_eq!(choice.iter().filter(|on| **on).count(), TRIED - 1);
    }
}
