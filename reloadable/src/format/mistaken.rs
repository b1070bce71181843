//! A document that is well in another format than the one it is taken for.

use crate::document::{Format, Origin};

use super::tree::Kind;
use super::{Fault, read_as};

/// Says of a document that cannot be read as what it is taken for, if so, what it can be read as.
pub(super) fn explain(faults: Vec<Fault>, taken: Format, origin: &Origin, content: &str) -> Vec<Fault> {
    // Any line of words is YAML, but no table.
    let tells = |fault: &Fault| fault.code == "syntax" || (fault.code == "shape" && taken == Format::Yaml);
    let Some(nth) = faults.iter().position(tells) else { return faults };
    let Some(format) = FORMATS.into_iter().find(|format| *format != taken && reads_as(*format, content))
    else {
        return faults;
    };
    let explanation = match (taken, format) {
        (Format::Json, Format::Jsonc) => "a `.jsonc` file may have comments and trailing commas".to_owned(),
        _ if origin.path().is_some() => {
            format!("this reads as {format}, is the file's extension right?")
        }
        _ => format!("this reads as {format}, is {taken} right?"),
    };
    // What else is wrong with it in the wrong format says nothing.
    faults.into_iter().nth(nth).map(|fault| explained(fault, &explanation)).into_iter().collect()
}

/// The narrowest first: what is JSON is also JSON with comments, and mostly YAML.
const FORMATS: [Format; 4] = [Format::Json, Format::Jsonc, Format::Toml, Format::Yaml];

/// A format that takes almost anything for something is asked for more than that nothing is wrong.
fn reads_as(format: Format, content: &str) -> bool {
    let is_in_brackets = content.trim_start().starts_with(['{', '[']);
    if format == Format::Yaml && is_in_brackets {
        return false;
    }
    let Ok(root) = read_as(format, content, 0) else { return false };
    let Kind::Table(entries) = &root.kind else { return false };
    !entries.is_empty() && !entries.iter().any(|entry| entry.key.contains(['=', '{', '<']))
}

fn explained(fault: Fault, explanation: &str) -> Fault {
    let add = |message: String| format!("{message}; {explanation}");
    Fault { message: add(fault.message), redacted: fault.redacted.map(add), ..fault }
}
