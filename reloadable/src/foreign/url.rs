//! `url::Url`, shown without its password.

use std::borrow::Cow;

use url::Url;

use super::leaf::leaf;
use super::userinfo::{has_password, without_password};
use crate::describe::Shape;
use crate::validate::rules::{Length, Text};
use crate::value::Value;

leaf! {
    impl[] for Url {
        shape: Shape::Text,
        same: PartialEq::eq,
        shown: |url| Value::Text(without_password(url.as_str())),
    }
}

impl Length for Url {
    fn length(&self) -> Option<usize> {
        self.as_str().length()
    }

    fn is_secret(&self) -> bool {
        has_password(self.as_str())
    }
}

impl Text for Url {
    fn text(&self) -> Option<Cow<'_, str>> {
        self.as_str().text()
    }

    fn is_secret(&self) -> bool {
        has_password(self.as_str())
    }
}
