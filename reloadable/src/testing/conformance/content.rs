//! The documents that a source is given, by number, and what is seen of them.

use std::collections::BTreeMap;

use crate::document::{Document, Format};
use crate::layer::Layers;
use crate::load::decode;

use super::finding::Fault;

/// Every key may be absent, so that nothing but the source keeps half of a document, or none, out.
pub(super) type Held = BTreeMap<String, u32>;

const KEYS: usize = 12;

/// A document whose keys all have this number, so that a mix of two is seen.
pub(super) fn text(format: Format, number: u32) -> Result<String, Fault> {
    let keys = (0..KEYS).map(|key| format!("part_{key:02}"));
    Ok(match format {
        Format::Toml => keys.map(|key| format!("{key} = {number}\n")).collect(),
        Format::Yaml => keys.map(|key| format!("{key}: {number}\n")).collect(),
        Format::Json | Format::Jsonc => {
            let entries: Vec<_> = keys.map(|key| format!("\"{key}\": {number}")).collect();
            format!("{{\n{}\n}}\n", entries.join(",\n"))
        }
        Format::Custom(_) => {
            return Err(Fault::NotApplicable(format!("nobody knows how {format} is written")));
        }
    })
}

/// A document in two pieces, of which the first is one by itself where the format allows that.
pub(super) fn halves(format: Format, number: u32) -> Result<[String; 2], Fault> {
    let text = text(format, number)?;
    let middle = text.match_indices('\n').nth(KEYS / 2).map_or(0, |(end, _)| end + 1);
    let (first, second) = text.split_at(middle);
    Ok([first.to_owned(), second.to_owned()])
}

/// Documents that are not valid: one that is none, and one that is none for the type.
pub(super) fn invalid(format: Format) -> Result<[String; 2], Fault> {
    let wrong = text(format, 7)?.replacen('7', "\"seven\"", 1);
    Ok(["[ = {".to_owned(), wrong])
}

/// Returns the number of a whole document.
pub(super) fn number_of(held: &Held) -> Result<u32, String> {
    match held.values().next() {
        None => Err("nothing at all".to_owned()),
        Some(number) if held.len() == KEYS && held.values().all(|other| other == number) => Ok(*number),
        Some(_) => Err(format!("not one whole document: {held:?}")),
    }
}

/// Returns the number of the document that was fetched.
pub(super) fn number_in(documents: &[Document]) -> Result<u32, String> {
    let loaded = decode::<Held>(&Layers::of(documents)).map_err(|report| report.to_string())?;
    number_of(&loaded.into_value())
}
