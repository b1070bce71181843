//! Values that the program sets while it runs.

use crate::document::{Document, Given, Name, Origin, Setting};
use crate::layer::{LayerSettings, Naming};
use crate::path::FieldPath;
use crate::value::Value;

/// Values that lie over all layers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    set: Vec<(FieldPath, Value<'static>)>,
    /// The one that is being set.
    newest: Option<FieldPath>,
}

/// A change of the overrides.
#[derive(Debug, Clone)]
pub(crate) enum Override {
    Set(FieldPath, Value<'static>),
    Clear(FieldPath),
    ClearAll,
}

impl Overrides {
    pub(crate) fn apply(&mut self, change: Override) {
        self.newest = None;
        match change {
            Override::Set(path, value) => {
                // Whoever sets the whole sets its parts.
                self.set.retain(|(other, _)| !other.starts_with(&path));
                self.newest = Some(path.clone());
                self.set.push((path, value));
            }
            Override::Clear(path) => self.set.retain(|(other, _)| *other != path),
            Override::ClearAll => self.set.clear(),
        }
    }

    /// The change is in force.
    pub(crate) fn accept(&mut self) {
        self.newest = None;
    }

    /// Returns which fields are set.
    pub(crate) fn paths(&self) -> Vec<FieldPath> {
        self.set.iter().map(|(path, _)| path.clone()).collect()
    }

    pub(crate) fn layer() -> LayerSettings {
        // What the program sets, it may set.
        LayerSettings { secrets: true, naming: Naming::None, ..LayerSettings::new("overrides") }
    }

    pub(crate) fn document(&self) -> Option<Document> {
        if self.set.is_empty() {
            return None;
        }
        let origin = Origin::named("overrides");
        let settings = self.set.iter().map(|(path, value)| Setting {
            origin: origin.clone(),
            name: Name::Path(path.clone()),
            value: Given::Value(value.clone()),
            // The element of a list that another one names may be gone by now.
            is_strict: self.newest.as_ref() == Some(path),
        });
        Some(Document::settings(origin.clone(), settings.collect::<Vec<_>>()))
    }
}
