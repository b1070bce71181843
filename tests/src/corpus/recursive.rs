//! Types that contain themselves, in every way that real ones do.

use std::collections::BTreeMap;
use std::sync::Arc;

use reloadable::Reloadable;
use serde::{Deserialize, Serialize};

use super::{Edit, Sample, edit};

/// A menu of menus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Menu {
    pub title: String,
    #[serde(default)]
    pub children: Vec<Self>,
    #[serde(default)]
    pub fallback: Option<Box<Self>>,
    #[serde(default)]
    pub shared: Option<Arc<Menu>>,
    #[serde(default)]
    pub keys: BTreeMap<String, Menu>,
    #[serde(default)]
    pub shown_if: Option<Condition<u32>>,
}

/// A generic type that contains itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "snake_case")]
pub enum Condition<T> {
    Is(T),
    Not(Box<Condition<T>>),
    AnyOf(Vec<Condition<T>>),
    Both { left: Box<Self>, right: Box<Self> },
}

impl Sample for Menu {
    const TOML: &'static str = r#"
title = "root"

[[children]]
title = "first"

[[children.children]]
title = "deeper"

[[children]]
title = "second"

[fallback]
title = "else"

[fallback.fallback]
title = "else else"

[shared]
title = "shared"

[keys.a]
title = "by a"

[keys.a.keys.b]
title = "by b"

[shown_if.not]
any_of = [{ is = 1 }, { both = { left = { is = 2 }, right = { not = { is = 3 } } } }]
"#;

    const EDITS: &'static [Edit] = &[
        edit("/title", "\"x\"", "title: \"root\" -> \"x\""),
        edit("/children/0/title", "\"x\"", "children[0].title: \"first\" -> \"x\""),
        edit("/children/0/children/0/title", "\"x\"", "children[0].children[0].title: \"deeper\" -> \"x\""),
        edit("/children/0/children/1", r#"{"title": "x"}"#, "children[0].children[1]: added"),
        edit("/children/1/title", "\"x\"", "children[1].title: \"second\" -> \"x\""),
        edit("/children/1", "", "children[1]: removed"),
        edit("/fallback/title", "\"x\"", "fallback.title: \"else\" -> \"x\""),
        edit("/fallback/fallback/title", "\"x\"", "fallback.fallback.title: \"else else\" -> \"x\""),
        edit(
            "/fallback/fallback/fallback",
            r#"{"title": "x"}"#,
            "fallback.fallback.fallback: set to {title = \"x\", children = [], fallback = none, shared = none, keys = {}, shown_if = none}",
        ),
        edit("/shared/title", "\"x\"", "shared.title: \"shared\" -> \"x\""),
        edit("/keys/a/title", "\"x\"", "keys.a.title: \"by a\" -> \"x\""),
        edit("/keys/a/keys/b/title", "\"x\"", "keys.a.keys.b.title: \"by b\" -> \"x\""),
        edit("/keys/a/keys/b", "", "keys.a.keys.b: removed"),
        edit("/shown_if/not/any_of/0/is", "9", "shown_if.not.any_of[0].is: 1 -> 9"),
        edit("/shown_if/not/any_of/1/both/left/is", "9", "shown_if.not.any_of[1].both.left.is: 2 -> 9"),
        edit(
            "/shown_if/not/any_of/1/both/right/not/is",
            "9",
            "shown_if.not.any_of[1].both.right.not.is: 3 -> 9",
        ),
        edit(
            "/shown_if/not/any_of/0",
            r#"{"not": {"is": 1}}"#,
            "shown_if.not.any_of[0]: {is = 1} -> {not = {is = 1}}",
        ),
        edit(
            "/shown_if",
            r#"{"is": 7}"#,
            "shown_if: {not = {any_of = [{is = 1}, {both = {left = {is = 2}, right = {not = {is = 3}}}}]}} -> {is = 7}",
        ),
    ];
}
