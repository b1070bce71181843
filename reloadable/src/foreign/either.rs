//! `either::Either` of two reloadable types.

use either::Either;

use crate::describe::{Describe, Description, Field, Shape, Tagging, Variant};
use crate::diff::{ChangeKind, Changes, Diff, Leaf, Step, Walker, walk};
use crate::report::Reporter;
use crate::validate::Validate;
use crate::value::Value;

/// The changes of an [`Either`]: those of the side that stayed, or both values if the side is another one.
///
/// # Examples
///
/// ```
/// use either::Either;
/// use reloadable::{Diff, EitherChanges};
///
/// let (old, new) = (Either::<u16, bool>::Left(1), Either::Left(2));
/// match old.diff(&new) {
///     Some(EitherChanges::Left(size)) => assert_eq!(*size.new, 2),
///     other => unreachable!("{other:?}"),
/// }
/// ```
pub enum EitherChanges<'a, L: Diff, R: Diff> {
    /// It was and is the left side.
    Left(L::Changes<'a>),
    /// It was and is the right side.
    Right(R::Changes<'a>),
    /// It is another side now.
    Replaced(Leaf<'a, Either<L, R>>),
}

walk::shown!(impl[L: Diff, R: Diff] Display, Serialize, Debug for EitherChanges<'_, L, R>);

impl<L: Diff, R: Diff> Changes for EitherChanges<'_, L, R> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        let description = Either::<L, R>::describe();
        match self {
            Self::Left(changes) => walker.variant(&description, 0, [Step::Changes(changes)]),
            Self::Right(changes) => walker.variant(&description, 1, [Step::Changes(changes)]),
            Self::Replaced(sides) => {
                walker.entry(ChangeKind::Replaced, Some(sides.old.value()), Some(sides.new.value()));
            }
        }
    }
}

impl<L: Describe, R: Describe> Describe for Either<L, R> {
    fn describe() -> Description {
        let variants = const {
            &[
                Variant::new(LEFT, Shape::Newtype(const { &Field::new("", L::describe) })),
                Variant::new(RIGHT, Shape::Newtype(const { &Field::new("", R::describe) })),
            ]
        };
        Description::new(std::any::type_name::<Self>(), Shape::Enum(Tagging::External, variants))
    }
}

impl<L: Validate, R: Validate> Validate for Either<L, R> {
    const TRIVIAL: bool = L::TRIVIAL && R::TRIVIAL;

    fn normalize(&mut self, report: &mut Reporter<'_>) {
        match self {
            Either::Left(left) => report.at_name(LEFT, |report| left.normalize(report)),
            Either::Right(right) => report.at_name(RIGHT, |report| right.normalize(report)),
        }
    }

    fn validate(&self, report: &mut Reporter<'_>) {
        match self {
            Either::Left(left) => report.at_name(LEFT, |report| left.validate(report)),
            Either::Right(right) => report.at_name(RIGHT, |report| right.validate(report)),
        }
    }
}

impl<L: Diff, R: Diff> Diff for Either<L, R> {
    type Changes<'a>
        = EitherChanges<'a, L, R>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        match (self, new) {
            (Either::Left(old), Either::Left(new)) => old.diff(new).map(EitherChanges::Left),
            (Either::Right(old), Either::Right(new)) => old.diff(new).map(EitherChanges::Right),
            (old, new) => Some(EitherChanges::Replaced(Leaf { old, new })),
        }
    }

    fn hold(&mut self, running: &Self) {
        match (self, running) {
            (Either::Left(wanted), Either::Left(running)) => wanted.hold(running),
            (Either::Right(wanted), Either::Right(running)) => wanted.hold(running),
            _ => {}
        }
    }

    fn value(&self) -> Value<'_> {
        let (side, value) = match self {
            Either::Left(left) => (LEFT, left.value()),
            Either::Right(right) => (RIGHT, right.value()),
        };
        Value::Table(vec![(side.into(), value)])
    }
}

/// The names that serde gives the sides. Under `either::serde_untagged` they are not in the file; paths then end at
/// the field, as for every `#[serde(with = ..)]`.
const LEFT: &str = "Left";
const RIGHT: &str = "Right";
