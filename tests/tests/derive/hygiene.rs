//! Generated code depends on no name that a user may have given to something else, and lints have nothing to say.

/// Everything in here is called like something in the prelude.
mod shadowed {
    #![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, rust_2018_idioms)]
    #![allow(non_camel_case_types, dead_code)]

    use reloadable::Reloadable;

    struct Option;
    struct Some;
    struct None;
    struct Result;
    struct Ok;
    struct Err;
    struct Vec;
    struct Box;
    struct Default;
    struct Clone;
    struct PartialEq;
    struct Changes;
    struct Value;
    struct Walker;
    mod std {}
    mod core {}
    mod alloc {}
    mod serde {}
    mod reloadable_derive {}

    /// A text of our own, with a rule that must not be overlooked.
    #[derive(Reloadable)]
    pub(super) struct String(#[reload(range(1..))] pub(super) u8);

    /// A struct.
    #[derive(Reloadable)]
    #[reload(crate = "::reloadable")]
    pub(super) struct Shadowed {
        /// A field.
        #[reload(restart, range(1..=3))]
        pub(super) __new: u8,
        /// Another.
        #[reload(leaf)]
        pub(super) self_: f32,
        /// Another.
        #[reload(secret)]
        pub(super) __report: ::std::string::String,
        /// Another.
        #[reload(key = "0", each(validate = super::fine))]
        pub(super) walker: ::std::vec::Vec<String>,
        /// Another.
        #[reload(set)]
        pub(super) set: ::std::vec::Vec<u8>,
        pub(super) text: String,
        pub(super) variant: Enum,
        pub(super) r#type: ::std::option::Option<u8>,
        private: Private,
    }

    struct Private_(u8);

    #[derive(Reloadable)]
    struct Private {
        pub number: u8,
    }

    /// An enum.
    #[derive(Reloadable)]
    pub(super) enum Enum {
        /// A variant.
        None,
        /// A variant.
        Some(u8),
        /// A variant.
        r#Struct {
            /// A field.
            r#struct: u8,
            #[deprecated]
            old: u8,
        },
    }

    impl Shadowed {
        pub(super) fn new(number: u8) -> Self {
            Self {
                __new: number,
                self_: 1.0,
                __report: "secret".into(),
                walker: vec![String(number)],
                set: vec![number],
                text: String(number),
                variant: Enum::Some(number),
                r#type: ::std::option::Option::Some(number),
                private: Private { number },
            }
        }
    }
}

fn fine<T>(_: &T) {}

/// Everything in here is visible from outside, so that `missing_docs` looks at it.
pub mod public {
    #![deny(warnings, missing_docs, missing_debug_implementations, missing_copy_implementations)]
    #![deny(clippy::all, clippy::pedantic)]
    #![allow(missing_copy_implementations, reason = "the types here are not about that")]

    /// A struct whose fields are of every visibility.
    #[derive(Debug, reloadable::Reloadable)]
    pub struct Public {
        /// A public field.
        pub open: u8,
        pub(crate) inner: Inner,
        #[deprecated(note = "use open")]
        private: u8,
        #[cfg(any())]
        absent: Absent,
        #[cfg(test)]
        present: u8,
        unicode_ß: u8,
    }

    #[derive(Debug, reloadable::Reloadable)]
    pub(crate) struct Inner(u8);

    impl Public {
        /// Makes one.
        #[allow(deprecated)]
        #[must_use]
        pub fn new(number: u8) -> Self {
            Self { open: number, inner: Inner(number), private: number, present: number, unicode_ß: number }
        }
    }
}

/// A struct that a macro writes: its parts are of different hygiene.
macro_rules! written {
    ($name:ident { $($field:ident: $ty:ty),* } when $condition:expr) => {
        #[derive(reloadable::Reloadable)]
        struct $name {
            $(#[reload(range(1..10), when = $condition)] $field: $ty,)*
            #[reload(range(1..10), when = self.mine > 0)]
            mine: u8,
        }
    };
}

const YES: bool = true;

written!(Written { first: u8, second: Option<Box<u16>> } when YES);

use reloadable::{Diff, Report, Reporter, Validate};

#[test]
fn shadowed_names_do_not_matter() {
    let (old, new) = (shadowed::Shadowed::new(1), shadowed::Shadowed::new(0));
    assert!(old.diff(&old).is_none());
    assert_eq!(
        old.diff(&new).map(|changes| changes.to_string()).as_deref(),
        Some(
            "__new: 1 -> 0\nwalker[\"1\"]: removed\nwalker[\"0\"]: added\nset[\"1\"]: removed\nset[\"0\"]: added\ntext: 1 -> 0\nvariant.Some: 1 -> 0\ntype: 1 -> 0\nprivate.number: 1 -> 0"
        )
    );
    let mut report = Report::new();
    new.validate(&mut Reporter::new(&mut report));
    assert_eq!(
        report.violations().iter().map(|violation| violation.path().to_string()).collect::<Vec<_>>(),
        ["__new", "walker[0]", "text"]
    );
}

#[test]
fn every_visibility_is_kept() {
    let (old, new) = (public::Public::new(1), public::Public::new(2));
    let changes = old.diff(&new);
    assert!(changes.as_ref().is_some_and(|changes| changes.open.is_some() && changes.inner.is_some()));
    assert_eq!(changes.map(|changes| changes.to_string().lines().count()), Some(5));
}

#[test]
fn a_macro_may_write_the_struct() {
    let written = Written { first: 0, second: Some(Box::new(20)), mine: 10 };
    let mut report = Report::new();
    written.validate(&mut Reporter::new(&mut report));
    assert_eq!(report.violations().len(), 3);
}
