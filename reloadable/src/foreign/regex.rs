//! `regex::Regex` and `RegexSet`, compared by their text.

use std::borrow::Cow;

use regex::{Regex, RegexSet};

use super::leaf::leaf;
use crate::describe::Shape;
use crate::value::Value;

leaf! {
    impl[] for Regex {
        shape: Shape::Text,
        same: |old, new| old.as_str() == new.as_str(),
        shown: |regex| text(regex.as_str()),
    }

    impl[] for RegexSet {
        shape: Shape::Sequence(String::describe),
        same: |old, new| old.patterns() == new.patterns(),
        shown: |set| Value::List(set.patterns().iter().map(|pattern| text(pattern)).collect()),
    }
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}
