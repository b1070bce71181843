//! What the comment of a field says: docs, type, rules and marks.

use super::outline::Item;
use crate::describe::{Description, Field, Rule, Shape, Variant};

/// How many options and newtypes within each other are looked through.
const DEPTH: usize = 12;

pub(super) fn documented(docs: &str) -> Vec<String> {
    docs.lines().map(ToOwned::to_owned).collect()
}

/// Says about a field what a reader of the file should know.
pub(super) fn comment(field: &Field, item: &Item, required: bool) -> Vec<String> {
    let innermost = innermost(field);
    let mut lines = documented(field.docs);
    if lines.is_empty() {
        lines = documented(innermost.description.docs);
    }
    let mut facts = Vec::new();
    if required {
        facts.push("required".to_owned());
    }
    if field.secret || innermost.secret {
        facts.push("secret".to_owned());
    }
    let rules: Vec<_> = field.written_rules().chain(innermost.rules).collect();
    let ruled = |word| rules.iter().any(|rule| rule.word == word && rule.when.is_none());
    if matches!(*item, Item::Plain(_)) && !ruled("one_of") {
        let words = field.words();
        // Its own bounds are narrower.
        let is_bounded = ruled("range") && words.starts_with("integer");
        facts.push(if is_bounded { "integer".to_owned() } else { words });
    } else if matches!(*item, Item::Rows(_)) {
        facts.push("list of tables".to_owned());
    }
    facts.extend(rules.iter().map(Rule::words));
    if field.file {
        facts.push("names a file".to_owned());
    }
    if field.restart {
        facts.push("a change needs a restart".to_owned());
    }
    if !field.aliases.is_empty() {
        facts.push(format!("also called {}", field.aliases.join(", ")));
    }
    if !facts.is_empty() {
        lines.push(format!("({})", facts.join("; ")));
    }
    if let (Shape::Enum(_, variants), false) = (innermost.description.shape, field.opaque) {
        lines.extend(choices(variants));
    }
    lines
}

/// What is within options and newtypes.
struct Innermost {
    description: Description,
    rules: Vec<Rule<'static>>,
    secret: bool,
}

fn innermost(field: &Field) -> Innermost {
    let mut found = Innermost { description: (field.describe)(), rules: Vec::new(), secret: false };
    for _ in 0..DEPTH {
        found.description = match found.description.shape {
            Shape::Optional(describe) | Shape::Like(describe) => describe(),
            Shape::Newtype(field) if !field.opaque => {
                found.rules.extend(field.written_rules());
                found.secret |= field.secret;
                (field.describe)()
            }
            _ => break,
        };
    }
    found
}

/// Lists the variants of an enum, where there is more to say than their names.
fn choices(variants: &[Variant]) -> Vec<String> {
    let told = |variant: &Variant| !variant.docs.is_empty() || !matches!(variant.shape, Shape::Tuple([]));
    if !variants.iter().any(told) {
        return Vec::new();
    }
    let named = variants.iter().filter(|variant| !variant.skip && !variant.untagged);
    named
        .map(|variant| {
            let fields = match variant.shape {
                Shape::Struct(fields) => fields,
                Shape::Newtype(field) if !field.opaque => (field.describe)().fields(),
                _ => &[],
            };
            let names: Vec<_> =
                fields.iter().filter(|field| !field.skip && !field.flatten).map(|field| field.name).collect();
            let holds = match variant.shape {
                _ if !names.is_empty() => format!(" {{ {} }}", names.join(", ")),
                Shape::Tuple([]) => String::new(),
                shape => format!(" ({})", Description::new("", shape).words()),
            };
            let docs = variant.docs.lines().next().unwrap_or_default();
            let colon = if docs.is_empty() { "" } else { ": " };
            format!("- {}{holds}{colon}{docs}", variant.name)
        })
        .collect()
}
