//! YAML 1.2 with its core schema, by `saphyr-parser`, with the place of every key and value.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::report::Position;

use super::offset::Offsets;
use super::table::{Entry, Table};
use super::tree::{Kind, Node, Place};
use super::{DEPTH, Fault, REPORTED};

/// Reads a document. What stands before a syntax error is reported as well.
pub(super) fn parse(text: &str, layer: usize) -> Result<Node, Vec<Fault>> {
    let mut reader = Reader {
        text,
        layer,
        library: Parser::new_from_str(text),
        offsets: Offsets::new(text),
        depth: 0,
        anchors: HashMap::new(),
        copies: COPIES + COPIES_PER_BYTE * text.len(),
        faults: Vec::new(),
    };
    match reader.document() {
        Ok(Some(root)) if reader.faults.is_empty() => Ok(root),
        _ => Err(reader.faults),
    }
}

/// How much a document's aliases may repeat, as [`size`] counts it, and how much more for each of its bytes. So memory
/// grows with the length of the text at most, while nothing that people write by hand comes near.
const COPIES: usize = 1 << 20;
const COPIES_PER_BYTE: usize = 64;

const LINE_BREAKS: [char; 2] = ['\n', '\r'];

/// Nothing more can be read; what is wrong is among the faults.
struct Stop;

/// What has an anchor, to be repeated by its aliases.
struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

struct Reader<'t> {
    text: &'t str,
    layer: usize,
    library: Parser<'t, StrInput<'t>>,
    offsets: Offsets<'t>,
    depth: usize,
    anchors: HashMap<usize, Anchored>,
    /// How much may still be copied.
    copies: usize,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let marker = loop {
            match self.next()? {
                (Event::DocumentStart(_), span) => break span,
                // There are only comments, which is as good as an empty table in TOML.
                (Event::StreamEnd, _) => return Ok(Some(self.node(0..0, Kind::Table(Table::default())))),
                _ => {}
            }
        };
        let (event, span) = self.next()?;
        let root = self.value(event, span)?;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => break,
                (Event::DocumentStart(_), span) => {
                    let message = "a second document begins here; a configuration is one document";
                    return Err(self.stop(Fault::new(span.start, "syntax", message)));
                }
                _ => {}
            }
        }
        if matches!(&root, Some(Node { kind: Kind::Null, .. })) {
            let message = "the document is a null; if that is meant, write `{}`";
            return Err(self.stop(Fault::new(marker.start, "empty", message)));
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<(Event<'t>, Range<usize>), Stop> {
        match self.library.next_event() {
            Some(Ok((event, span))) => Ok((event, self.bytes(span))),
            Some(Err(error)) => {
                let fault = self.syntax(&error);
                Err(self.stop(fault))
            }
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    /// Reads the value that begins with `event`, or says what is wrong with it. What stands beside it is read in
    /// either case.
    fn value(&mut self, event: Event<'t>, span: Range<usize>) -> Result<Option<Node>, Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = self.scalar(text, style, tag.as_deref(), &span);
                let node = kind.map(|kind| self.node(span, kind));
                self.keep(anchor, node)
            }
            Event::SequenceStart(anchor, tag) => {
                let is_known = self.is_tagged("seq", tag.as_deref(), &span);
                let (end, elements) = self.elements(&span)?;
                let node = self.node(span.start..end, Kind::Array(elements));
                self.keep(anchor, is_known.then_some(node))
            }
            Event::MappingStart(anchor, tag) => {
                let is_known = self.is_tagged("map", tag.as_deref(), &span);
                let (end, entries) = self.entries(&span)?;
                let node = self.node(span.start..end, Kind::Table(Table::new(entries)));
                self.keep(anchor, is_known.then_some(node))
            }
            Event::Alias(anchor) => self.repeat(anchor, span),
            _ => Ok(None),
        }
    }

    /// Returns the elements of a sequence and where it ends.
    fn elements(&mut self, start: &Range<usize>) -> Result<(usize, Vec<Node>), Stop> {
        self.enter(start)?;
        let mut elements = Vec::new();
        let mut end = start.end;
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                self.depth -= 1;
                return Ok((self.end_of_flow(&span, b']').unwrap_or(end), elements));
            }
            let span = self.begun(&event, span, end, b'-');
            end = end.max(span.end);
            if let Some(node) = self.value(event, span)? {
                end = end.max(node.place.span().end);
                elements.push(node);
            }
        }
    }

    /// Returns the entries of a mapping and where it ends.
    fn entries(&mut self, start: &Range<usize>) -> Result<(usize, Vec<Entry>), Stop> {
        self.enter(start)?;
        let mut known = HashMap::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut end = start.end;
        loop {
            let (event, key_span) = self.next()?;
            if event == Event::MappingEnd {
                self.depth -= 1;
                return Ok((self.end_of_flow(&key_span, b'}').unwrap_or(end), entries));
            }
            let key = self.key(event, &key_span)?;
            let (event, span) = self.next()?;
            let span = self.begun(&event, span, key_span.end, b':');
            end = end.max(key_span.end).max(span.end);
            let value = self.value(event, span)?;
            end = value.as_ref().map_or(end, |value| end.max(value.place.span().end));
            let Some(key) = key else { continue };
            if let Some(first) = known.get(&key) {
                if self.faults.len() < REPORTED {
                    let first = Position::of(self.text, *first);
                    self.faults.push(Fault::duplicate(key_span.start, &key, Some(first)));
                }
                continue;
            }
            known.insert(key.clone(), key_span.start);
            let place = Place::new(self.layer, key_span);
            entries.extend(value.map(|value| Entry { key: key.into(), place, value }));
        }
    }

    fn enter(&mut self, start: &Range<usize>) -> Result<(), Stop> {
        if self.depth == DEPTH {
            return Err(self.stop(Fault::too_deep(start.start)));
        }
        self.depth += 1;
        Ok(())
    }

    /// Returns the name that a key is, as it is written: that of a number or boolean is its text.
    fn key(&mut self, event: Event<'t>, span: &Range<usize>) -> Result<Option<String>, Stop> {
        let message = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_known = self.is_tagged("str", tag.as_deref(), span);
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                if is_plain && text == "<<" {
                    let message = "merge keys are no part of YAML 1.2: write the keys out, or quote this one if it \
                        is no merge";
                    self.fault(Fault::new(span.start, "merge_key", message));
                    return Ok(None);
                }
                if !(is_plain && text.is_empty()) {
                    let node = self.node(span.clone(), Kind::Text(text.clone().into()));
                    self.keep(anchor, Some(node))?;
                    return Ok(is_known.then(|| text.into_owned()));
                }
                "the key is missing"
            }
            Event::Alias(_) => "an alias cannot be a key, write the key itself",
            event => {
                self.value(event, span.clone())?;
                "a sequence or mapping cannot be a key, keys are texts"
            }
        };
        self.fault(Fault::new(span.start, "syntax", message));
        Ok(None)
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Range<usize>,
    ) -> Option<Kind> {
        let wanted = match tag {
            None if style == ScalarStyle::Plain => return self.plain(&text, span),
            None => "str",
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => "str",
            Some(tag) if tag.is_yaml_core_schema() => &tag.suffix,
            Some(_) => "",
        };
        let kind = match wanted {
            "str" => return Some(Kind::Text(text.into())),
            "null" | "bool" | "int" | "float" => self.plain(&text, span)?,
            _ => {
                self.unknown_tag(span);
                return None;
            }
        };
        match (wanted, kind) {
            ("null", kind @ Kind::Null)
            | ("bool", kind @ Kind::Bool(_))
            | ("int", kind @ (Kind::Integer(_) | Kind::Unsigned(_)))
            | ("float", kind @ Kind::Float(_)) => Some(kind),
            ("float", Kind::Integer(value)) => Some(Kind::Float(value as f64)),
            _ => {
                self.fault(Fault::new(
                    span.start,
                    "syntax",
                    format!("not what the tag `!!{wanted}` asks for"),
                ));
                None
            }
        }
    }

    /// Reads a plain scalar by the core schema.
    fn plain(&mut self, text: &str, span: &Range<usize>) -> Option<Kind> {
        let kind = match text {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" => Kind::Bool(true),
            "false" | "False" | "FALSE" => Kind::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Kind::Float(f64::NAN),
            _ => {
                let Some(number) = number(text) else { return Some(Kind::Text(text.into())) };
                if number.is_none() {
                    self.fault(Fault::new(span.start, "syntax", "number out of range"));
                }
                return number;
            }
        };
        Some(kind)
    }

    /// Refuses any tag but that of `kind` in the core schema.
    fn is_tagged(&mut self, kind: &str, tag: Option<&Tag>, span: &Range<usize>) -> bool {
        let is_known = tag.is_none_or(|tag| {
            let is_unspecific = tag.handle.is_empty() && tag.suffix == "!";
            is_unspecific || (tag.is_yaml_core_schema() && tag.suffix == kind)
        });
        if !is_known {
            self.unknown_tag(span);
        }
        is_known
    }

    /// What stands behind an exclamation mark may be a secret that lacks its quotes, so it is not repeated.
    fn unknown_tag(&mut self, span: &Range<usize>) {
        let message =
            "the tag is not one of the core schema that fits here; a text that begins with `!` is quoted";
        self.fault(Fault::new(span.start, "tag", message));
    }

    /// Keeps a copy for the aliases of an anchor.
    fn keep(&mut self, anchor: usize, node: Option<Node>) -> Result<Option<Node>, Stop> {
        if let (Some(node), true) = (&node, anchor > 0) {
            let (size, height) = size(node);
            self.copy(size, node.place.span().start)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, height });
        }
        Ok(node)
    }

    /// Puts what an anchor stands for where an alias of it is: the alias is where the value was set, and all within it
    /// stays where it was written.
    fn repeat(&mut self, anchor: usize, span: Range<usize>) -> Result<Option<Node>, Stop> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            // If it was refused, that is known already.
            if self.faults.is_empty() {
                let message = "the alias stands within what its anchor names, which would have no end";
                self.fault(Fault::new(span.start, "alias", message));
            }
            return Ok(None);
        };
        let (size, height) = (anchored.size, anchored.height);
        if self.depth + height > DEPTH {
            return Err(self.stop(Fault::too_deep(span.start)));
        }
        self.copy(size, span.start)?;
        let node = self.anchors.get(&anchor).map(|anchored| anchored.node.kind.clone());
        Ok(node.map(|kind| self.node(span, kind)))
    }

    fn copy(&mut self, size: usize, at: usize) -> Result<(), Stop> {
        match self.copies.checked_sub(size) {
            Some(left) => self.copies = left,
            None => {
                let message =
                    "the aliases repeat too much: with this one, the document would grow without measure";
                return Err(self.stop(Fault::new(at, "alias", message)));
            }
        }
        Ok(())
    }

    /// Finds where a value begins behind the `sign` that follows `before`, where the library names a place further on: a
    /// value that is not written begins with its sign, or else ends what is before, and a list whose dashes stand
    /// below its key begins with the first of them.
    fn begun(&self, event: &Event<'_>, span: Range<usize>, before: usize, sign: u8) -> Range<usize> {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) if text.is_empty() => {
                self.sign(before, sign).map_or(before..before, |at| at..at + 1)
            }
            Event::SequenceStart(0, None) if sign == b':' => {
                let dash = self.sign(before, sign).and_then(|colon| self.sign(colon + 1, b'-'));
                dash.filter(|dash| *dash < span.start).map_or(span, |dash| dash..dash)
            }
            _ => span,
        }
    }

    /// Finds a sign behind space and comments.
    fn sign(&self, from: usize, sign: u8) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        loop {
            at += bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if bytes.get(at) != Some(&b'#') {
                return (bytes.get(at) == Some(&sign)).then_some(at);
            }
            at += self.text.get(at..)?.find(LINE_BREAKS)?;
        }
    }

    /// Returns where a collection in brackets ends; one in lines ends with what is last in it.
    fn end_of_flow(&self, span: &Range<usize>, bracket: u8) -> Option<usize> {
        (self.text.as_bytes().get(span.start) == Some(&bracket)).then_some(span.start + 1)
    }

    fn syntax(&self, error: &ScanError) -> Fault {
        let at = self.offsets.byte(error.marker().index());
        // The library names the start of a scalar when it stumbles over the tab in a line after it.
        let is_tab_below = error.info().ends_with("found a tab");
        let below = if is_tab_below { self.indenting_tab_below(at) } else { None };
        if let Some(tab) = self.indenting_tab(at).or(below) {
            return Fault::new(tab, "syntax", "a tab in the indentation: YAML is indented with spaces only");
        }
        match error.info() {
            message
                if message.ends_with("valid YAML whitespace")
                    && self.text.get(..at).is_some_and(|before| before.ends_with('\t')) =>
            {
                Fault::new(at - 1, "syntax", "a tab between a sign and its value: write a space")
            }
            "recursion limit exceeded" => Fault::too_deep(at),
            "while parsing node, found unknown anchor" => Fault::new(
                at,
                "alias",
                "no anchor of this name stands before; a text that begins with `*` is quoted",
            ),
            message => Fault::new(at, "syntax", message),
        }
    }

    /// Finds the tab that the line at a place is indented with: the library often stumbles over what comes after it.
    fn indenting_tab(&self, at: usize) -> Option<usize> {
        let before = self.text.get(..at)?;
        let start = before.rfind(LINE_BREAKS).map_or(0, |end| end + 1);
        let line = self.text.get(start..)?;
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..indentation)?.find('\t').map(|tab| start + tab)
    }

    fn indenting_tab_below(&self, at: usize) -> Option<usize> {
        let below = self.text.get(at..)?;
        let mut ends = below.match_indices(LINE_BREAKS);
        ends.find_map(|(end, _)| self.indenting_tab(at + end + 1))
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < REPORTED {
            self.faults.push(fault);
        }
    }

    fn stop(&mut self, fault: Fault) -> Stop {
        self.fault(fault);
        Stop
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let start = self.offsets.byte(span.start.index());
        start..self.offsets.byte(span.end.index()).max(start)
    }

    fn node(&self, span: Range<usize>, kind: Kind) -> Node {
        Node { place: Place::new(self.layer, span), kind }
    }
}

/// Reads a number of the core schema: none if it is no number, and nothing in it if no type holds it.
fn number(text: &str) -> Option<Option<Kind>> {
    let whole = |digits: &str, radix| {
        let number = i128::from_str_radix(digits, radix).map(Kind::Integer);
        number.or_else(|_| u128::from_str_radix(digits, radix).map(Kind::Unsigned)).ok()
    };
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
            return is_number.then(|| whole(digits, radix));
        }
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    match digits {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => {
            return Some(Some(Kind::Float(f64::NEG_INFINITY)));
        }
        ".inf" | ".Inf" | ".INF" => return Some(Some(Kind::Float(f64::INFINITY))),
        _ if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => return None,
        _ => {}
    }
    if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Some(whole(text, 10));
    }
    // Rust reads what the schema does and some words, none of which begins as above.
    let number: f64 = text.parse().ok()?;
    Some(number.is_finite().then_some(Kind::Float(number)))
}

/// Returns about how many bytes a node takes, and how many containers are within each other in it.
fn size(node: &Node) -> (usize, usize) {
    let own = size_of::<Node>();
    match &node.kind {
        Kind::Text(text) | Kind::Datetime(text) => (own + text.len(), 0),
        Kind::Array(elements) => around(own, elements.iter().map(size)),
        Kind::Table(entries) => around(
            own,
            entries.iter().map(|entry| {
                let (size, height) = size(&entry.value);
                (size + entry.key.len() + size_of::<Entry>() - own, height)
            }),
        ),
        _ => (own, 0),
    }
}

fn around(own: usize, within: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    let (size, height) =
        within.fold((own, 0), |(sum, highest), (size, height)| (sum + size, highest.max(height)));
    (size, height + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes a value with what stands in the text where it is.
    fn written(text: &str) -> String {
        match parse(text, 0) {
            Ok(root) => shown(text, &root),
            Err(faults) => faults
                .iter()
                .map(|fault| format!("{} {} [{}]", Position::of(text, fault.at), fault.message, fault.code))
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    fn shown(text: &str, node: &Node) -> String {
        let source = &text[node.place.span()];
        match &node.kind {
            Kind::Table(entries) => {
                let entries = entries.iter().map(|entry| {
                    let key = &text[entry.place.span()];
                    format!("{}<{key}>: {}", entry.key.as_str(), shown(text, &entry.value))
                });
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            Kind::Array(elements) => {
                let elements = elements.iter().map(|element| shown(text, element));
                format!("[{}]", elements.collect::<Vec<_>>().join(", "))
            }
            Kind::Text(value) => format!("{:?}<{source}>", value.as_str()),
            Kind::Integer(value) => format!("{value}<{source}>"),
            Kind::Unsigned(value) => format!("{value}u<{source}>"),
            Kind::Float(value) => format!("{value:?}<{source}>"),
            Kind::Bool(value) => format!("{value}<{source}>"),
            Kind::Null => format!("null<{source}>"),
            Kind::Word(_) | Kind::Datetime(_) => unreachable!(),
        }
    }

    #[test]
    fn every_key_and_value_has_the_place_where_it_is_written() {
        for (text, wanted) in [
            ("a: 1\nb:\n  c: [x, 'y']\n", r#"{a<a>: 1<1>, b<b>: {c<c>: ["x"<x>, "y"<'y'>]}}"#),
            ("é: ü # ö\nä: [ß, {ñ: \"é\"}]", r#"{é<é>: "ü"<ü>, ä<ä>: ["ß"<ß>, {ñ<ñ>: "é"<"é">}]}"#),
            ("a: 1\r\nb: x\r\n", r#"{a<a>: 1<1>, b<b>: "x"<x>}"#),
            ("- - 1\n  - 2\n- {a: b}\n", r#"[[1<1>, 2<2>], {a<a>: "b"<b>}]"#),
            ("? a\n? b\n: 1\n", "{a<a>: null<>, b<b>: 1<1>}"),
            ("a:\n-\n- 1\n-", "{a<a>: [null<->, 1<1>, null<->]}"),
            ("[a: 1, b: , {c: d}]", r#"[{a<a>: 1<1>}, {b<b>: null<:>}, {c<c>: "d"<d>}]"#),
            ("a: |\n  x\n  y\nb: 1", "{a<a>: \"x\\ny\\n\"<x\n  y\n>, b<b>: 1<1>}"),
            ("a: >-\n  x\n\n  y\n", "{a<a>: \"x\\ny\"<x\n\n  y\n>}"),
            ("a: x\n  y\nb: 'x\n  y'", "{a<a>: \"x y\"<x\n  y>, b<b>: \"x y\"<'x\n  y'>}"),
            ("a: &x {b: 1}\nc: [*x]", "{a<a>: {b<b>: 1<1>}, c<c>: [{b<b>: 1<1>}]}"),
            ("a: &x b\nc: *x", r#"{a<a>: "b"<&x b>, c<c>: "b"<*x>}"#),
        ] {
            assert_eq!(written(text), wanted, "{text}");
        }
    }

    /// The places of what is not written, as bytes.
    #[test]
    fn what_is_not_written_has_the_place_of_its_sign_or_key() {
        for (text, wanted) in [
            ("a:\nb: 1", 1),
            ("a: # - :\nb: 1", 1),
            ("-\n- 1", 0),
            ("- # x\n- 1", 0),
            ("{a, b: 1}", 2),
            ("{é: , b: 1}", 3),
            ("? a\n? b", 3),
            ("&x a: # :\n  &y", 12),
        ] {
            let root = parse(text, 0).map_err(|faults| faults.len()).unwrap();
            let first = match &root.kind {
                Kind::Table(entries) => &entries[0].value,
                Kind::Array(elements) => &elements[0],
                _ => unreachable!(),
            };
            assert!(matches!(first.kind, Kind::Null), "{text}");
            assert_eq!(first.place.span().start, wanted, "{text}");
        }
    }

    #[test]
    fn containers_span_all_that_is_in_them_and_no_more() {
        for (text, wanted) in [
            ("a: [1, 2] # x\nb: 1", "[1, 2]"),
            ("a: {b: 1 } # x\n", "{b: 1 }"),
            ("a:\n  - 1\n  - x: 2\n\n# y\nb: 1", "- 1\n  - x: 2"),
            ("a:\n- 1\n- 2\nb: 1", "- 1\n- 2"),
            ("a: # - :\n# x\n- -5\n-\n- # -\nb: 1", "- -5\n-\n-"),
            ("a: &x\n- 1\n-", "&x\n- 1\n-"),
            ("a:\n  b: 1\n  c:\n\nd: 1", "b: 1\n  c:"),
            ("a: []", "[]"),
        ] {
            let root = parse(text, 0).map_err(|faults| faults.len()).unwrap();
            let Kind::Table(entries) = &root.kind else { unreachable!() };
            assert_eq!(&text[entries[0].value.place.span()], wanted, "{text}");
        }
    }

    #[test]
    fn plain_scalars_are_read_by_the_core_schema() {
        for (plain, wanted) in [
            ("~", "null"),
            ("Null", "null"),
            ("TRUE", "true"),
            ("False", "false"),
            ("yes", "\"yes\""),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("+1", "1"),
            ("-012", "-12"),
            ("340282366920938463463374607431768211455", "340282366920938463463374607431768211455u"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("-1e3", "-1000.0"),
            ("-.inf", "-inf"),
            ("+.INF", "inf"),
            (".NaN", "NaN"),
            ("-.nan", "\"-.nan\""),
            ("inf", "\"inf\""),
            ("0b1", "\"0b1\""),
            ("1_000", "\"1_000\""),
            ("0x", "\"0x\""),
            ("0o8", "\"0o8\""),
            ("-0x1", "\"-0x1\""),
            (".", "\".\""),
            ("1e", "\"1e\""),
            ("+", "\"+\""),
            ("1.2.3", "\"1.2.3\""),
            ("1:30", "\"1:30\""),
            ("2020-01-01", "\"2020-01-01\""),
            ("!!str 1", "\"1\""),
            ("! 1", "\"1\""),
            ("!!int '1'", "1"),
            ("!!float 1", "1.0"),
            ("'1'", "\"1\""),
        ] {
            assert_eq!(written(&format!("a: {plain}")), format!("{{a<a>: {wanted}<{plain}>}}"), "{plain}");
        }
    }

    /// Pieces that mean something, put together without sense.
    fn soup() -> impl Strategy<Value = String> {
        let pieces = [
            "a",
            "é",
            "😀",
            "1",
            "0x1",
            ".inf",
            "~",
            " ",
            "  ",
            "\n",
            "\n  ",
            "\n    ",
            "\r\n",
            "\r",
            "\t",
            ": ",
            ":",
            "- ",
            "-",
            "? ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            ",",
            "#",
            " # é",
            "'",
            "\"",
            "''",
            "\\",
            "\\u00e9",
            "&a ",
            "&é",
            "*a",
            "*é",
            "!!str ",
            "!",
            "!x ",
            "|\n",
            ">-\n",
            "|2+\n",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "%TAG ! x\n",
            "<<: ",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\0",
            "\u{7f}",
            "a: 1\n",
            "- a: &b\n",
            "é: [x, {y: 'z'}]\n",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
    }

    /// Slices the text by every place, which fails where one is out of the text or within a character.
    fn visit(text: &str, node: &Node) {
        let span = &node.place.span();
        assert!(text.get(span.clone()).is_some(), "{span:?}");
        match &node.kind {
            Kind::Array(elements) => elements.iter().for_each(|element| visit(text, element)),
            Kind::Table(entries) => {
                for entry in entries.iter() {
                    assert!(text.get(entry.place.span()).is_some(), "{:?}", entry.place.span());
                    visit(text, &entry.value);
                }
            }
            _ => {}
        }
    }

    /// Where nothing is repeated, everything begins behind what is before it and ends within what is around it.
    fn assert_order(node: &Node) {
        let around = &node.place.span();
        let mut end = around.start;
        let mut next = |span: &Range<usize>| {
            assert!(end <= span.start && span.end <= around.end, "{span:?} in {around:?} behind {end}");
            end = span.end;
        };
        match &node.kind {
            Kind::Array(elements) => {
                for element in elements {
                    next(&element.place.span());
                    assert_order(element);
                }
            }
            Kind::Table(entries) => {
                for entry in entries.iter() {
                    next(&entry.place.span());
                    next(&entry.value.place.span());
                    assert_order(&entry.value);
                }
            }
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_place_is_within_the_text_and_in_order(text in prop_oneof![soup(), any::<String>()]) {
            match parse(&text, 0) {
                Ok(root) => {
                    visit(&text, &root);
                    if !text.contains('*') {
                        assert_order(&root);
                    }
                }
                Err(faults) => {
                    prop_assert!(!faults.is_empty());
                    prop_assert!(faults.iter().all(|fault| text.get(fault.at..).is_some()));
                }
            }
        }
    }
}
