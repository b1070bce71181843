//! `camino::Utf8PathBuf` and `Utf8Path`.

use std::borrow::Cow;

use camino::{Utf8Path, Utf8PathBuf};

use super::leaf::leaf;
use crate::describe::Shape;
use crate::diff::touched::is_touched;
use crate::validate::rules::{Length, OneOf, Text};
use crate::value::Value;

leaf! {
    impl[] for Utf8PathBuf {
        shape: Shape::Text,
        same: |old, new| old == new && !is_touched(old.as_str().as_bytes()),
        shown: |path| Value::Text(Cow::Borrowed(path.as_str())),
    }

    impl[] for Utf8Path {
        shape: Shape::Text,
        same: |old, new| old == new && !is_touched(old.as_str().as_bytes()),
        shown: |path| Value::Text(Cow::Borrowed(path.as_str())),
    }
}

macro_rules! rules {
    ($($ty:ty),*) => {$(
        impl Length for $ty {
            fn length(&self) -> Option<usize> {
                self.as_str().length()
            }
        }

        impl OneOf for $ty {
            type Choice = &'static str;

            fn is(&self, choice: &&'static str) -> bool {
                self == *choice
            }

            fn shown(&self) -> Option<Value<'_>> {
                self.as_str().shown()
            }

            fn show<'c>(choice: &'c &'static str) -> Value<'c> {
                str::show(choice)
            }
        }

        impl Text for $ty {
            fn text(&self) -> Option<Cow<'_, str>> {
                self.as_str().text()
            }
        }
    )*};
}

rules!(Utf8PathBuf, Utf8Path);
