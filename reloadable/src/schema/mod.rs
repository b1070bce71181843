//! A JSON Schema of the file, written from the description of a type.

mod rule;
mod pattern;
mod object;

use serde_json::{Map, Value, json};

use crate::describe::{Description, Field, Rule, Shape, Tagging, Variant, is_builtin};

use self::object::Object;

/// What a schema is held in, so that other modules need not name the crate.
pub(crate) type Schema = Value;

/// The keywords of one schema.
type Keywords = Map<String, Value>;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Writes the schema of a whole configuration; `defaults` is a document with those that can be written.
pub(crate) fn of(description: Description, defaults: Option<&str>) -> Schema {
    let mut writer = Writer::default();
    let mut root = Keywords::new();
    root.insert("$schema".to_owned(), json!(DIALECT));
    root.insert("title".to_owned(), json!(short(description.type_name)));
    root.extend(writer.body(description));
    if let Some(Value::Object(defaults)) = defaults.and_then(|text| serde_json::from_str(text).ok()) {
        add_defaults(&mut root, defaults);
    }
    let used: Keywords = writer.definitions.into_iter().map(|(_, name, body)| (name, body)).collect();
    if !used.is_empty() {
        root.insert("$defs".to_owned(), Value::Object(used));
    }
    Value::Object(root)
}

fn add_defaults(root: &mut Keywords, defaults: Keywords) {
    let Some(Value::Object(properties)) = root.get_mut("properties") else { return };
    for (name, mut default) in defaults {
        strip_nulls(&mut default);
        if let (Some(Value::Object(property)), false) = (properties.get_mut(&name), default.is_null()) {
            property.insert("default".to_owned(), default);
        }
    }
}

/// A null stands for what is not told.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|_, value| !value.is_null());
            entries.values_mut().for_each(strip_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// Returns a type's name without the modules in it: `Condition<u32>`.
fn short(type_name: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for character in type_name.chars() {
        match character {
            ':' => word.clear(),
            character if character.is_alphanumeric() || character == '_' => word.push(character),
            other => {
                out.push_str(&std::mem::take(&mut word));
                out.push(other);
            }
        }
    }
    out + &word
}

#[derive(Default)]
struct Writer {
    /// The types that have a schema of their own, each by its full name, its name here, and what it is.
    definitions: Vec<(&'static str, String, Value)>,
}

impl Writer {
    /// Returns the schema of a type: that of a type with a name is referred to, so that it may contain itself.
    fn schema(&mut self, description: Description) -> Keywords {
        let has_name = match description.shape {
            Shape::Struct(fields) => !is_builtin(fields),
            Shape::Enum(..) | Shape::Newtype(_) | Shape::Like(_) => true,
            _ => false,
        };
        if has_name { self.reference(description) } else { self.body(description) }
    }

    fn reference(&mut self, description: Description) -> Keywords {
        let known = self.definitions.iter().find(|(type_name, ..)| *type_name == description.type_name);
        let name = match known {
            Some((_, name, _)) => name.clone(),
            None => {
                let name = self.free_name(description.type_name);
                let at = self.definitions.len();
                self.definitions.push((description.type_name, name.clone(), Value::Bool(true)));
                let body = self.body(description);
                self.definitions[at].2 = Value::Object(body);
                name
            }
        };
        keywords([("$ref", json!(format!("#/$defs/{name}")))])
    }

    /// A name that is a part of a pointer and of a URI as it stands.
    fn free_name(&self, type_name: &str) -> String {
        let name: String = short(type_name)
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
            .collect();
        let name = name.trim_matches('_');
        let is_taken = |name: &str| self.definitions.iter().any(|(_, taken, _)| taken == name);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
    }

    /// Returns the schema of a type, spelled out.
    fn body(&mut self, description: Description) -> Keywords {
        let mut body = match description.shape {
            Shape::Struct(fields) => {
                let mut object = Object::default();
                self.add_fields(&mut object, fields, &mut vec![description.type_name]);
                object.finish(description.deny_unknown || is_builtin(fields))
            }
            Shape::Enum(tagging, variants) => {
                self.variants(tagging, variants, description.deny_unknown, None)
            }
            Shape::Newtype(field) => self.field(field),
            shape => self.shape(shape, description.type_name),
        };
        if !description.docs.is_empty() {
            body.entry("description").or_insert_with(|| json!(description.docs));
        }
        body
    }

    /// Returns the schema of a shape that has no names in it.
    fn shape(&mut self, shape: Shape, type_name: &str) -> Keywords {
        match shape {
            Shape::Bool => typed("boolean"),
            Shape::Integer { min, max } => integer(min, max, type_name),
            Shape::Float => typed("number"),
            Shape::Text => text(type_name),
            Shape::Optional(describe) => nullable(self.schema(describe())),
            Shape::Like(describe) => self.schema(describe()),
            Shape::Newtype(field) => self.field(field),
            Shape::Sequence(describe) => {
                let mut schema = typed("array");
                schema.insert("items".to_owned(), Value::Object(self.schema(describe())));
                // The type of an array tells how long it is.
                let length = type_name.strip_suffix(']').and_then(|name| name.rsplit_once("; "));
                if let Some(length) = length.and_then(|(_, length)| length.parse::<u64>().ok()) {
                    schema.insert("minItems".to_owned(), json!(length));
                    schema.insert("maxItems".to_owned(), json!(length));
                }
                schema
            }
            Shape::Map(describe) => {
                let mut schema = typed("object");
                schema.insert("additionalProperties".to_owned(), Value::Object(self.schema(describe())));
                schema
            }
            Shape::Tuple([]) => typed("null"),
            Shape::Tuple(fields) => self.tuple(fields),
            Shape::Struct(fields) => {
                let mut object = Object::default();
                self.add_fields(&mut object, fields, &mut Vec::new());
                object.finish(false)
            }
            Shape::Enum(tagging, variants) => self.variants(tagging, variants, false, None),
            Shape::Opaque => Keywords::new(),
        }
    }

    fn tuple(&mut self, fields: &'static [Field]) -> Keywords {
        let fields: Vec<_> = fields.iter().filter(|field| !field.skip).collect();
        // An option in a row has its place all the same.
        let may_end =
            |field: &&&Field| field.optional && !matches!((field.describe)().shape, Shape::Optional(_));
        let optional = fields.iter().rev().take_while(may_end).count();
        let items: Vec<_> = fields.iter().map(|field| Value::Object(self.field(field))).collect();
        let mut schema = typed("array");
        schema.insert("minItems".to_owned(), json!(items.len() - optional));
        schema.insert("prefixItems".to_owned(), Value::Array(items));
        schema.insert("items".to_owned(), json!(false));
        schema
    }

    /// Returns the schema of what stands in a field, with its docs and rules.
    fn field(&mut self, field: &'static Field) -> Keywords {
        let mut schema = if field.opaque {
            Keywords::new()
        } else {
            self.ruled((field.describe)(), &field.written_rules().collect::<Vec<_>>())
        };
        if !field.docs.is_empty() {
            schema.insert("description".to_owned(), json!(field.docs));
        }
        if field.secret {
            schema.insert("writeOnly".to_owned(), json!(true));
        }
        schema
    }

    /// Adds rules to the schema of a type. They look through options, and what a type with a name makes of them only
    /// the program knows.
    fn ruled(&mut self, description: Description, rules: &[Rule<'static>]) -> Keywords {
        if let Shape::Optional(describe) = description.shape {
            return nullable(self.ruled(describe(), rules));
        }
        let mut schema = self.schema(description);
        for rule in rules.iter().filter(|rule| rule.when.is_none()) {
            match (rule.word, description.shape) {
                ("each", Shape::Sequence(describe)) => {
                    let items = self.ruled(describe(), &rule.nested().collect::<Vec<_>>());
                    rule::narrow(&mut schema, "items", items);
                }
                ("values", Shape::Map(describe)) => {
                    let values = self.ruled(describe(), &rule.nested().collect::<Vec<_>>());
                    rule::narrow(&mut schema, "additionalProperties", values);
                }
                _ => rule::add(&mut schema, rule, description),
            }
        }
        schema
    }

    /// Adds the fields of a struct, those of flattened ones among them.
    fn add_fields(&mut self, object: &mut Object, fields: &'static [Field], seen: &mut Vec<&'static str>) {
        for field in fields.iter().filter(|field| !field.skip) {
            if !field.flatten {
                let schema = self.field(field);
                object.add(field.name, field.aliases, Value::Object(schema), !field.optional);
            } else if field.opaque {
                object.open = true;
            } else {
                self.add_flat(object, (field.describe)(), seen);
            }
        }
    }

    fn add_flat(&mut self, object: &mut Object, description: Description, seen: &mut Vec<&'static str>) {
        if seen.contains(&description.type_name) {
            object.open = true;
            return;
        }
        seen.push(description.type_name);
        match description.shape {
            Shape::Struct(fields) => self.add_fields(object, fields, seen),
            Shape::Like(describe) => self.add_flat(object, describe(), seen),
            Shape::Newtype(field) if !field.opaque => self.add_flat(object, (field.describe)(), seen),
            Shape::Optional(describe) => {
                // It is nothing where anything in it is wrong.
                let mut inner = Object::default();
                self.add_flat(&mut inner, describe(), seen);
                object.open |= inner.open;
                let names = inner.names();
                object.extra = object.extra.take().or(inner.extra.take());
                object.also.push(json!({ "anyOf": [inner.finish(false), { "properties": names }] }));
            }
            Shape::Enum(tagging, variants) => {
                let schema = self.variants(tagging, variants, false, Some(seen));
                object.also.push(Value::Object(schema));
            }
            Shape::Map(describe) => object.extra = Some(Value::Object(self.schema(describe()))),
            Shape::Tuple([]) => {}
            _ => object.open = true,
        }
        seen.pop();
    }

    /// Returns the schema of an enum; `flat` where it stands among the names of another table.
    fn variants(
        &mut self,
        tagging: Tagging,
        variants: &'static [Variant],
        deny: bool,
        flat: Option<&mut Vec<&'static str>>,
    ) -> Keywords {
        let is_flat = flat.is_some();
        let mut own = Vec::new();
        let seen = flat.unwrap_or(&mut own);
        let in_file: Vec<_> = variants.iter().filter(|variant| !variant.skip).collect();
        let is_name = |variant: &&Variant| {
            tagging == Tagging::External && !variant.untagged && matches!(variant.shape, Shape::Tuple([]))
        };
        let is_plain = !is_flat && in_file.iter().all(|variant| is_name(variant) && variant.docs.is_empty());
        if is_plain {
            let names: Vec<_> = in_file.iter().flat_map(|variant| spellings(variant)).collect();
            return keywords([("enum", json!(names))]);
        }
        let mut exclusive = true;
        let mut branches = Vec::new();
        for variant in in_file {
            let untagged = tagging == Tagging::Untagged || variant.untagged;
            exclusive &= !untagged;
            let mut branch = match tagging {
                _ if untagged => self.variant(variant, deny, None, seen),
                Tagging::External if is_name(&variant) && !is_flat => match spellings(variant).as_slice() {
                    [name] => keywords([("const", json!(name))]),
                    names => keywords([("enum", json!(names))]),
                },
                Tagging::External => {
                    let held = match variant.shape {
                        // Flattened, a name has a value that says nothing.
                        Shape::Tuple([]) => {
                            keywords([("type", json!(["null", "object"])), ("maxProperties", json!(0))])
                        }
                        _ => self.variant(variant, deny, None, &mut Vec::new()),
                    };
                    let mut object = Object::default();
                    object.add(variant.name, variant.aliases, Value::Object(held), true);
                    object.finish(!is_flat)
                }
                Tagging::Internal(tag) => self.variant(variant, deny && !is_flat, Some(tag), seen),
                Tagging::Adjacent(tag, content) => {
                    let mut object = Object::default();
                    object.add(tag, &[], tag_schema(variant), true);
                    match variant.shape {
                        Shape::Tuple([]) => object.add(content, &[], json!({ "type": "null" }), false),
                        _ => {
                            let held = self.variant(variant, deny, None, &mut Vec::new());
                            object.add(content, &[], Value::Object(held), true);
                        }
                    }
                    object.finish(deny && !is_flat)
                }
                Tagging::Untagged => Keywords::new(),
            };
            if !variant.docs.is_empty() {
                branch.insert("description".to_owned(), json!(variant.docs));
            }
            branches.push(Value::Object(branch));
        }
        keywords([(if exclusive { "oneOf" } else { "anyOf" }, Value::Array(branches))])
    }

    /// Returns the schema of what a variant holds, with the tag among its names where there is one.
    fn variant(
        &mut self,
        variant: &Variant,
        deny: bool,
        tag: Option<&'static str>,
        seen: &mut Vec<&'static str>,
    ) -> Keywords {
        let mut object = Object::default();
        if let Some(tag) = tag {
            object.add(tag, &[], tag_schema(variant), true);
        }
        match (variant.shape, tag) {
            (Shape::Struct(fields), _) => {
                self.add_fields(&mut object, fields, seen);
                object.finish(deny)
            }
            (Shape::Newtype(field), Some(_)) if !field.opaque => {
                let description = (field.describe)();
                self.add_flat(&mut object, description, seen);
                object.finish(description.deny_unknown)
            }
            (_, Some(_)) => object.finish(false),
            (shape, None) => self.shape(shape, ""),
        }
    }
}

fn spellings(variant: &Variant) -> Vec<&'static str> {
    std::iter::once(variant.name).chain(variant.aliases.iter().copied()).collect()
}

fn tag_schema(variant: &Variant) -> Value {
    match spellings(variant).as_slice() {
        [name] => json!({ "const": name }),
        names => json!({ "enum": names }),
    }
}

fn keywords<const N: usize>(pairs: [(&str, Value); N]) -> Keywords {
    pairs.into_iter().map(|(word, value)| (word.to_owned(), value)).collect()
}

fn typed(name: &str) -> Keywords {
    keywords([("type", json!(name))])
}

fn integer(min: i128, max: u128, type_name: &str) -> Keywords {
    let mut schema = typed("integer");
    if let Some(min) = rule::number(min) {
        schema.insert("minimum".to_owned(), min);
    }
    if let Ok(max) = u64::try_from(max) {
        schema.insert("maximum".to_owned(), json!(max));
    }
    if type_name.contains("NonZero") && min < 0 {
        schema.insert("not".to_owned(), json!({ "const": 0 }));
    }
    schema
}

fn text(type_name: &str) -> Keywords {
    let mut schema = typed("string");
    match type_name {
        "char" => {
            schema.insert("minLength".to_owned(), json!(1));
            schema.insert("maxLength".to_owned(), json!(1));
        }
        "core::net::ip_addr::IpAddr" => {
            schema.insert("anyOf".to_owned(), json!([{ "format": "ipv4" }, { "format": "ipv6" }]));
        }
        "core::net::ip_addr::Ipv4Addr" => drop(schema.insert("format".to_owned(), json!("ipv4"))),
        "core::net::ip_addr::Ipv6Addr" => drop(schema.insert("format".to_owned(), json!("ipv6"))),
        // Such a size may also be a number.
        "bytesize::ByteSize" => drop(schema.insert("type".to_owned(), json!(["string", "integer"]))),
        _ => {}
    }
    schema
}

/// Lets a null pass as well.
fn nullable(mut schema: Keywords) -> Keywords {
    if schema.is_empty() {
        return schema;
    }
    let is_bare = !["enum", "const", "$ref", "not"].iter().any(|word| schema.contains_key(*word));
    let mut types = match schema.get("type") {
        Some(Value::String(only)) if is_bare => vec![json!(only)],
        Some(Value::Array(types)) if is_bare => types.clone(),
        _ => return keywords([("anyOf", json!([schema, { "type": "null" }]))]),
    };
    if !types.contains(&json!("null")) {
        types.push(json!("null"));
    }
    schema.insert("type".to_owned(), Value::Array(types));
    schema
}
