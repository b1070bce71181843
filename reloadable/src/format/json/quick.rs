//! JSON that has no fault, read in one go.

use super::super::DEPTH;
use super::super::compact::Compact;
use super::super::table::{Entry, Table, repeats};
use super::super::tree::{Kind, Node, Place};
use super::{key_length, number};

/// Reads a document, or nothing where anything about it is rare or wrong.
pub(super) fn quick(text: &str, layer: usize) -> Option<Node> {
    let cursor = Cursor { text, layer, at: 0 };
    Quick { cursor, depth: 0, entries: Vec::with_capacity(32), nodes: Vec::with_capacity(8) }.document()
}

/// Reads a document without faults in one go. The library would go through each value once for its type and once more
/// for its place, which takes twice as long. So this knows what JSON looks like, but never says what is wrong: it gives
/// up, also at what is rare.
struct Quick<'t> {
    cursor: Cursor<'t>,
    depth: usize,
    /// What the open containers hold so far, so that each gets its memory once, and no more than it needs.
    entries: Vec<Entry>,
    nodes: Vec<Node>,
}

impl Quick<'_> {
    fn document(mut self) -> Option<Node> {
        let root = self.element()?;
        self.cursor.space();
        (self.cursor.at == self.cursor.text.len()).then_some(root)
    }

    fn element(&mut self) -> Option<Node> {
        self.cursor.space();
        let start = self.cursor.at;
        let mut kind = Kind::Null;
        match self.container()? {
            Some(container) => kind = container,
            None => self.cursor.scalar(&mut kind)?,
        }
        Some(Node { place: self.cursor.place(start), kind })
    }

    fn container(&mut self) -> Option<Option<Kind>> {
        let read = match self.cursor.byte()? {
            b'{' => Self::table,
            b'[' => Self::array,
            _ => return Some(None),
        };
        self.cursor.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        self.cursor.space();
        let kind = read(self)?;
        self.depth -= 1;
        Some(Some(kind))
    }

    fn array(&mut self) -> Option<Kind> {
        let first = self.nodes.len();
        while !self.cursor.takes(b']') {
            if self.nodes.len() > first && !self.cursor.takes(b',') {
                return None;
            }
            let node = self.element()?;
            self.nodes.push(node);
            self.cursor.space();
        }
        Some(Kind::Array(self.nodes.split_off(first)))
    }

    fn table(&mut self) -> Option<Kind> {
        let first = self.entries.len();
        while !self.cursor.takes(b'}') {
            if self.entries.len() > first && !self.cursor.takes(b',') {
                return None;
            }
            self.member()?;
            self.cursor.space();
        }
        if repeats(&self.entries[first..]) {
            return None;
        }
        Some(Kind::Table(Table::new(self.entries.split_off(first))))
    }

    /// Fills an entry where it stands: to move it there costs as much as to read it.
    fn member(&mut self) -> Option<()> {
        let at = self.entries.len();
        let nowhere = Place::nowhere;
        let value = Node { place: nowhere(), kind: Kind::Null };
        self.entries.push(Entry { key: Compact::default(), place: nowhere(), value });
        let entry = self.entries.last_mut()?;
        self.cursor.space();
        let start = self.cursor.at;
        self.cursor.string(&mut entry.key)?;
        entry.place = self.cursor.place(start);
        self.cursor.space();
        if !self.cursor.takes(b':') {
            return None;
        }
        self.cursor.space();
        let start = self.cursor.at;
        match self.container()? {
            Some(kind) => self.entries.get_mut(at)?.value.kind = kind,
            None => self.cursor.scalar(&mut self.entries.get_mut(at)?.value.kind)?,
        }
        self.entries.get_mut(at)?.value.place = self.cursor.place(start);
        Some(())
    }
}

struct Cursor<'t> {
    text: &'t str,
    layer: usize,
    at: usize,
}

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn space(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
    }

    fn place(&self, start: usize) -> Place {
        Place::new(self.layer, start..self.at)
    }

    fn scalar(&mut self, kind: &mut Kind) -> Option<()> {
        match self.byte()? {
            b'"' => {
                *kind = Kind::Text(Compact::default());
                let Kind::Text(text) = kind else { return None };
                self.string(text)?;
            }
            b'n' => self.word("null")?,
            b't' => {
                self.word("true")?;
                *kind = Kind::Bool(true);
            }
            b'f' => {
                self.word("false")?;
                *kind = Kind::Bool(false);
            }
            _ => *kind = self.number()?,
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_next = self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes());
        self.at += word.len();
        is_next.then_some(())
    }

    fn string(&mut self, into: &mut Compact) -> Option<()> {
        let start = self.at;
        if !self.takes(b'"') {
            return None;
        }
        self.at += plain_length(self.text.as_bytes().get(self.at..)?);
        match self.byte()? {
            b'"' => {
                into.set(self.text.get(start + 1..self.at)?);
                self.at += 1;
            }
            b'\\' => {
                let rest = self.text.get(start..)?;
                let length = key_length(rest);
                self.at = start + length;
                *into = serde_json::from_str::<String>(rest.get(..length)?).ok()?.into();
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<Kind> {
        let start = self.at;
        let is_negative = self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        let mut is_whole = true;
        if self.takes(b'.') {
            is_whole = false;
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            is_whole = false;
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        let source = self.text.get(start..self.at)?;
        match source.parse::<i64>() {
            Ok(number) if is_whole && !(is_negative && number == 0) => Some(Kind::Integer(number.into())),
            _ => number(source),
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// Counts the bytes before the first that is a quote, a backslash or a control character, eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xFF;
    let mut length = 0;
    while let Some(eight) = bytes.get(length..).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        // The lowest high bit marks the first byte that is below `limit`; those above it mean nothing.
        let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes;
        let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
        let found = (is(b'"') | is(b'\\') | below(eight, 0x20)) & (ONES * 0x80);
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_are_counted_up_to_the_first_that_is_not() {
        for byte in u8::MIN..=u8::MAX {
            for before in 0..20 {
                for fill in [b'a', 0x21, 0x7F, 0x80, 0xFF] {
                    let mut bytes = vec![fill; 20];
                    bytes[before] = byte;
                    let wanted = if matches!(byte, b'"' | b'\\' | ..0x20) { before } else { 20 };
                    assert_eq!(plain_length(&bytes), wanted, "{byte} at {before}");
                }
            }
        }
    }
}
