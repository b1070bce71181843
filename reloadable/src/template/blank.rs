//! The lines of a type of which there is no value.

use std::borrow::Cow;

use super::outline::{DEPTH, Drawing, Item, Lines, Made, On};
use crate::describe::{Description, Field, Shape, Tagging, is_builtin};
use crate::value::Value;

impl Drawing {
    /// Writes out a type without a value: what may be left out is off, and so is whatever somebody must fill in.
    pub(super) fn blank(&mut self, description: Description) -> Made {
        self.blank_within(description, description.shape)
    }

    pub(super) fn blank_shape(&mut self, outer: Description, shape: Shape) -> Made {
        let held = self.open.iter().rposition(|open| *open == outer.type_name).map(|at| self.open.remove(at));
        let made = self.blank_within(outer, shape);
        self.open.extend(held);
        made
    }

    fn blank_within(&mut self, description: Description, shape: Shape) -> Made {
        let repeats = self.open.contains(&description.type_name);
        if repeats || self.open.len() >= DEPTH || self.left == 0 {
            return Made::new(Item::Plain(placeholder(shape, 0)), On::No);
        }
        self.open.push(description.type_name);
        let made = self.blank_open(shape);
        self.open.pop();
        made
    }

    fn blank_open(&mut self, shape: Shape) -> Made {
        match shape {
            Shape::Struct(fields) if !is_builtin(fields) => {
                let mut lines = Lines::default();
                for field in fields.iter().filter(|field| !field.skip) {
                    if !field.flatten {
                        self.named(field, None, &mut lines);
                    } else if !field.opaque {
                        let mut made = self.blank((field.describe)());
                        if field.optional {
                            switch_off(&mut made.item);
                            made.lacking = false;
                        }
                        lines.extend(made);
                    }
                }
                lines.into_made()
            }
            Shape::Optional(describe) | Shape::Like(describe) => self.blank(describe()),
            Shape::Newtype(field) => self.field(field, None, &[]),
            Shape::Map(describe) => {
                let mut lines = Lines::default();
                if !self.brief {
                    let made = self.blank(describe()).off();
                    let comment = vec![format!("(under any name; {})", describe().words())];
                    lines.lines.push(self.line("any_name", comment, made, false));
                }
                lines.into_made().off()
            }
            Shape::Sequence(describe) => match self.blank(describe()).item {
                Item::Table(lines) if !lines.is_empty() => Made::new(Item::Rows(vec![lines]), On::No),
                _ => Made::new(Item::Plain(Value::List(Vec::new())), On::No),
            },
            Shape::Enum(tagging, variants) => {
                let Some(variant) = variants.iter().find(|variant| !variant.skip) else {
                    return Made::new(Item::Plain(Value::Null), On::No);
                };
                let unit = matches!(variant.shape, Shape::Tuple([]));
                match tagging {
                    Tagging::Untagged => self.blank_open(variant.shape),
                    _ if variant.untagged => self.blank_open(variant.shape),
                    Tagging::External if unit => Made::new(Item::Plain(text(variant.name)), On::No),
                    Tagging::External => {
                        let made = self.blank_open(variant.shape).off();
                        self.wrapped(variant, made)
                    }
                    Tagging::Internal(tag) => {
                        let made =
                            if unit { Lines::default().into_made() } else { self.blank_open(variant.shape) };
                        Made { lacking: true, ..self.beside(tag, variant, made, false) }
                    }
                    Tagging::Adjacent(tag, content) => {
                        let made = if unit {
                            Lines::default().into_made()
                        } else {
                            let made = self.blank_open(variant.shape).off();
                            self.under(content, made)
                        };
                        Made { lacking: true, ..self.beside(tag, variant, made, false) }
                    }
                }
            }
            _ => Made::new(Item::Plain(placeholder(shape, 0)), On::No),
        }
    }
}

/// Turns all lines into comments.
pub(super) fn switch_off(item: &mut Item) {
    if let Item::Table(lines) = item {
        lines.iter_mut().for_each(|line| line.on = On::No);
    }
}

pub(super) fn text(text: &'static str) -> Value<'static> {
    Value::Text(Cow::Borrowed(text))
}

/// Returns a value of the right kind, for whoever takes a line out of its comment.
fn placeholder(shape: Shape, depth: usize) -> Value<'static> {
    let within = |field: &Field| match field.opaque {
        true => text(""),
        false => placeholder((field.describe)().shape, depth + 1),
    };
    match shape {
        _ if depth > DEPTH => text(""),
        Shape::Bool => Value::Bool(false),
        Shape::Integer { min, max } => Value::Integer(0.clamp(min, i128::try_from(max).unwrap_or(i128::MAX))),
        Shape::Float => Value::Float(0.0),
        Shape::Optional(describe) | Shape::Like(describe) => placeholder(describe().shape, depth + 1),
        Shape::Newtype(field) => within(field),
        Shape::Sequence(_) => Value::List(Vec::new()),
        Shape::Tuple([]) => Value::Null,
        Shape::Tuple(fields) => Value::List(fields.iter().filter(|field| !field.skip).map(within).collect()),
        Shape::Struct(fields) if is_builtin(fields) => {
            Value::Table(fields.iter().map(|field| (Cow::Borrowed(field.name), within(field))).collect())
        }
        Shape::Struct(_) | Shape::Map(_) | Shape::Enum(..) => Value::Table(Vec::new()),
        Shape::Text | Shape::Opaque => text(""),
    }
}
