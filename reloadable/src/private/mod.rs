//! What generated code calls. Not public: it may change in any release.

mod shown;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use serde::{Serialize, Serializer};
pub use std::boxed::Box;

pub use crate::describe::{Describe, Describer, Description, Field, Prober, Shape, Tagging, Variant};
pub use crate::diff::{
    AsSet, ChangeKind, Changes, Diff, KeyFn, Keyed, Leaf, Member, Order, Redacted, Step, Walker,
};
pub use crate::format::{Error, Probe, Probed, Site, ValueDeserializer};
pub use crate::load::Loaded;
pub use crate::path::Segment;
pub use crate::report::Reporter;
pub use crate::validate::{Validate, rules};
pub use crate::value::Value;

pub use self::shown::{
    KeyByDisplay, KeyByNothing, KeyByReference, KeyBySerialize, KeyByValue, KeyOf, Shown, ShownByDebug,
    ShownByDiff, ShownByDisplay, ShownByNothing, ShownBySerialize, ShownKey, Straight, Through, withheld,
};

use crate::diff::touched;
use crate::document::Document;
use crate::layer::Layers;
use crate::load;
use crate::report::Report;

/// Makes a candidate of documents, each a layer of its own.
///
/// # Errors
///
/// As the start of a reloader.
pub fn decode<T: DeserializeOwned + Diff>(documents: &[Document]) -> Result<Loaded<T>, Report> {
    load::decode(&Layers::of(documents))
}

/// The step to what has no name in the file.
pub const NOWHERE: Option<Segment> = None;

/// The step to a field with a name.
#[must_use]
pub const fn name(name: &'static str) -> Option<Segment> {
    Some(Segment::Name(Cow::Borrowed(name)))
}

/// The step to a field by position.
#[must_use]
pub const fn index(index: usize) -> Option<Segment> {
    Some(Segment::Index(index))
}

/// A field that is compared as a whole.
pub fn leaf<'a, T: ?Sized>(equal: bool, old: &'a T, new: &'a T) -> Option<Leaf<'a, T>> {
    if equal { None } else { Some(Leaf { old, new }) }
}

/// What a walk is told about a field. Its own functions win over those of [`Unstepped`], for the reason given at
/// [`Known`].
#[derive(Debug)]
pub struct Stepped<C>(pub C);

impl<'w, C: Changes> Stepped<&'w Option<C>> {
    /// Tells of changes if there are any.
    #[must_use]
    pub fn step(self) -> Step<'w> {
        self.0.as_ref().map_or(Step::Same, |changes| Step::Changes(changes))
    }
}

impl<'w, C: Changes> Stepped<&'w C> {
    /// Tells of changes.
    #[must_use]
    pub const fn certain_step(self) -> Step<'w> {
        Step::Changes(self.0)
    }
}

impl<'w, C: Changes> Stepped<&'w Option<Redacted<C>>> {
    /// Tells of changes of a secret if there are any.
    #[must_use]
    pub fn secret_step(self) -> Step<'w> {
        self.0.as_ref().map_or(Step::Same, |changes| Step::Secret(&**changes))
    }
}

impl<'w, C: Changes> Stepped<&'w Redacted<C>> {
    /// Tells of changes of a secret.
    #[must_use]
    pub fn certain_secret_step(self) -> Step<'w> {
        Step::Secret(&**self.0)
    }
}

/// What a walk is told about a field that needs a restart where the description does not tell.
#[must_use]
pub fn restart_step(step: Step<'_>) -> Step<'_> {
    if let Step::Same = step { Step::Same } else { Step::Restart }
}

/// What a walk is told about what cannot be walked; such code does not compile.
pub trait Unstepped: Sized {
    /// Not called.
    fn step(self) -> Step<'static> {
        Step::Same
    }

    /// Not called.
    fn certain_step(self) -> Step<'static> {
        Step::Same
    }

    /// Not called.
    fn secret_step(self) -> Step<'static> {
        Step::Same
    }

    /// Not called.
    fn certain_secret_step(self) -> Step<'static> {
        Step::Same
    }
}

impl<C> Unstepped for Stepped<C> {}

/// What a walk is told about a field that is compared as a whole.
#[must_use]
pub fn leaf_step<'w>(shown: Option<(Value<'w>, Value<'w>)>) -> Step<'w> {
    shown.map_or(Step::Same, |(old, new)| Step::Leaf(old, new))
}

/// Prints changes, an entry a line.
///
/// # Errors
///
/// When the formatter fails.
pub fn lines(changes: &dyn Changes, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    crate::diff::lines(changes, f)
}

/// Serializes changes as the list of their entries.
///
/// # Errors
///
/// When the serializer fails.
pub fn list<S: Serializer>(changes: &dyn Changes, serializer: S) -> Result<S::Ok, S::Error> {
    crate::diff::list(changes, serializer)
}

/// One part of a table.
#[derive(Debug)]
pub enum Part<'v> {
    /// A name with its value.
    Entry(&'static str, Value<'v>),
    /// A value whose names stand in this table.
    Flat(Value<'v>),
}

/// Makes a table of its parts.
#[must_use]
pub fn table<const N: usize>(parts: [Part<'_>; N]) -> Value<'_> {
    let mut entries = Vec::with_capacity(N);
    for part in parts {
        match part {
            Part::Entry(name, value) => entries.push((Cow::Borrowed(name), value)),
            Part::Flat(Value::Table(more)) => entries.extend(more),
            // serde writes a unit variant that is flattened as a name without a value.
            Part::Flat(Value::Text(variant)) => entries.push((variant, Value::Null)),
            Part::Flat(_) => {}
        }
    }
    Value::Table(entries)
}

/// Makes a list.
#[must_use]
pub fn row<const N: usize>(values: [Value<'_>; N]) -> Value<'_> {
    Value::List(Vec::from(values))
}

/// Makes a text.
#[must_use]
pub const fn text(text: &'static str) -> Value<'static> {
    Value::Text(Cow::Borrowed(text))
}

/// Compares a field marked `#[reload(leaf)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared as a whole, since it does not implement `PartialEq`",
    label = "derive `PartialEq` on it, or say how to compare it",
    note = "`#[reload(leaf, eq = path)]` compares with a function of two references, `#[reload(leaf, by = path)]` compares what a function makes of each"
)]
pub trait Same {
    /// Tells whether nothing changed.
    fn same(&self, new: &Self) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T: PartialEq + ?Sized> Same for T {
    fn same(&self, new: &Self) -> bool {
        self == new
    }
}

/// Can be kept until a restart, as a field marked `#[reload(restart)]` must be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept until a restart, since it does not implement `Clone`",
    label = "derive `Clone` on it, or remove `restart`",
    note = "a field marked `#[reload(restart)]` must be `Clone`, so that the running value can be kept until a restart"
)]
pub trait Kept {
    /// Makes the wanted value, `self`, a copy of the running one.
    fn keep(&mut self, running: &Self);
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Kept for T {
    fn keep(&mut self, running: &Self) {
        self.clone_from(running);
    }
}

/// Has an order, as a field marked `#[reload(ordered)]` does. What it holds does not matter, so that a mistake in that
/// is told once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order",
    label = "`ordered` is for sequences: `Vec`, `VecDeque`, slices and arrays, also within `Box`, `Arc` and `Option`"
)]
pub trait Ordered {
    /// Does nothing: it is called for its bound.
    fn ordered() {}
}

macro_rules! ordered {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Ordered for $ty {}
    )*};
}

ordered! {
    [T] Vec<T>, [T] VecDeque<T>, [T] [T], [T, const N: usize] [T; N],
    [Q: Ordered + ?Sized] Box<Q>, [Q: Ordered + ?Sized] Arc<Q>, [Q: Ordered] Option<Q>,
}

/// What a sequence holds.
pub type ItemOf<T> = <T as Keyed>::Item;

/// What a type can do, where it can. Its own functions win over those of [`Unknown`], so that a type which lacks a
/// trait is reported in one place, the type of the changes, and not wherever the trait is used.
#[derive(Debug)]
pub struct Known<T: ?Sized>(PhantomData<T>);

impl<T: Describe + ?Sized> Known<T> {
    /// The type's own description.
    pub const DESCRIBE: Describer = T::describe;
    /// Whether its names are those of the file even where serde is told to convert it.
    pub const DERIVED: bool = T::DERIVED;
}

impl<T: Validate + ?Sized> Known<T> {
    /// Validates what stands one step deeper.
    pub fn validate(value: &T, step: Option<Segment>, secret: bool, opaque: bool, report: &mut Reporter<'_>) {
        if !T::TRIVIAL {
            report.enter(step, secret, opaque);
            value.validate(report);
            report.leave();
        }
    }

    /// Normalizes what stands one step deeper.
    pub fn normalize(
        value: &mut T,
        step: Option<Segment>,
        secret: bool,
        opaque: bool,
        report: &mut Reporter<'_>,
    ) {
        if !T::TRIVIAL {
            report.enter(step, secret, opaque);
            value.normalize(report);
            report.leave();
        }
    }
}

impl<T: DeserializeOwned + Validate> Known<T> {
    const OWN: &'static Probe = &Probe::of::<T>();
    /// Decodes and validates one by itself.
    pub const PROBE: Option<Prober> = Some(Self::OWN);
}

impl<T: DeserializeOwned> Known<T> {
    const DECODING: &'static Probe = &Probe::decoding::<T>();
    /// Decodes one by itself.
    pub const DECODED: Option<Prober> = Some(Self::DECODING);

    /// Decodes one by itself and checks it.
    pub fn probe(
        site: Site<'_>,
        report: &mut Reporter<'_>,
        check: impl FnOnce(&mut T, &mut Reporter<'_>),
    ) -> Probed {
        crate::format::probe(site, report, T::deserialize, check)
    }
}

/// Decodes a field by a function of the user's and checks it.
pub fn probe_with<'s, T>(
    site: Site<'s>,
    report: &mut Reporter<'_>,
    decode: impl FnOnce(ValueDeserializer<'s>) -> Result<T, Error>,
    check: impl FnOnce(&mut T, &mut Reporter<'_>),
) -> Probed {
    site.missing().unwrap_or_else(|| crate::format::probe(site, report, decode, check))
}

/// Returns the first of two that there is.
#[must_use]
pub const fn either(first: Option<Prober>, second: Option<Prober>) -> Option<Prober> {
    match first {
        Some(first) => Some(first),
        None => second,
    }
}

impl<T: Diff + ?Sized> Known<T> {
    /// Compares field by field.
    pub fn diff<'a>(old: &'a T, new: &'a T) -> Option<<T as Diff>::Changes<'a>> {
        old.diff(new)
    }

    /// Makes the wanted value keep what cannot change while the program runs.
    pub fn hold(wanted: &mut T, running: &T) {
        wanted.hold(running);
    }

    /// Says that the wanted value is a copy of the running one now.
    pub fn kept(wanted: &T, running: &T) {
        touched::copied(|| running.value(), || wanted.value());
    }

    /// Shows the value.
    pub fn value(value: &T) -> Value<'_> {
        value.value()
    }
}

impl<T: Keyed + ?Sized> Known<T> {
    /// Compares by the keys of the elements.
    pub fn keyed_diff<'a>(
        old: &'a T,
        new: &'a T,
        key: KeyFn<T::Item>,
        order: Order,
    ) -> Option<<T as Keyed>::Changes<'a>> {
        old.keyed_diff(new, key, order)
    }

    /// As [`hold`](Self::hold), by the keys of the elements.
    pub fn keyed_hold(wanted: &mut T, running: &T, key: KeyFn<T::Item>) {
        wanted.keyed_hold(running, key);
    }
}

impl<T: AsSet + ?Sized> Known<T> {
    /// Compares by which elements there are.
    pub fn set_diff<'a>(old: &'a T, new: &'a T) -> Option<<T as AsSet>::Changes<'a>> {
        old.set_diff(new)
    }
}

impl<T: rules::Each + ?Sized> Known<T> {
    /// Refuses elements that share a key.
    pub fn unique_keys(value: &T, key: KeyFn<T::Item>, report: &mut Reporter<'_>) {
        rules::unique_keys(value, key, report);
    }
}

/// What is done with a type about which nothing is known.
pub trait Unknown {
    /// Its description.
    const DESCRIBE: Describer;
    /// It is not derived.
    const DERIVED: bool = false;
    /// It cannot be decoded, or not be validated.
    const PROBE: Option<Prober> = None;
    /// It cannot be decoded.
    const DECODED: Option<Prober> = None;
    /// The type.
    type Value: ?Sized;

    /// There is nothing to validate.
    fn validate(_: &Self::Value, _: Option<Segment>, _: bool, _: bool, _: &mut Reporter<'_>) {}

    /// There is no way to decode it.
    fn probe(
        _: Site<'_>,
        _: &mut Reporter<'_>,
        _: impl FnOnce(&mut Self::Value, &mut Reporter<'_>),
    ) -> Probed {
        Probed::UNKNOWN
    }

    /// There is nothing to normalize.
    fn normalize(_: &mut Self::Value, _: Option<Segment>, _: bool, _: bool, _: &mut Reporter<'_>) {}

    /// Not called: a type that cannot be compared does not compile.
    #[must_use]
    fn diff<C>(_: &Self::Value, _: &Self::Value) -> Option<C> {
        None
    }

    /// Not called, as [`diff`](Self::diff).
    fn hold(_: &mut Self::Value, _: &Self::Value) {}

    /// It names no files.
    fn kept(_: &Self::Value, _: &Self::Value) {}

    /// Not called, as [`diff`](Self::diff).
    fn keyed_hold<K>(_: &mut Self::Value, _: &Self::Value, _: K) {}

    /// Not called, as [`diff`](Self::diff).
    #[must_use]
    fn value(_: &Self::Value) -> Value<'_> {
        Value::Opaque
    }

    /// Not called, as [`diff`](Self::diff).
    fn keyed_diff<K, C>(_: &Self::Value, _: &Self::Value, _: K, _: Order) -> Option<C> {
        None
    }

    /// Not called, as [`diff`](Self::diff).
    #[must_use]
    fn set_diff<C>(_: &Self::Value, _: &Self::Value) -> Option<C> {
        None
    }

    /// Not called, as [`diff`](Self::diff).
    fn unique_keys<K>(_: &Self::Value, _: K, _: &mut Reporter<'_>) {}
}

impl<T: ?Sized> Unknown for Known<T> {
    const DESCRIBE: Describer = opaque::<T>;
    type Value = T;
}

fn opaque<T: ?Sized>() -> Description {
    Description::new(std::any::type_name::<T>(), Shape::Opaque)
}
