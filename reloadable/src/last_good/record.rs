//! How a good set is written down.
//!
//! ```text
//! reloadable last good set 1
//! 995dc9bbdf1939fa 312          the checksum and the length of everything below
//! saved 20                      a word, a length, and on the next line so many bytes
//! 1760000000.123456789
//! ...
//! ```

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::document::{Document, Format, Origin};

use super::checksum::checksum;
use super::set::{GoodSet, KeptLayer};

/// What the file begins with, whatever its version.
pub(super) const MAGIC: &[u8] = b"reloadable last good set ";

const VERSION: u32 = 1;

/// Why a text is no set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is something else altogether.
    Other,
    Newer(u32),
    Damaged,
    /// A document of a format that nobody here can read.
    Format(String),
}

pub(super) fn encode(set: &GoodSet) -> Vec<u8> {
    let mut body = Vec::new();
    let saved = set.saved_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    put(&mut body, "saved", format!("{}.{:09}", saved.as_secs(), saved.subsec_nanos()).as_bytes());
    put(&mut body, "generation", set.generation.to_string().as_bytes());
    put(&mut body, "layers", set.layers.len().to_string().as_bytes());
    for layer in &set.layers {
        put(&mut body, "layer", layer.name.as_bytes());
        let Some(documents) = &layer.documents else {
            put(&mut body, "live", b"");
            continue;
        };
        put(&mut body, "documents", documents.len().to_string().as_bytes());
        for document in documents {
            let (word, origin) = origin_bytes(document.origin());
            put(&mut body, word, &origin);
            put(&mut body, "format", format_word(document).as_bytes());
            put(&mut body, "public", if document.is_public() { b"yes" } else { b"no" });
            put(&mut body, "text", document.bytes());
        }
    }
    let mut text = MAGIC.to_vec();
    let head = format!("{VERSION}\n{:016x} {}\n", checksum(&body), body.len());
    text.extend_from_slice(head.as_bytes());
    text.append(&mut body);
    text
}

/// Reads a set in which documents may be of the formats that are built in and of `formats`.
pub(super) fn decode(text: &[u8], formats: &[Format]) -> Result<GoodSet, Unread> {
    let rest = text.strip_prefix(MAGIC).ok_or(Unread::Other)?;
    let (version, rest) = line(rest).ok_or(Unread::Damaged)?;
    let version: u32 = number(version).ok_or(Unread::Damaged)?;
    if version > VERSION {
        return Err(Unread::Newer(version));
    }
    let (sum, body) = line(rest).ok_or(Unread::Damaged)?;
    let wanted = format!("{:016x} {}", checksum(body), body.len());
    if version != VERSION || sum != wanted.as_bytes() {
        return Err(Unread::Damaged);
    }
    let mut body = Body { rest: body };
    let set = body.set(formats)?;
    if body.rest.is_empty() { Ok(set) } else { Err(Unread::Damaged) }
}

fn put(body: &mut Vec<u8>, word: &str, bytes: &[u8]) {
    body.extend_from_slice(format!("{word} {}\n", bytes.len()).as_bytes());
    body.extend_from_slice(bytes);
    body.push(b'\n');
}

struct Body<'t> {
    rest: &'t [u8],
}

impl<'t> Body<'t> {
    fn set(&mut self, formats: &[Format]) -> Result<GoodSet, Unread> {
        let saved_at = time(self.take("saved")?).ok_or(Unread::Damaged)?;
        let generation = self.number("generation")?;
        // What is only said to be there takes no memory.
        let mut layers = Vec::new();
        for _ in 0..self.number::<u64>("layers")? {
            layers.push(self.layer(formats)?);
        }
        Ok(GoodSet { saved_at, generation, layers })
    }

    fn layer(&mut self, formats: &[Format]) -> Result<KeptLayer, Unread> {
        let name = self.text("layer")?.into();
        if let Ok(bytes) = self.take("live") {
            return if bytes.is_empty() {
                Ok(KeptLayer { name, documents: None })
            } else {
                Err(Unread::Damaged)
            };
        }
        let mut documents = Vec::new();
        for _ in 0..self.number::<u64>("documents")? {
            documents.push(self.document(formats)?);
        }
        Ok(KeptLayer { name, documents: Some(documents) })
    }

    fn document(&mut self, formats: &[Format]) -> Result<Document, Unread> {
        let origin = self.origin()?;
        let format = format_of(self.text("format")?, formats)?;
        let is_public = match self.take("public")? {
            b"yes" => true,
            b"no" => false,
            _ => return Err(Unread::Damaged),
        };
        let mut document = Document::new(origin, format, self.take("text")?);
        document.set_public(is_public);
        Ok(document)
    }

    fn origin(&mut self) -> Result<Origin, Unread> {
        if let Ok(path) = self.take("file") {
            return path_of(path).map(Origin::file).ok_or(Unread::Damaged);
        }
        if let Ok(name) = self.text("named") {
            return Ok(Origin::Named(name.into()));
        }
        if let Ok(name) = self.text("variable") {
            return Ok(Origin::Variable(name.into()));
        }
        Ok(Origin::Argument(self.text("argument")?.into()))
    }

    /// Takes the next piece if it goes by this word.
    fn take(&mut self, word: &str) -> Result<&'t [u8], Unread> {
        let take = || {
            let rest = self.rest.strip_prefix(word.as_bytes())?.strip_prefix(b" ")?;
            let (length, rest) = line(rest)?;
            let (bytes, rest) = rest.split_at_checked(number(length)?)?;
            Some((bytes, rest.strip_prefix(b"\n")?))
        };
        let (bytes, rest) = take().ok_or(Unread::Damaged)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self, word: &str) -> Result<&'t str, Unread> {
        std::str::from_utf8(self.take(word)?).map_err(|_| Unread::Damaged)
    }

    fn number<N: std::str::FromStr + ToString>(&mut self, word: &str) -> Result<N, Unread> {
        number(self.take(word)?).ok_or(Unread::Damaged)
    }
}

fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = text.split_at_checked(end)?;
    Some((line, rest.strip_prefix(b"\n")?))
}

/// Reads a number in the one way in which it is written.
fn number<N: std::str::FromStr + ToString>(text: &[u8]) -> Option<N> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &N| number.to_string() == text)
}

fn time(text: &[u8]) -> Option<SystemTime> {
    let at = text.iter().position(|byte| *byte == b'.')?;
    let (seconds, nanos) = (text.get(..at)?, text.get(at + 1..)?);
    let nanos: u32 = std::str::from_utf8(nanos).ok().filter(|nanos| nanos.len() == 9)?.parse().ok()?;
    let since = Duration::from_secs(number(seconds)?).checked_add(Duration::from_nanos(nanos.into()))?;
    UNIX_EPOCH.checked_add(since)
}

/// What stands before the name of a format of the application's own.
const CUSTOM: &str = "custom ";

const BUILT_IN: [(&str, Format); 4] =
    [("toml", Format::Toml), ("json", Format::Json), ("jsonc", Format::Jsonc), ("yaml", Format::Yaml)];

fn format_word(document: &Document) -> String {
    match document.format() {
        Some(Format::Custom(custom)) => format!("{CUSTOM}{}", custom.name()),
        format => {
            let word = BUILT_IN.iter().find_map(|(word, known)| (format == Some(*known)).then_some(*word));
            word.unwrap_or_default().to_owned()
        }
    }
}

fn format_of(word: &str, formats: &[Format]) -> Result<Format, Unread> {
    if let Some((_, format)) = BUILT_IN.iter().find(|(known, _)| *known == word) {
        return Ok(*format);
    }
    let name = word.strip_prefix(CUSTOM).ok_or(Unread::Damaged)?;
    let is_it = |format: &&Format| matches!(format, Format::Custom(custom) if custom.name() == name);
    formats.iter().find(is_it).copied().ok_or_else(|| Unread::Format(name.to_owned()))
}

fn origin_bytes(origin: &Origin) -> (&'static str, Vec<u8>) {
    match origin {
        Origin::File(path) => ("file", path_bytes(path)),
        Origin::Named(name) => ("named", name.as_bytes().to_vec()),
        Origin::Variable(name) => ("variable", name.as_bytes().to_vec()),
        Origin::Argument(name) => ("argument", name.as_bytes().to_vec()),
    }
}

#[cfg(unix)]
fn path_bytes(path: &Path) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
    Some(name.into())
}

/// A path that is no text loses what is none; it is only where reports say that the document was.
#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parsed::{ParseFault, Parsed, ReadFormat};

    struct Own;

    impl ReadFormat for Own {
        fn name(&self) -> &'static str {
            "own"
        }

        fn parse(&self, _: &str) -> Result<Parsed, Vec<ParseFault>> {
            Err(Vec::new())
        }
    }

    static OWN: Own = Own;

    /// The number of its origin and of its format, a name, and what it holds.
    type Text = (u8, u8, String, Vec<u8>);

    type Shape = (u64, u32, Vec<(String, Option<Vec<Text>>)>);

    fn shapes() -> impl Strategy<Value = Shape> {
        let documents = prop::collection::vec(any::<Text>(), 0..4);
        let layers = prop::collection::vec((any::<String>(), prop::option::of(documents)), 0..4);
        (0..1_u64 << 40, 0..1_000_000_000_u32, layers)
    }

    fn set((seconds, nanos, layers): &Shape) -> GoodSet {
        let document = |(origin, format, name, bytes): &Text| {
            let origin = match origin % 4 {
                0 => Origin::file(name),
                1 => Origin::named(name),
                2 => Origin::Variable(name.as_str().into()),
                _ => Origin::Argument(name.as_str().into()),
            };
            let formats = [Format::Toml, Format::Json, Format::Jsonc, Format::Yaml, Format::custom(&OWN)];
            let mut document = Document::new(origin, formats[usize::from(*format) % 5], bytes.as_slice());
            document.set_public(format % 2 == 0);
            document
        };
        let layers = layers.iter().map(|(name, documents)| KeptLayer {
            name: name.as_str().into(),
            documents: documents.as_ref().map(|documents| documents.iter().map(document).collect()),
        });
        let saved_at = UNIX_EPOCH + Duration::new(*seconds, *nanos);
        GoodSet { saved_at, generation: seconds ^ 7, layers: layers.collect() }
    }

    #[track_caller]
    fn assert_same(one: &GoodSet, other: &GoodSet) {
        assert_eq!((one.saved_at, one.generation), (other.saved_at, other.generation));
        let plain = |set: &GoodSet| -> Vec<_> {
            let of = |document: &Document| {
                let (origin, format) = (document.origin().clone(), document.format());
                (origin, format, document.is_public(), document.bytes().to_vec())
            };
            let of = |layer: &KeptLayer| {
                let documents = layer.documents.as_ref();
                (layer.name.clone(), documents.map(|all| all.iter().map(of).collect::<Vec<_>>()))
            };
            set.layers.iter().map(of).collect()
        };
        assert_eq!(plain(one), plain(other));
    }

    fn sample() -> GoodSet {
        let document = (0, 0, "conf.d/app.toml".to_owned(), b"workers = 4\n".to_vec());
        let layers = vec![("conf.d".to_owned(), Some(vec![document])), ("environment".to_owned(), None)];
        set(&(1_760_000_000, 5, layers))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(shape in shapes()) {
            let written = set(&shape);
            let text = encode(&written);
            let read = decode(&text, &[Format::custom(&OWN)]).expect("it was just written");
            assert_same(&written, &read);
            prop_assert_eq!(encode(&read), text);
        }

        #[test]
        fn whatever_it_is_it_is_read_or_refused(bytes: Vec<u8>, cut in 0..300_usize) {
            let _ = decode(&bytes, &[]);
            let body = encode(&sample());
            let body = [&body[cut.min(body.len())..], &bytes[..]].concat();
            let head = format!("1\n{:016x} {}\n", checksum(&body), body.len());
            let _ = decode(&[MAGIC, head.as_bytes(), &body[..]].concat(), &[]);
        }
    }

    #[test]
    fn every_other_byte_and_every_other_length_is_refused() {
        let text = encode(&sample());
        assert_same(&decode(&text, &[]).expect("it is whole"), &sample());
        for at in 0..text.len() {
            assert!(decode(&text[..at], &[]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut damaged = text.clone();
                damaged[at] ^= 1 << bit;
                assert!(decode(&damaged, &[]).is_err(), "bit {bit} of byte {at}");
            }
        }
        for more in [&b"\n"[..], b"0", b"text 0\n\n", &text] {
            assert_eq!(decode(&[&text[..], more].concat(), &[]).err(), Some(Unread::Damaged));
        }
    }

    #[test]
    fn it_says_what_it_is_instead() {
        let refused = |text: &str| decode(text.as_bytes(), &[]).err();
        assert_eq!(refused(""), Some(Unread::Other));
        assert_eq!(refused("workers = 4\n"), Some(Unread::Other));
        assert_eq!(refused("reloadable last good set 2\nwhatever"), Some(Unread::Newer(2)));
        for version in ["", "0", "01", "+1", "1 ", "x", "99999999999"] {
            let text = format!("reloadable last good set {version}\n0000000000000000 0\n");
            assert_eq!(refused(&text), Some(Unread::Damaged), "{version}");
        }
    }

    #[test]
    fn a_format_that_nobody_reads_is_named() {
        let layers = vec![("app".to_owned(), Some(vec![(0, 4, "app.own".to_owned(), Vec::new())]))];
        let text = encode(&set(&(0, 0, layers)));
        assert_eq!(decode(&text, &[]).err(), Some(Unread::Format("own".to_owned())));
        assert!(decode(&text, &[Format::custom(&OWN)]).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_a_text() {
        let path = path_of(b"conf.d/\xff.toml").expect("every name is a path");
        let document = Document::new(Origin::file(path.clone()), Format::Toml, *b"a = 1");
        let layer = KeptLayer { name: "app".into(), documents: Some(vec![document]) };
        let set = GoodSet { saved_at: UNIX_EPOCH, generation: 1, layers: vec![layer] };
        let read = decode(&encode(&set), &[]).expect("it was just written");
        let documents = read.layers[0].documents.as_deref().unwrap_or_default();
        assert_eq!(documents[0].origin().path(), Some(path.as_path()));
    }
}
