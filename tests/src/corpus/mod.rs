//! Config structs in the shapes that real programs have, each with a sample file and with edits of it.

pub mod wide;
pub mod keyed;
pub mod recursive;
pub mod foreign;
pub mod hidden;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// A root struct of the corpus.
pub trait Sample: DeserializeOwned {
    /// A file that sets every field.
    const TOML: &'static str;
    /// Edits of that file, at least one for every value in it.
    const EDITS: &'static [Edit];
}

/// One edit of a file and what must come of it.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    /// Where, as a JSON pointer.
    pub at: &'static str,
    /// The new value, as JSON; empty where the value is removed.
    pub to: &'static str,
    /// The entries of the diff, as they are printed, a line each.
    pub lines: &'static str,
}

/// Makes an edit; the three texts are those of [`Edit`].
pub const fn edit(at: &'static str, to: &'static str, lines: &'static str) -> Edit {
    Edit { at, to, lines }
}

impl Edit {
    /// Edits a file's tree. Returns whether the place was there.
    pub fn apply(&self, tree: &mut Json) -> bool {
        let (parent, last) = self.at.rsplit_once('/').unwrap_or_default();
        let last = last.replace("~1", "/").replace("~0", "~");
        let new = (!self.to.is_empty()).then(|| serde_json::from_str(self.to).expect(self.to));
        match (tree.pointer_mut(parent), new) {
            (Some(Json::Object(entries)), Some(new)) => {
                entries.insert(last, new);
            }
            (Some(Json::Object(entries)), None) => return entries.remove(&last).is_some(),
            (Some(Json::Array(elements)), new) => {
                let Ok(index) = last.parse::<usize>() else { return false };
                match new {
                    Some(new) if index < elements.len() => elements[index] = new,
                    Some(new) if index == elements.len() => elements.push(new),
                    None if index < elements.len() => drop(elements.remove(index)),
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }
}

/// Returns the tree of the sample file.
pub fn tree<T: Sample>() -> Json {
    toml::from_str(T::TOML).expect("the sample is TOML")
}

/// Decodes a tree through the text of a TOML file, in which there is no null.
///
/// # Errors
///
/// Fails where the tree is no `T`.
pub fn through_toml<T: DeserializeOwned>(tree: &Json) -> Result<T, String> {
    let text = toml::to_string(tree).map_err(|error| error.to_string())?;
    toml::from_str(&text).map_err(|error| format!("{error}\n{text}"))
}

/// Decodes a tree through the text of a JSON file.
///
/// # Errors
///
/// Fails where the tree is no `T`.
pub fn through_json<T: DeserializeOwned>(tree: &Json) -> Result<T, String> {
    serde_json::from_str(&tree.to_string()).map_err(|error| format!("{error}\n{tree}"))
}
