//! Values that stand in no document: written as one text, or held by the program.

use crate::describe::Shape;
use crate::path::Segment;
use crate::value::Value;

use super::expected::Expected;
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};

/// Reads a text as the type wants it: a list is JSON, TOML, or its elements with `separator` between them.
///
/// # Errors
///
/// A code and a message, where it must be a list or a table and is none. Whether a number is one, decoding tells.
pub(super) fn read(
    text: &str,
    separator: char,
    here: &Expected,
    place: &Place,
) -> Result<Node, (&'static str, String)> {
    let (wants_row, wants_table) = here.shapes().iter().fold((false, false), |(row, table), shape| {
        (row || shape.is_row(), table || matches!(shape, Shape::Struct(_) | Shape::Map(_) | Shape::Enum(..)))
    });
    let is_nested = text.trim_start().starts_with(['[', '{']);
    if is_nested && (wants_row || wants_table) {
        match nested(text.trim(), place) {
            Ok(node) => return Ok(node),
            // An address of version 6 begins as a list does, and ends with its port.
            Err(_) if wants_row && text.trim_start().starts_with('[') && !text.trim_end().ends_with(']') => {}
            Err(message) => return Err(("syntax", message)),
        }
    }
    let at = |kind| Node { place: place.clone(), kind };
    let is_scalar =
        |shape: &Shape| matches!(shape, Shape::Bool | Shape::Integer { .. } | Shape::Float | Shape::Text);
    if wants_row && !here.shapes().iter().any(is_scalar) {
        let parts: Vec<_> = match text.trim() {
            "" => Vec::new(),
            _ => text.split(separator).map(str::trim).collect(),
        };
        let elements = parts.into_iter().enumerate().map(|(index, part)| {
            let below = here.step(&Segment::Index(index));
            at(scalar(part, &below))
        });
        return Ok(at(Kind::Array(elements.collect())));
    }
    Ok(at(scalar(text, here)))
}

/// Reads what is not a list. What does not fit is left as a text, for decoding to say so.
fn scalar(text: &str, here: &Expected) -> Kind {
    let trimmed = text.trim();
    let word = || Kind::Word(text.into());
    match here.shapes() {
        [Shape::Bool] => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Kind::Bool(true),
            "false" | "no" | "off" | "0" => Kind::Bool(false),
            _ => word(),
        },
        [Shape::Integer { .. }] => match (trimmed.parse(), trimmed.parse()) {
            (Ok(number), _) => Kind::Integer(number),
            (_, Ok(number)) => Kind::Unsigned(number),
            _ => word(),
        },
        [Shape::Float] => trimmed.parse().map_or_else(|_| word(), Kind::Float),
        [Shape::Text] => Kind::Text(text.into()),
        [_, _, ..] => any_of(text, here).unwrap_or_else(word),
        _ => {
            // The names of variants are mostly written as variables are.
            let choices = here.choices();
            let same = choices.iter().find(|name| **name == trimmed);
            let same = same.or_else(|| choices.iter().find(|name| name.eq_ignore_ascii_case(trimmed)));
            same.map_or_else(word, |name| Kind::Text((*name).into()))
        }
    }
}

/// Reads what several types are expected of, as an untagged enum has them: the narrowest that fits.
fn any_of(text: &str, here: &Expected) -> Option<Kind> {
    let trimmed = text.trim();
    let has = |is: fn(&Shape) -> bool| here.shapes().iter().any(is);
    let truth = trimmed.parse().ok().filter(|_| has(|shape| matches!(shape, Shape::Bool)));
    let is_integer = has(|shape| matches!(shape, Shape::Integer { .. }));
    let integer = trimmed.parse().ok().filter(|_| is_integer);
    let unsigned = trimmed.parse().ok().filter(|_| is_integer);
    let float = trimmed.parse().ok().filter(|_| has(|shape| matches!(shape, Shape::Float)));
    let kind = truth.map(Kind::Bool).or(integer.map(Kind::Integer));
    kind.or(unsigned.map(Kind::Unsigned)).or(float.map(Kind::Float))
}

/// Reads a list or a table of which JSON or TOML is written into one text.
fn nested(text: &str, place: &Place) -> Result<Node, String> {
    #[cfg(feature = "json")]
    if let Ok(mut node) = super::json::parse(text, place.layer()) {
        replace(&mut node, place);
        return Ok(node);
    }
    #[cfg(feature = "toml")]
    if !text.contains(['\n', '\r']) {
        if let Ok(node) = super::toml::parse(&format!("value = {text}"), place.layer()) {
            if let Some(mut node) = node.child("value").cloned() {
                replace(&mut node, place);
                return Ok(node);
            }
        }
    }
    let _ = (text, place);
    let formats: &[&str] = &[
        #[cfg(feature = "json")]
        "JSON",
        #[cfg(feature = "toml")]
        "TOML on one line",
    ];
    Err(format!("this is to be {}, and is not", formats.join(" or ")))
}

/// All of it stands where the text does.
#[cfg(any(feature = "json", feature = "toml"))]
fn replace(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.kind {
        Kind::Array(elements) => elements.iter_mut().for_each(|element| replace(element, place)),
        Kind::Table(table) => table.for_each_mut(|entry| {
            entry.place = place.clone();
            replace(&mut entry.value, place);
        }),
        _ => {}
    }
}

/// Counts the levels of a value.
pub(super) fn depth(node: &Node) -> usize {
    let children = |most: usize, node: &Node| most.max(depth(node));
    match &node.kind {
        Kind::Array(elements) => 1 + elements.iter().fold(0, children),
        Kind::Table(entries) => 1 + entries.iter().map(|entry| &entry.value).fold(0, children),
        _ => 0,
    }
}

/// Makes a node of a value. What is null, or cannot be shown, is not there.
pub(super) fn of_value(value: &Value<'_>, place: &Place) -> Option<Node> {
    let kind = match value {
        Value::Null | Value::Secret | Value::Opaque => return None,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Integer(value) => Kind::Integer(*value),
        Value::Unsigned(value) => Kind::Unsigned(*value),
        // As it is written, so that 0.1 stays 0.1.
        Value::Float32(value) => Kind::Float(value.to_string().parse().unwrap_or(f64::from(*value))),
        Value::Float(value) => Kind::Float(*value),
        Value::Text(text) => Kind::Text(text.clone().into()),
        Value::Duration(value) => {
            let entry = |key: &str, number: i128| Entry {
                key: key.into(),
                place: place.clone(),
                value: Node { place: place.clone(), kind: Kind::Integer(number) },
            };
            let nanos = entry("nanos", value.subsec_nanos().into());
            Kind::Table(Table::new(vec![entry("secs", value.as_secs().into()), nanos]))
        }
        // An element that is null holds the place of those behind it.
        Value::List(values) => Kind::Array(
            values
                .iter()
                .map(|value| {
                    of_value(value, place).unwrap_or(Node { place: place.clone(), kind: Kind::Null })
                })
                .collect(),
        ),
        Value::Table(entries) => {
            let mut table = Table::default();
            for (key, value) in entries {
                let Some(value) = of_value(value, place) else { continue };
                let entry = Entry { key: key.clone().into(), place: place.clone(), value };
                match table.find(key) {
                    Some(at) => table.replace(at, entry),
                    None => table.push(entry),
                }
            }
            Kind::Table(table)
        }
    };
    Some(Node { place: place.clone(), kind })
}
