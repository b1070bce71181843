//! All fields of a type as a list: what documentation, forms and status pages are made of.

use serde::Serialize;

use crate::describe::{Description, Field, Rule, Shape, Tagging, Variant};
use crate::path::{FieldPath, Segment};

/// How deep tables within tables are followed.
const DEPTH: usize = 32;
/// How many fields are listed at most.
const LISTED: usize = 10_000;

/// What may be set in the file: one field, an element of a list, or an entry of a table with keys of the user's choice.
///
/// # Examples
///
/// ```
/// use reloadable::Reloadable;
/// use serde::Deserialize;
///
/// # #[cfg(feature = "derive")] {
/// #[derive(Deserialize, Reloadable)]
/// struct App {
///     routes: Vec<Route>,
/// }
///
/// #[derive(Deserialize, Reloadable)]
/// struct Route {
///     /// Where requests go.
///     #[reload(non_empty)]
///     upstream: String,
/// }
///
/// let fields = App::fields();
/// let paths: Vec<_> = fields.iter().map(|field| &*field.path).collect();
/// assert_eq!(paths, ["routes", "routes[]", "routes[].upstream"]);
/// assert_eq!(fields[2].docs, "Where requests go.");
/// assert_eq!(fields[2].rules, ["non_empty"]);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The place, spelled as a [`FieldPath`] but for what the user chooses: `routes[].path` is a field of every element
    /// of the list `routes`, `labels.*` every entry of the table `labels`, `"*"` in quotes a key of that name.
    pub path: String,
    /// The doc comment; of an element, that of its type. Empty where there is none.
    pub docs: &'static str,
    /// What stands there, in words: `integer from 0 to 65535`.
    #[serde(rename = "type")]
    pub words: String,
    /// The rules as the derive reads them: `range(1..=1024)`.
    pub rules: Vec<String>,
    /// The names of variants to choose from; empty for all that is no enum.
    pub choices: Vec<&'static str>,
    /// The variant of the enum around it that has this field. Several variants may have one of the same path.
    pub variant: Option<&'static str>,
    /// Other names that the file may use.
    pub aliases: &'static [&'static str],
    /// The file may leave it out, in the table in which it stands.
    pub optional: bool,
    /// It is never shown, or stands in something that is not.
    pub secret: bool,
    /// A change of it, or of what it stands in, needs a restart.
    pub restart: bool,
    /// It names a file that belongs to the configuration, or stands in something that does.
    pub file: bool,
}

/// Lists all fields of a type. Where a type holds itself, the inner one is listed without its fields.
pub(crate) fn list(description: Description) -> Vec<FieldInfo> {
    let mut walk = Walk { found: Vec::new(), open: Vec::new() };
    walk.within(description, &Place::default());
    walk.found
}

/// What holds for everything that stands in one place.
#[derive(Clone, Default)]
struct Place {
    path: String,
    variant: Option<&'static str>,
    secret: bool,
    restart: bool,
    file: bool,
}

impl Place {
    fn named(&self, name: &'static str) -> Self {
        let name = FieldPath::from(vec![Segment::Name(name.into())]).to_string();
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{name}", self.path), variant: None, ..self.clone() }
    }

    fn any_key(&self) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}*", self.path), variant: None, ..self.clone() }
    }

    fn element(&self, index: Option<usize>) -> Self {
        let index = index.map_or_else(String::new, |index| index.to_string());
        Self { path: format!("{}[{index}]", self.path), variant: None, ..self.clone() }
    }

    fn marked(mut self, field: &Field) -> Self {
        self.secret |= field.secret;
        self.restart |= field.restart;
        self.file |= field.file;
        self
    }
}

struct Walk {
    found: Vec<FieldInfo>,
    open: Vec<&'static str>,
}

impl Walk {
    fn within(&mut self, description: Description, place: &Place) {
        if self.open.contains(&description.type_name) || self.open.len() >= DEPTH {
            return;
        }
        self.open.push(description.type_name);
        self.shape(description.shape, &[], place);
        self.open.pop();
    }

    /// `rules` are those of the field that holds this.
    fn shape(&mut self, shape: Shape, rules: &[Rule<'static>], place: &Place) {
        let nested = |word: &str| {
            let rules = rules.iter().filter(|rule| rule.word == word && rule.when.is_none());
            rules.flat_map(Rule::nested).collect::<Vec<_>>()
        };
        match shape {
            Shape::Optional(describe) | Shape::Like(describe) => {
                self.shape_of(describe(), rules, place);
            }
            Shape::Newtype(field) if !field.opaque => {
                let own: Vec<_> = rules.iter().cloned().chain(field.written_rules()).collect();
                self.shape_of((field.describe)(), &own, &place.clone().marked(field));
            }
            Shape::Sequence(describe) => self.element(describe(), nested("each"), place.element(None)),
            Shape::Map(describe) => self.element(describe(), nested("values"), place.any_key()),
            Shape::Struct(fields) => self.fields(fields, place),
            Shape::Tuple(fields) => {
                for (index, field) in fields.iter().filter(|field| !field.skip).enumerate() {
                    self.field(field, place.element(Some(index)), place.variant);
                }
            }
            Shape::Enum(tagging, variants) => self.variants(tagging, variants, place),
            _ => {}
        }
    }

    fn shape_of(&mut self, description: Description, rules: &[Rule<'static>], place: &Place) {
        if self.open.contains(&description.type_name) || self.open.len() >= DEPTH {
            return;
        }
        self.open.push(description.type_name);
        self.shape(description.shape, rules, place);
        self.open.pop();
    }

    fn fields(&mut self, fields: &'static [Field], place: &Place) {
        for field in fields.iter().filter(|field| !field.skip) {
            if !field.flatten {
                self.field(field, place.named(field.name), place.variant);
            } else if !field.opaque {
                self.within((field.describe)(), &place.clone().marked(field));
            }
        }
    }

    fn field(&mut self, field: &'static Field, place: Place, variant: Option<&'static str>) {
        let place = place.marked(field);
        let description = (field.describe)();
        let rules: Vec<_> = field.written_rules().collect();
        let info = FieldInfo {
            docs: field.docs,
            words: field.words(),
            choices: if field.opaque { Vec::new() } else { choices(description.shape) },
            aliases: field.aliases,
            optional: field.optional,
            ..info(description, &rules, &place, variant)
        };
        if self.push(info) && !field.opaque {
            self.shape_of(description, &rules, &place);
        }
    }

    /// An element of a list, or a value of a table.
    fn element(&mut self, description: Description, rules: Vec<Rule<'static>>, place: Place) {
        let info = info(description, &rules, &place, None);
        if self.push(info) {
            self.shape_of(description, &rules, &place);
        }
    }

    fn variants(&mut self, tagging: Tagging, variants: &'static [Variant], place: &Place) {
        if let Tagging::Internal(tag) | Tagging::Adjacent(tag, _) = tagging {
            let place = place.named(tag);
            let choices = names(variants);
            let words = choices.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" or ");
            let info = info(Description::new("", Shape::Text), &[], &place, None);
            self.push(FieldInfo { words, choices, optional: false, ..info });
        }
        for variant in variants.iter().filter(|variant| !variant.skip) {
            let place = match tagging {
                Tagging::External if !variant.untagged => {
                    let place = place.named(variant.name);
                    if matches!(variant.shape, Shape::Tuple([])) {
                        continue;
                    }
                    let description = Description::new("", variant.shape);
                    let aliases = variant.aliases;
                    let info = info(description, &[], &place, Some(variant.name));
                    if !self.push(FieldInfo { docs: variant.docs, aliases, ..info }) {
                        continue;
                    }
                    place
                }
                Tagging::Adjacent(_, content) if !variant.untagged => {
                    if matches!(variant.shape, Shape::Tuple([])) {
                        continue;
                    }
                    let place = place.named(content);
                    let info = info(Description::new("", variant.shape), &[], &place, Some(variant.name));
                    if !self.push(FieldInfo { docs: variant.docs, ..info }) {
                        continue;
                    }
                    place
                }
                _ => place.clone(),
            };
            self.shape(variant.shape, &[], &Place { variant: Some(variant.name), ..place });
        }
    }

    fn push(&mut self, info: FieldInfo) -> bool {
        let room = self.found.len() < LISTED;
        if room {
            self.found.push(info);
        }
        room
    }
}

fn info(
    description: Description,
    rules: &[Rule<'_>],
    place: &Place,
    variant: Option<&'static str>,
) -> FieldInfo {
    FieldInfo {
        path: place.path.clone(),
        docs: description.docs,
        words: description.words(),
        rules: rules.iter().map(Rule::spelled).collect(),
        choices: choices(description.shape),
        variant,
        aliases: &[],
        optional: true,
        secret: place.secret || is_secret(description),
        restart: place.restart,
        file: place.file,
    }
}

fn names(variants: &[Variant]) -> Vec<&'static str> {
    let named = variants.iter().filter(|variant| !variant.skip && !variant.untagged);
    named.map(|variant| variant.name).collect()
}

/// Tells whether a type is secret by itself.
fn is_secret(mut description: Description) -> bool {
    for _ in 0..DEPTH {
        description = match description.shape {
            Shape::Newtype(field) if field.secret => return true,
            Shape::Newtype(field) if !field.opaque => (field.describe)(),
            Shape::Optional(describe) | Shape::Like(describe) => describe(),
            _ => return false,
        };
    }
    false
}

/// Returns the names of an enum's variants, through options and newtypes.
fn choices(mut shape: Shape) -> Vec<&'static str> {
    for _ in 0..DEPTH {
        shape = match shape {
            Shape::Optional(describe) | Shape::Like(describe) => describe().shape,
            Shape::Newtype(field) if !field.opaque => (field.describe)().shape,
            Shape::Enum(Tagging::External, variants) => return names(variants),
            _ => break,
        };
    }
    Vec::new()
}
