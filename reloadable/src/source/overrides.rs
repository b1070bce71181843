//! Values that the program sets while it runs.

use crate::document::{Document, Given, Name, Origin, Setting};
use crate::layer::{LayerSettings, Naming};
use crate::path::FieldPath;
use crate::value::Value;

/// Values that lie over all layers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides(Vec<(FieldPath, Value<'static>)>);

/// A change of the overrides.
#[derive(Debug, Clone)]
pub(crate) enum Override {
    Set(FieldPath, Value<'static>),
    Clear(FieldPath),
    ClearAll,
}

impl Overrides {
    pub(crate) fn apply(&mut self, change: Override) {
        match change {
            Override::Set(path, value) => {
                self.0.retain(|(other, _)| *other != path);
                self.0.push((path, value));
            }
            Override::Clear(path) => self.0.retain(|(other, _)| *other != path),
            Override::ClearAll => self.0.clear(),
        }
    }

    /// Returns which fields are set.
    pub(crate) fn paths(&self) -> Vec<FieldPath> {
        self.0.iter().map(|(path, _)| path.clone()).collect()
    }

    pub(crate) fn layer() -> LayerSettings {
        // What the program sets, it may set.
        LayerSettings { secrets: true, naming: Naming::None, ..LayerSettings::new("overrides") }
    }

    pub(crate) fn document(&self) -> Option<Document> {
        if self.0.is_empty() {
            return None;
        }
        let origin = Origin::named("overrides");
        let settings = self.0.iter().map(|(path, value)| Setting {
            origin: origin.clone(),
            name: Name::Path(path.clone()),
            value: Given::Value(value.clone()),
        });
        Some(Document::settings(origin.clone(), settings.collect::<Vec<_>>()))
    }
}
