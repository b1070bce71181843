//! The schema of a table with names that are known.

use serde_json::{Map, Value, json};

use super::Keywords;

/// The names of one table, those of flattened types among them.
#[derive(Default)]
pub(super) struct Object {
    properties: Keywords,
    required: Vec<&'static str>,
    /// Which names exclude each other.
    exclusions: Vec<Value>,
    /// What flattened types ask for that are not known by their names alone.
    pub(super) also: Vec<Value>,
    /// What all other names hold.
    pub(super) extra: Option<Value>,
    /// Other names cannot be refused, since nobody knows them.
    pub(super) open: bool,
}

impl Object {
    /// Adds a name with its aliases, of which one may stand there.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        aliases: &'static [&'static str],
        schema: Value,
        required: bool,
    ) {
        let names: Vec<_> = std::iter::once(&name).chain(aliases).copied().collect();
        for name in &names {
            // Two flattened types may have a field of the same name.
            if self.properties.contains_key(*name) {
                self.also.push(json!({ "properties": { *name: schema.clone() } }));
            } else {
                self.properties.insert((*name).to_owned(), schema.clone());
            }
        }
        match (aliases, required) {
            ([], true) => self.required.push(name),
            ([], false) => {}
            (_, true) => {
                let one: Vec<_> = names.iter().map(|name| json!({ "required": [name] })).collect();
                self.exclusions.push(json!({ "oneOf": one }));
            }
            (_, false) => {
                for (at, name) in names.iter().enumerate() {
                    for other in &names[at + 1..] {
                        self.exclusions.push(json!({ "not": { "required": [name, other] } }));
                    }
                }
            }
        }
    }

    /// Returns all names, each with anything as its value.
    pub(super) fn names(&self) -> Map<String, Value> {
        self.properties.keys().map(|name| (name.clone(), Value::Bool(true))).collect()
    }

    /// Returns the schema; `deny` where other names are refused.
    pub(super) fn finish(self, deny: bool) -> Keywords {
        let mut schema = super::typed("object");
        if !self.properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(self.properties));
        }
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), json!(self.required));
        }
        let others = match self.extra {
            _ if self.open => None,
            Some(extra) => Some(extra),
            None => deny.then_some(Value::Bool(false)),
        };
        if let Some(others) = others {
            // Only this keyword sees the names of flattened enums.
            let word = if self.also.is_empty() { "additionalProperties" } else { "unevaluatedProperties" };
            schema.insert(word.to_owned(), others);
        }
        let all: Vec<_> = self.exclusions.into_iter().chain(self.also).collect();
        if !all.is_empty() {
            schema.insert("allOf".to_owned(), Value::Array(all));
        }
        schema
    }
}
