//! Methods, status codes, headers and URIs of `http`. A header value that is marked sensitive is a secret, and so is
//! the password of a URI.

use std::borrow::Cow;
use std::fmt;

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use super::leaf::{leaf, text};
use super::userinfo::{has_password, without_password};
use crate::describe::Shape;
use crate::validate::rules::{Length, OneOf, Range, Text};
use crate::value::Value;

leaf! {
    impl[] for Method { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for StatusCode {
        shape: Shape::Integer { min: 100, max: 999 },
        same: PartialEq::eq,
        shown: |status| Value::Integer(status.as_u16().into()),
    }
    impl[] for HeaderName { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for HeaderValue { shape: Shape::Text, same: same_value, shown: shown_value }
    impl[] for HeaderMap { shape: Shape::Map(HeaderValue::describe), same: same_map, shown: shown_map }
    impl[] for Scheme { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Authority { shape: Shape::Text, same: same_text, shown: |authority| {
        // It lacks the slashes by which the password is found.
        let url = format!("//{authority}");
        Value::Text(Cow::Owned(without_password(&url)[2..].to_owned()))
    } }
    impl[] for Uri { shape: Shape::Text, same: same_text, shown: |uri| {
        Value::Text(Cow::Owned(without_password(&uri.to_string()).into_owned()))
    } }
}

/// Unlike `==`, takes the mark of a sensitive value into account, since it decides what is shown.
fn same_value(old: &HeaderValue, new: &HeaderValue) -> bool {
    old == new && old.is_sensitive() == new.is_sensitive()
}

fn shown_value(value: &HeaderValue) -> Value<'_> {
    if value.is_sensitive() {
        return Value::Secret;
    }
    Value::Text(String::from_utf8_lossy(value.as_bytes()))
}

/// The order of different names means nothing, that of one name's values does.
fn same_map(old: &HeaderMap, new: &HeaderMap) -> bool {
    let same_values = |name: &HeaderName| {
        let (mut old, mut new) = (old.get_all(name).iter(), new.get_all(name).iter());
        loop {
            match (old.next(), new.next()) {
                (None, None) => return true,
                (Some(old), Some(new)) if same_value(old, new) => {}
                _ => return false,
            }
        }
    };
    old.len() == new.len() && old.keys().all(same_values)
}

/// A name with one value has a text, one with several has a list.
fn shown_map(map: &HeaderMap) -> Value<'_> {
    let mut entries: Vec<_> = map
        .keys()
        .map(|name| {
            let mut values: Vec<_> = map.get_all(name).iter().map(shown_value).collect();
            let value = if values.len() == 1 { values.remove(0) } else { Value::List(values) };
            (Cow::Borrowed(name.as_str()), value)
        })
        .collect();
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    Value::Table(entries)
}

/// Compares what is written. `==` ignores the case of a host, but also that of a user and a password.
fn same_text<T: fmt::Display>(old: &T, new: &T) -> bool {
    old.to_string() == new.to_string()
}

impl Range for StatusCode {
    type Bound = u16;

    fn bound(&self) -> Option<u16> {
        Some(self.as_u16())
    }
}

impl OneOf for StatusCode {
    type Choice = u16;

    fn is(&self, choice: &u16) -> bool {
        self == choice
    }

    fn shown(&self) -> Option<Value<'_>> {
        Some(Value::Integer(self.as_u16().into()))
    }

    fn show(choice: &u16) -> Value<'_> {
        u16::show(choice)
    }
}

macro_rules! texts {
    ($($ty:ty),*) => {$(
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

        impl Length for $ty {
            fn length(&self) -> Option<usize> {
                self.as_str().length()
            }
        }

        impl Text for $ty {
            fn text(&self) -> Option<Cow<'_, str>> {
                self.as_str().text()
            }
        }
    )*};
}

texts!(Method, HeaderName);

impl Length for HeaderMap {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Length for HeaderValue {
    fn length(&self) -> Option<usize> {
        String::from_utf8_lossy(self.as_bytes()).length()
    }

    fn is_secret(&self) -> bool {
        self.is_sensitive()
    }
}

impl Text for HeaderValue {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(String::from_utf8_lossy(self.as_bytes()))
    }

    fn is_secret(&self) -> bool {
        self.is_sensitive()
    }
}

impl Length for Uri {
    fn length(&self) -> Option<usize> {
        self.to_string().length()
    }

    fn is_secret(&self) -> bool {
        has_password(&self.to_string())
    }
}

impl Text for Uri {
    fn text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.to_string()))
    }

    fn is_secret(&self) -> bool {
        has_password(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Diff;

    fn sensitive(text: &'static str) -> HeaderValue {
        let mut value = HeaderValue::from_static(text);
        value.set_sensitive(true);
        value
    }

    #[test]
    fn a_sensitive_value_is_not_shown() {
        let old = HeaderMap::from_iter([(http::header::AUTHORIZATION, sensitive("hunter1"))]);
        let new = HeaderMap::from_iter([(http::header::AUTHORIZATION, sensitive("hunter2"))]);
        let change = old.diff(&new).map(|change| change.to_string());
        assert_eq!(change.as_deref(), Some("(root): {authorization = ***} -> {authorization = ***}"));
        assert!(old.diff(&old.clone()).is_none());
    }

    #[test]
    fn a_name_more_or_less_is_a_change() {
        let empty = HeaderMap::new();
        let one = HeaderMap::from_iter([(http::header::VIA, HeaderValue::from_static("a"))]);
        assert!(empty.diff(&one).is_some());
        assert!(one.diff(&empty).is_some());
    }

    #[test]
    fn an_authority_is_shown_without_its_password() {
        let authority = Authority::from_static("me:hunter2@db:5432");
        assert_eq!(authority.value(), Value::Text("me:***@db:5432".into()));
        assert!(authority.diff(&Authority::from_static("me:Hunter2@db:5432")).is_some());
    }

    #[test]
    fn the_values_of_one_name_have_an_order() {
        let of = |values: [&'static str; 2]| {
            let name = http::header::VIA;
            HeaderMap::from_iter(values.map(|value| (name.clone(), HeaderValue::from_static(value))))
        };
        let (old, new) = (of(["a", "b"]), of(["b", "a"]));
        let change = old.diff(&new).map(|change| change.to_string());
        assert_eq!(change.as_deref(), Some(r#"(root): {via = ["a", "b"]} -> {via = ["b", "a"]}"#));
    }
}
