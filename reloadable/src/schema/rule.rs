//! Rules as keywords, as far as their arguments are literal.

use serde_json::{Number, Value, json};

use super::{Keywords, pattern};
use crate::describe::{Bounds, Description, Literal, Rule, Shape};

/// Adds what a rule asks of a value, where a schema can say it.
pub(super) fn add(schema: &mut Keywords, rule: &Rule<'_>, description: Description) {
    let shape = description.shape;
    // What a URL or an address makes of its text is not what stands in the file.
    let is_text = matches!(shape, Shape::Text) && is_verbatim(description.type_name);
    let is_number = matches!(shape, Shape::Integer { .. } | Shape::Float);
    match rule.word {
        "range" if is_number => range(schema, &rule.bounds()),
        "length" => length(schema, &rule.bounds(), description, is_text),
        "non_empty" => {
            let one = Bounds { start: Some(Literal::Integer(1)), ..Bounds::default() };
            length(schema, &one, description, is_text);
        }
        "one_of" if is_text || is_number || matches!(shape, Shape::Bool) => {
            let choices: Option<Vec<_>> = rule.choices().map(|choices| choices.iter().map(value).collect());
            if let Some(choices) = choices {
                schema.insert("enum".to_owned(), Value::Array(choices));
            }
        }
        "pattern" if is_text => {
            let mut written = rule.choices().into_iter().flatten();
            if let (Some(Literal::Text(written)), None) = (written.next(), written.next()) {
                if let Some(pattern) = pattern::translated(&written) {
                    schema.insert("pattern".to_owned(), json!(pattern));
                }
            }
        }
        "unique" if matches!(shape, Shape::Sequence(_)) => {
            schema.insert("uniqueItems".to_owned(), json!(true));
        }
        // Of a map's keys the description tells nothing but the name of the type.
        "keys" if description.type_name.contains("<alloc::string::String, ") => {
            let mut names = Keywords::new();
            let key = Description::new("alloc::string::String", Shape::Text);
            rule.nested().for_each(|rule| add(&mut names, &rule, key));
            if !names.is_empty() {
                narrow(schema, "propertyNames", names);
            }
        }
        _ => {}
    }
}

/// Adds keywords to the schema under a word.
pub(super) fn narrow(schema: &mut Keywords, word: &str, more: Keywords) {
    match schema.get_mut(word) {
        Some(Value::Object(there)) => there.extend(more),
        _ => drop(schema.insert(word.to_owned(), Value::Object(more))),
    }
}

fn is_verbatim(type_name: &str) -> bool {
    ["str", "char", "alloc::string::String", "std::path::Path", "std::path::PathBuf"].contains(&type_name)
        || type_name.starts_with("camino::")
}

fn range(schema: &mut Keywords, bounds: &Bounds<'_>) {
    if let Some(start) = bounds.start.as_ref().map(value).filter(Value::is_number) {
        let own = schema.get("minimum").and_then(Value::as_f64);
        if own.is_none_or(|own| start.as_f64().is_some_and(|start| start > own)) {
            schema.insert("minimum".to_owned(), start);
        }
    }
    if let Some(end) = bounds.end.as_ref().map(value).filter(Value::is_number) {
        if bounds.closed {
            schema.insert("maximum".to_owned(), end);
        } else {
            schema.insert("exclusiveMaximum".to_owned(), end);
        }
    }
}

fn length(schema: &mut Keywords, bounds: &Bounds<'_>, description: Description, is_text: bool) {
    let (least, most) = match description.shape {
        Shape::Text if is_text => ("minLength", "maxLength"),
        Shape::Sequence(_) => ("minItems", "maxItems"),
        Shape::Map(_) => ("minProperties", "maxProperties"),
        _ => return,
    };
    if let Some(Literal::Integer(start)) = bounds.start {
        schema.extend(number(start).map(|start| (least.to_owned(), start)));
    }
    let end = match bounds.end {
        Some(Literal::Integer(end)) => Some(if bounds.closed { end } else { end - 1 }),
        _ => None,
    };
    // In the file of a set, an element may stand twice.
    let is_set = description.type_name.split('<').next().is_some_and(|name| name.ends_with("Set"));
    if let (Some(end), false) = (end, is_set) {
        schema.extend(number(end).map(|end| (most.to_owned(), end)));
    }
}

fn value(literal: &Literal<'_>) -> Value {
    match literal {
        Literal::Bool(value) => json!(value),
        Literal::Integer(value) => number(*value).unwrap_or(Value::Null),
        Literal::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Literal::Char(value) => json!(value),
        Literal::Text(value) => json!(value),
    }
}

/// Returns a number, if JSON can hold it as it is.
pub(super) fn number(value: i128) -> Option<Value> {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Some(json!(value)),
        (_, Ok(value)) => Some(json!(value)),
        _ => None,
    }
}
