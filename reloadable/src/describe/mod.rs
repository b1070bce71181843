//! What every reloadable type says about itself: names, docs, rules, and which fields are special.

mod claim;
mod fits;
#[cfg(feature = "tokio")]
mod file;
#[cfg(feature = "schema")]
mod literal;
mod secret;
mod std;
mod words;
mod written;

use ::std::any::{Any, type_name};

pub(crate) use self::claim::{claim, claim_within};
pub(crate) use self::fits::{Entries, entry, fits, is_tag};
#[cfg(feature = "schema")]
pub(crate) use self::literal::{Bounds, Literal};
pub(crate) use self::secret::{hold_secret, map};
pub(crate) use self::words::is_builtin;
pub(crate) use self::written::Rule;

/// A type that describes itself. `#[derive(Reloadable)]` implements it; by hand, the provided body will do.
pub trait Describe {
    /// The derive wrote this, so the type has names of its own even where serde is told to convert the field.
    #[doc(hidden)]
    const DERIVED: bool = false;

    /// Returns the description of this type, one level deep: what is within it is behind function pointers, so that
    /// a type may contain itself.
    #[must_use]
    fn describe() -> Description {
        Description::new(type_name::<Self>(), Shape::Opaque)
    }
}

/// How a type describes itself; see [`Description::of`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Description {
    /// The Rust type's full name. Two types may share their last segment, so it takes the whole to tell them apart.
    pub type_name: &'static str,
    /// The doc comment, without the leading spaces; empty where there is none.
    pub docs: &'static str,
    /// What the type looks like in a file.
    pub shape: Shape,
    /// Whether unknown keys are refused (`#[serde(deny_unknown_fields)]`).
    pub deny_unknown: bool,
    /// The fields that are secrets, as Rust calls them, also where the file has another type's fields.
    pub(crate) secrets: &'static [&'static str],
    /// The fields of a type that is converted from another one, which knows nothing of which are secret.
    pub(crate) converted: &'static [Field],
    /// The type has a normalizer of its own, so that its fields may be wrong until that has run.
    pub(crate) normalizes: bool,
    pub(crate) probe: Option<Prober>,
}

/// A pointer to the description of another type, so that descriptions can be circular.
pub type Describer = fn() -> Description;

/// What decodes one value by itself and says what is wrong with it. Only the module that decodes knows what it is, and
/// that one is built on descriptions.
#[doc(hidden)]
pub type Prober = &'static (dyn Any + Send + Sync);

/// What a type looks like in a file.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Shape {
    /// A truth value.
    Bool,
    /// A whole number from `min` to `max`; both as text, since the widest do not fit one type.
    Integer {
        /// The smallest number.
        min: i128,
        /// The largest number.
        max: u128,
    },
    /// A number with a fraction.
    Float,
    /// A text.
    Text,
    /// A value or nothing.
    Optional(Describer),
    /// Any number of values in a row.
    Sequence(Describer),
    /// A fixed number of values in a row; the fields have no names.
    Tuple(&'static [Field]),
    /// Values of one type under keys of the user's choice.
    Map(Describer),
    /// A table with these fields.
    Struct(&'static [Field]),
    /// One of several variants.
    Enum(Tagging, &'static [Variant]),
    /// The shape of its only field (a newtype, `#[serde(transparent)]`).
    Newtype(&'static Field),
    /// The shape of another type (`#[serde(from = ..)]`).
    Like(Describer),
    /// Nothing is known.
    Opaque,
}

/// How the variant of an enum is told in a file, in serde's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tagging {
    /// `{ s3 = { .. } }`
    External,
    /// `{ type = "s3", .. }`
    Internal(&'static str),
    /// `{ type = "s3", content = { .. } }`
    Adjacent(&'static str, &'static str),
    /// Whichever variant fits.
    Untagged,
}

/// One variant of an enum.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Variant {
    /// The name in the file.
    pub name: &'static str,
    /// Other names that the file may use.
    pub aliases: &'static [&'static str],
    /// The doc comment.
    pub docs: &'static str,
    /// What stands beside or below the tag: `Struct`, `Tuple` or `Newtype`; `Tuple` of none for a unit variant.
    pub shape: Shape,
    /// Whether this variant has no tag although the others have one.
    pub untagged: bool,
    /// Whether a file cannot name this variant (`#[serde(skip)]`).
    pub skip: bool,
    /// The fields of a variant that a function converts, so that its shape is not known.
    pub(crate) converted: &'static [Field],
}

/// One field of a struct or of a variant.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Field {
    /// The name in the file; empty for a field without a name.
    pub name: &'static str,
    /// Other names that the file may use.
    pub aliases: &'static [&'static str],
    /// The doc comment.
    pub docs: &'static str,
    /// The type.
    pub describe: Describer,
    /// Its rules as they were written: `("range", "1..=1024")`. One that holds only under a condition has the word
    /// `when`, and its text is the rule, a comma and the condition: `("when", "range(1..), self.enabled")`.
    pub rules: &'static [(&'static str, &'static str)],
    /// Its keys stand in the table around it.
    pub flatten: bool,
    /// The file may leave it out.
    pub optional: bool,
    /// It is never shown.
    pub secret: bool,
    /// A change of it needs a restart to take effect. What becomes of one is the reloader's restart policy.
    pub restart: bool,
    /// It names a file that belongs to the configuration: a reloader watches it, and a change of its content is a change
    /// of this field.
    pub file: bool,
    /// Its shape in the file is not that of its type (`#[serde(with = ..)]`).
    pub opaque: bool,
    /// It is not in the file (`#[serde(skip)]`).
    pub skip: bool,
    /// It is in the file, but neither compared nor shown (`#[reload(skip)]`).
    pub(crate) left_out: bool,
    /// It is compared as a whole, by what its type or a function says (`#[reload(leaf)]`).
    pub(crate) leaf: bool,
    /// What Rust calls it: a name or a position.
    pub(crate) member: &'static str,
    /// It decodes the field as the struct around it would, and holds it to the field's rules.
    pub(crate) probe: Option<Prober>,
}

impl Shape {
    /// Tells whether values stand in a row.
    pub(crate) fn is_row(&self) -> bool {
        matches!(self, Self::Sequence(_)) || matches!(self, Self::Tuple(fields) if !fields.is_empty())
    }
}

impl Description {
    /// Returns the description of a type.
    ///
    /// # Examples
    ///
    /// ```
    /// use reloadable::{Description, Shape};
    ///
    /// let ports = Description::of::<Vec<u16>>();
    /// assert!(matches!(ports.shape, Shape::Sequence(_)));
    /// ```
    #[must_use]
    pub fn of<T: Describe + ?Sized>() -> Self {
        T::describe()
    }

    /// Makes a description without docs.
    #[must_use]
    pub const fn new(type_name: &'static str, shape: Shape) -> Self {
        Self {
            type_name,
            docs: "",
            shape,
            deny_unknown: false,
            secrets: &[],
            converted: &[],
            normalizes: false,
            probe: None,
        }
    }

    /// Returns the fields, of what is a struct in the file; none for anything else.
    #[must_use]
    pub fn fields(&self) -> &'static [Field] {
        match self.shape {
            Shape::Struct(fields) => fields,
            _ => &[],
        }
    }
}

#[doc(hidden)]
impl Description {
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    #[must_use]
    pub const fn deny_unknown(mut self) -> Self {
        self.deny_unknown = true;
        self
    }

    #[must_use]
    pub const fn secrets(mut self, secrets: &'static [&'static str]) -> Self {
        self.secrets = secrets;
        self
    }

    #[must_use]
    pub const fn converted(mut self, fields: &'static [Field]) -> Self {
        self.converted = fields;
        self
    }

    #[must_use]
    pub const fn normalizes(mut self) -> Self {
        self.normalizes = true;
        self
    }

    #[must_use]
    pub const fn probe(mut self, probe: Option<Prober>) -> Self {
        self.probe = probe;
        self
    }
}

#[doc(hidden)]
impl Variant {
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, aliases: &[], docs: "", shape, untagged: false, skip: false, converted: &[] }
    }

    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    #[must_use]
    pub const fn converted(mut self, fields: &'static [Field]) -> Self {
        self.converted = fields;
        self
    }

    #[must_use]
    pub const fn untagged(mut self) -> Self {
        self.untagged = true;
        self
    }

    #[must_use]
    pub const fn skip(mut self) -> Self {
        self.skip = true;
        self
    }
}

macro_rules! marks {
    ($($mark:ident),* $(,)?) => {$(
        #[must_use]
        pub const fn $mark(mut self) -> Self {
            self.$mark = true;
            self
        }
    )*};
}

#[doc(hidden)]
impl Field {
    #[must_use]
    pub const fn new(name: &'static str, describe: Describer) -> Self {
        Self {
            name,
            aliases: &[],
            docs: "",
            describe,
            rules: &[],
            flatten: false,
            optional: false,
            secret: false,
            restart: false,
            file: false,
            opaque: false,
            skip: false,
            left_out: false,
            leaf: false,
            member: "",
            probe: None,
        }
    }

    #[must_use]
    pub const fn member(mut self, member: &'static str) -> Self {
        self.member = member;
        self
    }

    marks! { flatten, optional, secret, restart, file, opaque, skip, left_out, leaf }

    #[must_use]
    pub const fn probe(mut self, probe: Option<Prober>) -> Self {
        self.probe = probe;
        self
    }

    #[must_use]
    pub const fn opaque_if(mut self, opaque: bool) -> Self {
        self.opaque = opaque;
        self
    }

    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    #[must_use]
    pub const fn rules(mut self, rules: &'static [(&'static str, &'static str)]) -> Self {
        self.rules = rules;
        self
    }
}
