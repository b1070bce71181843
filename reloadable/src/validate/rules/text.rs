//! What the rule `pattern` works on. It stands apart from the rule, which needs a feature, so that a type can join it
//! without one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::through::through_pointers;

/// A text that may be compared with a pattern.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
///
/// use reloadable::rules::Text;
///
/// struct Host(String);
///
/// impl Text for Host {
///     fn text(&self) -> Option<Cow<'_, str>> {
///         self.0.text()
///     }
/// }
///
/// assert_eq!(Some(Host("a".into())).text().as_deref(), Some("a"));
/// ```
#[diagnostic::on_unimplemented(
    message = "the rule `pattern` does not work on `{Self}`",
    label = "not a text, a path or an option of one",
    note = "for the elements of a collection use `each(pattern(..))`",
    note = "a type of your own joins by implementing `reloadable::rules::Text`"
)]
pub trait Text {
    /// Returns the text; `None` where there is none, which passes.
    fn text(&self) -> Option<Cow<'_, str>>;

    /// Tells whether the text is a secret by its type; messages then do not quote it.
    fn is_secret(&self) -> bool {
        false
    }
}

impl<T: Text> Text for Option<T> {
    fn text(&self) -> Option<Cow<'_, str>> {
        self.as_ref().and_then(T::text)
    }

    fn is_secret(&self) -> bool {
        self.as_ref().is_some_and(T::is_secret)
    }
}

through_pointers!(Text {
    fn text(&self) -> Option<Cow<'_, str>> {
        (**self).text()
    }

    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
});

impl Text for str {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl Text for String {
    fn text(&self) -> Option<Cow<'_, str>> {
        self.as_str().text()
    }
}

impl Text for Path {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(self.to_string_lossy())
    }
}

impl Text for PathBuf {
    fn text(&self) -> Option<Cow<'_, str>> {
        self.as_path().text()
    }
}
