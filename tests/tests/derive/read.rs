//! What the other files ask of a type: its changes and its violations, as text.

use reloadable::{Diff, Report, Reporter, Validate};
use serde::de::DeserializeOwned;

/// Decodes JSON.
pub fn decoded<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// Prints what changed from one JSON text to another; `=` where nothing did.
pub fn changes<T: DeserializeOwned + Diff>(old: &str, new: &str) -> String
where
    for<'a> T::Changes<'a>: ToString,
{
    let (old, new) = (decoded::<T>(old), decoded::<T>(new));
    assert!(old.diff(&old).is_none());
    old.diff(&new).map_or_else(|| "=".to_owned(), |changes| changes.to_string())
}

/// Prints what is wrong with a JSON text.
pub fn violations<T: DeserializeOwned + Validate>(json: &str) -> String {
    let mut value = decoded::<T>(json);
    let mut report = Report::new();
    value.normalize(&mut Reporter::new(&mut report));
    value.validate(&mut Reporter::new(&mut report));
    report.to_string()
}

/// Serializes the value as it is shown.
pub fn shown<T: DeserializeOwned + Diff>(json: &str) -> String {
    serde_json::to_string(&decoded::<T>(json).value()).unwrap_or_default()
}
