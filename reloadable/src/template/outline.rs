//! What a template says, before it is written in a format: a value beside its description.

use std::borrow::Cow;

use super::blank::{switch_off, text};
use super::comment::{comment, documented};
use super::shown::{fits_among_others, guess, is_common, is_whole};
use crate::describe::{Description, Field, Shape, Tagging, Variant};
use crate::describe::{Entries, claim, claim_within, entry, fits, is_builtin, is_tag};
use crate::value::Value;

/// How many tables within tables are written out where there is no value.
pub(super) const DEPTH: usize = 12;
/// How many lines a template has; types that hold each other would have no end.
const LINES: usize = 10_000;

/// One key of a table.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) key: String,
    pub(super) comment: Vec<String>,
    pub(super) item: Item,
    pub(super) on: On,
    /// What stands there where the line is on although its item is only an example.
    pub(super) empty: Option<Value<'static>>,
    /// A format without comments writes a null where the line is off.
    pub(super) null: bool,
}

/// What stands behind a key.
#[derive(Debug)]
pub(super) enum Item {
    /// In one line.
    Plain(Value<'static>),
    /// A table of its own.
    Table(Vec<Line>),
    /// A list of tables.
    Rows(Vec<Vec<Line>>),
}

/// Whether a line is there or only in a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Yes,
    No,
    /// That of the doubt with this number.
    If(usize),
}

/// A line of which only reading it back tells whether it may stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    /// What is best for people.
    pub(super) best: bool,
    /// What reads back most likely.
    pub(super) safest: bool,
    /// What is right where nothing can be read back.
    pub(super) untried: bool,
}

/// A value whose form in the file is that of a conversion.
const CONVERTED: Doubt = Doubt { best: true, safest: false, untried: false };
/// A list or table with nothing in it, of which an example is better than brackets.
const EMPTY: Doubt = Doubt { best: false, safest: true, untried: false };
/// A table with something in it that is not shown.
const PARTLY_SHOWN: Doubt = Doubt { best: true, safest: false, untried: true };

/// A template.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) comment: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) doubts: Vec<Doubt>,
}

impl Outline {
    /// Writes out `value`, or the type alone.
    pub(super) fn new(description: Description, value: Option<&Value<'_>>) -> Self {
        let mut drawing = Drawing {
            doubts: Vec::new(),
            open: Vec::new(),
            left: LINES,
            brief: false,
            blank: value.is_none(),
        };
        let made = match value {
            Some(value) => drawing.value(description, value, &[]),
            None => drawing.blank(description),
        };
        let lines = match made.item {
            Item::Table(lines) => lines,
            _ => Vec::new(),
        };
        Self { comment: documented(description.docs), lines, doubts: drawing.doubts }
    }
}

/// What became of a value.
pub(super) struct Made {
    pub(super) item: Item,
    pub(super) on: On,
    pub(super) empty: Option<Value<'static>>,
    /// The value is nothing.
    pub(super) none: bool,
    /// Something that is required is off.
    pub(super) lacking: bool,
    /// Something that is not required is not shown.
    pub(super) unshown: bool,
}

impl Made {
    pub(super) fn new(item: Item, on: On) -> Self {
        Self { item, on, empty: None, none: false, lacking: false, unshown: false }
    }

    fn plain(value: &Value<'_>) -> Self {
        Self::new(Item::Plain(value.clone().into_owned()), On::Yes)
    }

    pub(super) fn off(self) -> Self {
        Self { on: On::No, ..self }
    }
}

/// The lines of one table.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) lacking: bool,
    pub(super) unshown: bool,
}

impl Lines {
    pub(super) fn extend(&mut self, made: Made) {
        self.lacking |= made.lacking;
        self.unshown |= made.unshown;
        if let Item::Table(lines) = made.item {
            self.lines.extend(lines);
        }
    }

    pub(super) fn into_made(self) -> Made {
        let Self { lines, lacking, unshown } = self;
        Made { lacking, unshown, ..Made::new(Item::Table(lines), On::Yes) }
    }
}

pub(super) struct Drawing {
    doubts: Vec<Doubt>,
    /// The types that are being written out: what they hold of their own type is not.
    pub(super) open: Vec<&'static str>,
    pub(super) left: usize,
    /// The elements of a list after the first need no explanation.
    pub(super) brief: bool,
    /// There is no value at all.
    blank: bool,
}

impl Drawing {
    fn doubt(&mut self, doubt: Doubt) -> On {
        self.doubts.push(doubt);
        On::If(self.doubts.len() - 1)
    }

    fn value(&mut self, description: Description, value: &Value<'_>, claimed: &[&str]) -> Made {
        if matches!(value, Value::Secret | Value::Opaque) {
            let made = self.blank(description).off();
            return Made { unshown: true, ..made };
        }
        self.open.push(description.type_name);
        let made = self.shape(description, description.shape, value, claimed);
        self.open.pop();
        let of_values = matches!(description.shape, Shape::Map(_) | Shape::Sequence(_));
        Made { unshown: made.unshown || (of_values && !is_common(value)), ..made }
    }

    fn shape(&mut self, outer: Description, shape: Shape, value: &Value<'_>, claimed: &[&str]) -> Made {
        match (shape, value) {
            (Shape::Optional(describe), Value::Null) => {
                Made { none: true, lacking: false, unshown: false, ..self.blank(describe()).off() }
            }
            (Shape::Optional(describe), _) => self.value(describe(), value, claimed),
            (Shape::Newtype(field), _) => self.field(field, Some(value), claimed),
            (Shape::Like(describe), _) if fits(describe().shape, value) => {
                let made = self.value(describe(), value, claimed);
                self.converted(made)
            }
            (Shape::Struct(fields), Value::Table(_)) if is_builtin(fields) => Made::plain(value),
            (Shape::Struct(fields), Value::Table(entries)) => {
                self.fields(fields, entries, claimed).into_made()
            }
            (Shape::Enum(tagging, variants), _) => self.variant(outer, tagging, variants, value, claimed),
            (Shape::Map(_), Value::Table(entries)) if !claimed.is_empty() => {
                let own = entries.iter().filter(|(name, _)| !claimed.contains(&&**name)).cloned();
                self.shape(outer, shape, &Value::Table(own.collect()), &[])
            }
            (Shape::Map(_) | Shape::Sequence(_) | Shape::Tuple(_), _) if !is_whole(value) => {
                Made { unshown: true, ..self.blank_shape(outer, shape).off() }
            }
            (Shape::Map(describe), Value::Table(entries)) => {
                let (mut lines, brief) = (Lines::default(), self.brief);
                for (name, value) in entries {
                    let made = self.value(describe(), value, &[]);
                    lines.lacking |= made.lacking;
                    lines.unshown |= made.unshown;
                    lines.lines.push(self.line(name, Vec::new(), made, true));
                    self.brief = true;
                }
                self.brief = brief;
                if lines.lines.is_empty() && self.brief {
                    return Made::plain(value);
                }
                if lines.lines.is_empty() {
                    let example = self.blank_shape(outer, shape);
                    let on = self.doubt(EMPTY);
                    return Made { on, empty: Some(Value::Table(Vec::new())), ..example };
                }
                lines.into_made()
            }
            (Shape::Sequence(describe), Value::List(values)) => self.sequence(describe(), value, values),
            (Shape::Tuple(fields), Value::List(values)) => {
                let shown: Vec<_> = fields.iter().filter(|field| !field.skip).collect();
                let plain = Made::plain(value);
                if shown.iter().any(|field| field.left_out) || shown.len() != values.len() {
                    return Made { unshown: true, ..plain.off() };
                }
                if shown.iter().any(|field| field.opaque) { self.converted(plain) } else { plain }
            }
            (Shape::Tuple([]), Value::Null) | (Shape::Opaque, _) if is_whole(value) => Made::plain(value),
            _ if is_whole(value) && fits(shape, value) => Made::plain(value),
            _ => Made { unshown: true, ..self.blank_shape(outer, shape).off() },
        }
    }

    fn converted(&mut self, made: Made) -> Made {
        match made.on {
            On::Yes => Made { on: self.doubt(CONVERTED), ..made },
            _ => made,
        }
    }

    /// The fields of a struct; `claimed` are the names in the table that belong to others.
    fn fields(&mut self, fields: &'static [Field], entries: &Entries<'_>, claimed: &[&str]) -> Lines {
        let mut names = claimed.to_vec();
        if fields.iter().any(|field| field.flatten) {
            claim(fields, &mut names, &mut Vec::new());
        }
        let mut lines = Lines::default();
        for field in fields.iter().filter(|field| !field.skip) {
            if !field.flatten {
                self.named(field, entry(entries, field.name), &mut lines);
            } else if field.left_out || field.opaque {
                lines.lacking |= !field.optional;
            } else {
                let made = self.flat((field.describe)(), entries, &names);
                lines.extend(made);
            }
        }
        lines
    }

    /// A value whose names stand among those of the table around it.
    fn flat(&mut self, description: Description, entries: &Entries<'_>, claimed: &[&str]) -> Made {
        if let Shape::Optional(describe) = description.shape {
            let mut own = Vec::new();
            claim_within(describe(), &mut own, &mut Vec::new());
            if !own.is_empty() && !own.iter().any(|name| entry(entries, name).is_some()) {
                let mut made = self.blank(describe());
                switch_off(&mut made.item);
                return Made { lacking: false, unshown: false, ..made };
            }
        }
        self.value(description, &Value::Table(entries.to_vec()), claimed)
    }

    fn sequence(&mut self, element: Description, value: &Value<'_>, values: &[Value<'_>]) -> Made {
        if values.is_empty() && self.brief {
            return Made::plain(value);
        }
        if values.is_empty() {
            let example = match self.blank(element).item {
                Item::Table(lines) if !lines.is_empty() => lines,
                _ => return Made::plain(value),
            };
            let on = self.doubt(EMPTY);
            let empty = Some(Value::List(Vec::new()));
            return Made { empty, ..Made::new(Item::Rows(vec![example]), on) };
        }
        let (brief, doubts) = (self.brief, self.doubts.len());
        let mut rows = Vec::new();
        let (mut lacking, mut unshown, mut doubtful) = (false, false, false);
        for value in values {
            let made = self.value(element, value, &[]);
            lacking |= made.lacking || made.on == On::No;
            unshown |= made.unshown;
            doubtful |= made.on != On::Yes;
            if let Item::Table(lines) = made.item {
                rows.push(lines);
            }
            self.brief = true;
        }
        self.brief = brief;
        let plain = rows.len() < values.len();
        doubtful |= plain && self.doubts.len() > doubts;
        let item = if plain { Item::Plain(value.clone().into_owned()) } else { Item::Rows(rows) };
        let made = Made { lacking, unshown, ..Made::new(item, On::Yes) };
        if doubtful { self.converted(made) } else { made }
    }

    fn variant(
        &mut self,
        outer: Description,
        tagging: Tagging,
        variants: &'static [Variant],
        value: &Value<'_>,
        claimed: &[&str],
    ) -> Made {
        let tagged = || variants.iter().filter(|variant| !variant.untagged);
        match (tagging, value) {
            (Tagging::External, Value::Text(name)) if tagged().any(|variant| variant.name == *name) => {
                return Made::plain(value);
            }
            (Tagging::External, Value::Table(entries)) => {
                let held = tagged().find_map(|variant| Some((variant, entry(entries, variant.name)?)));
                if let Some((variant, value)) = held {
                    let made = match (variant.shape, value) {
                        // A flattened unit variant is a name without a value.
                        (Shape::Tuple([]), Value::Null) => Made::new(Item::Table(Vec::new()), On::Yes),
                        (shape, value) => self.shape(outer, shape, value, &[]),
                    };
                    return self.wrapped(variant, made);
                }
            }
            (Tagging::Internal(tag), Value::Table(entries)) => {
                if let Some(variant) = tagged().find(|variant| is_tag(entries, tag, variant)) {
                    let claimed = [claimed, &[tag]].concat();
                    let made = match variant.shape {
                        Shape::Tuple([]) => Lines::default().into_made(),
                        shape => self.shape(outer, shape, value, &claimed),
                    };
                    return self.beside(tag, variant, made, true);
                }
            }
            (Tagging::Adjacent(tag, content), Value::Table(entries)) => {
                if let Some(variant) = tagged().find(|variant| is_tag(entries, tag, variant)) {
                    let made = match entry(entries, content) {
                        Some(value) => {
                            let made = self.shape(outer, variant.shape, value, &[]);
                            self.under(content, made)
                        }
                        None => Lines::default().into_made(),
                    };
                    return self.beside(tag, variant, made, true);
                }
            }
            _ => {}
        }
        let untagged = |variant: &&Variant| tagging == Tagging::Untagged || variant.untagged;
        let of_these = || variants.iter().filter(untagged);
        let fitting = of_these().find(|variant| fits(variant.shape, value));
        match fitting.or_else(|| of_these().find(|variant| fits_among_others(variant.shape, value))) {
            Some(variant) => self.shape(outer, variant.shape, value, claimed),
            None => Made { unshown: true, ..self.blank_shape(outer, outer.shape).off() },
        }
    }

    /// Puts what a variant holds under its name.
    pub(super) fn wrapped(&mut self, variant: &Variant, made: Made) -> Made {
        self.under(variant.name, made)
    }

    pub(super) fn under(&mut self, name: &str, made: Made) -> Made {
        let mut lines =
            Lines { lacking: made.lacking || made.on == On::No, unshown: made.unshown, lines: vec![] };
        lines.lines.push(self.line(name, Vec::new(), made, true));
        lines.into_made()
    }

    /// Puts the tag before what a variant holds.
    pub(super) fn beside(&mut self, tag: &str, variant: &Variant, made: Made, on: bool) -> Made {
        let on = if on { On::Yes } else { On::No };
        let name = Made::new(Item::Plain(text(variant.name)), on);
        let mut lines = Lines { lines: vec![self.line(tag, Vec::new(), name, true)], ..Lines::default() };
        lines.extend(made);
        lines.into_made()
    }

    /// Adds the line of a field.
    pub(super) fn named(&mut self, field: &'static Field, value: Option<&Value<'_>>, lines: &mut Lines) {
        let doubts = self.doubts.len();
        let brief = self.brief;
        let mut made = self.field(field, value, &[]);
        self.brief = brief;
        if field.optional && value.is_none() {
            made.on = On::No;
        } else if made.on == On::Yes && field.optional {
            if made.lacking {
                self.doubts.truncate(doubts);
                made.on = On::No;
            } else if made.unshown {
                made.on = self.doubt(PARTLY_SHOWN);
            } else if matches!(&made.item, Item::Table(lines) if lines.iter().all(|line| line.on == On::No)) {
                made.on = self.doubt(EMPTY);
            }
        }
        lines.lacking |= !field.optional && (made.lacking || made.on == On::No);
        lines.unshown |= field.optional && (made.unshown || made.lacking);
        if self.brief && made.on == On::No {
            return;
        }
        let is_there = made.on == On::Yes || made.empty.is_some();
        let required = !field.optional && (self.blank || !is_there);
        let comment = if self.brief { Vec::new() } else { comment(field, &made.item, required) };
        lines.lines.push(self.line(field.name, comment, made, !field.optional));
    }

    pub(super) fn line(&mut self, key: &str, comment: Vec<String>, made: Made, required: bool) -> Line {
        self.left = self.left.saturating_sub(1);
        if let (On::If(number), Some(_), true) = (made.on, &made.empty, required) {
            // Brackets must stand there, whatever an example would explain.
            self.doubts[number] = Doubt { best: true, safest: true, untried: true };
        }
        let null = made.none || (made.on == On::No && required);
        Line { key: key.to_owned(), comment, item: made.item, on: made.on, empty: made.empty, null }
    }

    pub(super) fn field(
        &mut self,
        field: &'static Field,
        value: Option<&Value<'_>>,
        claimed: &[&str],
    ) -> Made {
        let description = (field.describe)();
        match value {
            None => {
                let made = if field.opaque {
                    Made::new(Item::Plain(Value::Text(Cow::Borrowed(""))), On::No)
                } else {
                    self.blank(description)
                };
                if field.secret || field.left_out { Made { unshown: true, ..made.off() } } else { made }
            }
            Some(_) if field.secret => Made { unshown: true, ..self.blank(description).off() },
            Some(Value::Null) if field.opaque => {
                Made::new(Item::Plain(Value::Text(Cow::Borrowed(""))), On::No)
            }
            Some(value) if field.opaque => {
                let made = Made::plain(&guess(value));
                if is_whole(value) { self.converted(made) } else { Made { unshown: true, ..made.off() } }
            }
            Some(value) => {
                let made = self.value(description, value, claimed);
                let unknown = field.leaf && matches!(description.shape, Shape::Opaque);
                if unknown { self.converted(made) } else { made }
            }
        }
    }
}
