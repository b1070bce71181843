//! The words that stand on fields, apart from the rules.

use reloadable::{Description, Diff, Field, KeyedChanges, Redacted, Reloadable};
use serde::Deserialize;

use crate::read::{changes, decoded, shown, violations};

fn field<T: reloadable::Describe>(name: &str) -> Field {
    let fields = Description::of::<T>().fields();
    *fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("a field {name}"))
}

mod leaf {
    use super::*;

    #[derive(Deserialize)]
    struct Foreign(f64);

    impl PartialEq for Foreign {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    #[derive(Debug, Deserialize)]
    struct Regex(String);

    impl Regex {
        fn as_str(&self) -> &str {
            &self.0
        }
    }

    fn same_length(old: &Regex, new: &Regex) -> bool {
        old.0.len() == new.0.len()
    }

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[reload(leaf)]
        foreign: Foreign,
        #[reload(leaf, by = Regex::as_str)]
        by: Regex,
        #[reload(leaf, eq = same_length)]
        eq: Regex,
        #[reload(leaf)]
        list: Vec<u8>,
        #[reload(leaf)]
        nested: Nested,
    }

    #[derive(PartialEq, Deserialize, Reloadable)]
    struct Nested {
        #[reload(range(1..))]
        size: u8,
    }

    const OLD: &str = r#"{"foreign":1.5,"by":"a","eq":"b","list":[1,2],"nested":{"size":1}}"#;

    #[test]
    fn a_leaf_changes_as_a_whole() {
        for (from, to, expected) in [
            ("1.5", "2.5", "foreign: (not shown) -> (not shown)"),
            ("\"a\"", "\"c\"", "by: \"Regex(\\\"a\\\")\" -> \"Regex(\\\"c\\\")\""),
            ("\"b\"", "\"d\"", "="),
            ("\"b\"", "\"dd\"", "eq: \"Regex(\\\"b\\\")\" -> \"Regex(\\\"dd\\\")\""),
            ("[1,2]", "[1,3]", "list: [1, 2] -> [1, 3]"),
            ("\"size\":1", "\"size\":2", "nested: {size = 1} -> {size = 2}"),
        ] {
            assert_eq!(changes::<Config>(OLD, &OLD.replace(from, to)), expected);
        }
    }

    #[test]
    fn a_leaf_that_has_rules_is_validated() {
        let refused = OLD.replace("\"size\":1", "\"size\":0");
        assert_eq!(violations::<Config>(&refused), "nested.size  0 is not in 1..  [range]");
    }
}

mod key {
    use super::*;

    #[derive(Debug, Deserialize, Reloadable)]
    struct Config {
        #[serde(default)]
        #[reload(key = "name")]
        named: Vec<Route>,
        #[serde(default)]
        #[reload(key = (name, port))]
        both: Vec<Route>,
        #[serde(default)]
        #[reload(key = Route::identity)]
        function: Option<Vec<Route>>,
        #[serde(default)]
        #[reload(key = "id.name", ordered)]
        flattened: Vec<Flattened>,
        #[serde(default)]
        #[reload(key = "id.tag")]
        tagged: Vec<Flattened>,
        #[serde(default)]
        #[reload(key = "type")]
        raw: Vec<Raw>,
        #[serde(default)]
        #[reload(key = "0")]
        pairs: Vec<Pair>,
    }

    #[derive(Debug, Deserialize, Reloadable)]
    struct Route {
        name: String,
        #[serde(default)]
        port: u16,
        #[serde(default)]
        weight: u8,
    }

    impl Route {
        fn identity(&self) -> String {
            format!("{}/{}", self.name, self.port)
        }
    }

    #[derive(Debug, Deserialize, Reloadable)]
    struct Flattened {
        #[serde(flatten)]
        id: Id,
        #[serde(default)]
        weight: u8,
    }

    #[derive(Debug, Deserialize, Reloadable)]
    struct Id {
        #[serde(default)]
        name: String,
        tag: Option<String>,
    }

    #[derive(Debug, Deserialize, Reloadable)]
    struct Raw {
        r#type: String,
        weight: u8,
    }

    #[derive(Debug, Deserialize, Reloadable)]
    struct Pair(String, u8);

    #[test]
    fn elements_are_known_by_their_keys() {
        for (old, new, expected) in [
            (
                r#"{"named":[{"name":"a"},{"name":"b"}]}"#,
                r#"{"named":[{"name":"b"},{"name":"a","port":1}]}"#,
                "named[\"a\"].port: 0 -> 1",
            ),
            (
                r#"{"both":[{"name":"a","port":1}]}"#,
                r#"{"both":[{"name":"a","port":1,"weight":2}]}"#,
                "both[\"a\", \"1\"].weight: 0 -> 2",
            ),
            (
                r#"{"function":[{"name":"a","port":1}]}"#,
                r#"{"function":[{"name":"a","port":1,"weight":2}]}"#,
                "function[\"a/1\"].weight: 0 -> 2",
            ),
            (
                r#"{"flattened":[{"name":"a"},{"name":"b"}]}"#,
                r#"{"flattened":[{"name":"b"},{"name":"a"}]}"#,
                "flattened[\"b\"]: moved from 1 to 0",
            ),
            (
                r#"{"tagged":[{"tag":"a"},{}]}"#,
                r#"{"tagged":[{"weight":1},{"tag":"a"}]}"#,
                "tagged[1].weight: 0 -> 1",
            ),
            (
                r#"{"raw":[{"type":"a","weight":1}]}"#,
                r#"{"raw":[{"type":"a","weight":2}]}"#,
                "raw[\"a\"].weight: 1 -> 2",
            ),
            (r#"{"pairs":[["a",1]]}"#, r#"{"pairs":[["a",2]]}"#, "pairs[\"a\"][1]: 1 -> 2"),
        ] {
            assert_eq!(changes::<Config>(old, new), expected);
        }
    }

    #[test]
    fn keys_that_repeat_are_refused() {
        assert_eq!(
            violations::<Config>(
                r#"{"both":[{"name":"a"},{"name":"a","port":1},{"name":"a"}],"tagged":[{},{}]}"#
            ),
            "both[2]  element 2 has the same key as element 0: [\"a\", 0]  [unique_key]"
        );
    }

    #[test]
    fn changes_are_typed() {
        let (old, new) =
            (decoded::<Config>(r#"{"named":[]}"#), decoded::<Config>(r#"{"named":[{"name":"a"}]}"#));
        let changes = old.diff(&new).and_then(|changes| changes.named);
        let named: KeyedChanges<'_, Route, RouteChanges<'_>> = changes.unwrap_or_else(|| panic!("a change"));
        assert_eq!(named.added[0].value.name, "a");
    }
}

mod set {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[reload(set)]
        origins: Option<Vec<String>>,
    }

    #[test]
    fn a_set_has_no_order() {
        let old = r#"{"origins":["a","b"]}"#;
        assert_eq!(changes::<Config>(old, r#"{"origins":["b","a"]}"#), "=");
        assert_eq!(
            changes::<Config>(old, r#"{"origins":["b","c"]}"#),
            "origins[\"a\"]: removed\norigins[\"c\"]: added"
        );
    }
}

mod ordered {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[reload(ordered)]
        rules: Vec<String>,
    }

    #[test]
    fn order_without_a_key_is_the_position() {
        assert_eq!(
            changes::<Config>(r#"{"rules":["a","b"]}"#, r#"{"rules":["a","c"]}"#),
            "rules[1]: \"b\" -> \"c\""
        );
    }
}

mod skip {
    use std::sync::Mutex;

    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[reload(skip)]
        #[allow(dead_code, reason = "it is there to be skipped")]
        noise: u8,
        #[serde(skip)]
        cache: Mutex<Vec<u8>>,
        #[serde(skip, default = "one")]
        #[reload(diff)]
        derived: u8,
        kept: u8,
    }

    fn one() -> u8 {
        1
    }

    #[derive(Deserialize, Reloadable)]
    struct Checked<T> {
        #[reload(skip)]
        nested: Nested,
        #[reload(skip, range(2..))]
        own: u8,
        #[reload(skip)]
        foreign: Option<Foreign>,
        #[reload(skip)]
        any: Option<T>,
    }

    #[derive(Deserialize, Reloadable)]
    #[reload(normalize = Self::double)]
    struct Nested {
        #[reload(range(..8))]
        size: u8,
    }

    impl Nested {
        fn double(&mut self) {
            self.size *= 2;
        }
    }

    #[derive(Deserialize)]
    struct Foreign;

    #[test]
    fn what_is_skipped_is_normalized_and_validated() {
        assert_eq!(
            violations::<Checked<Foreign>>(r#"{"nested":{"size":4},"own":1}"#),
            "nested.size  8 is not in ..8  [range]\nown          1 is not in 2..  [range]"
        );
        let passes =
            violations::<Checked<Foreign>>(r#"{"nested":{"size":3},"own":2,"foreign":null,"any":null}"#);
        assert_eq!(passes, "");
    }

    #[test]
    fn what_is_skipped_is_not_compared() {
        assert_eq!(changes::<Config>(r#"{"noise":1,"kept":1}"#, r#"{"noise":2,"kept":1}"#), "=");
        assert_eq!(changes::<Config>(r#"{"noise":1,"kept":1}"#, r#"{"noise":2,"kept":2}"#), "kept: 1 -> 2");
    }

    #[test]
    fn what_serde_skips_is_compared_if_asked_for() {
        let old = decoded::<Config>(r#"{"noise":1,"kept":1}"#);
        let mut new = decoded::<Config>(r#"{"noise":1,"kept":1}"#);
        new.derived = 2;
        new.cache = Mutex::new(vec![1]);
        assert_eq!(old.diff(&new).map(|changes| changes.to_string()).as_deref(), Some("derived: 1 -> 2"));
        assert_eq!(new.cache.lock().map(|cache| cache.len()).ok(), Some(1));
    }

    #[test]
    fn a_skipped_field_is_in_the_file_unless_serde_skips_it() {
        assert!(!field::<Config>("noise").skip);
        assert!(field::<Config>("cache").skip);
        assert!(field::<Config>("derived").skip);
        assert_eq!(shown::<Config>(r#"{"noise":1,"kept":1}"#), r#"{"kept":1}"#);
    }
}

mod secret {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[reload(secret, length(4..), validate = refuse)]
        token: String,
        #[reload(secret)]
        nested: Option<Nested>,
        #[reload(secret, leaf)]
        leaf: Vec<String>,
        #[reload(secret, key = "name")]
        keyed: Vec<Nested>,
    }

    #[derive(Deserialize, Reloadable)]
    struct Nested {
        name: String,
        #[reload(range(1..))]
        port: u16,
    }

    fn refuse(token: &str) -> Result<(), String> {
        if token.starts_with('x') { Err(format!("{token} starts with x")) } else { Ok(()) }
    }

    const OLD: &str = r#"{"token":"hunter2","nested":{"name":"hunter2","port":1},"leaf":["hunter2"],"keyed":[{"name":"hunter2","port":1}]}"#;

    #[test]
    fn a_secret_shows_only_that_it_changed() {
        let new = OLD.replace("hunter2", "hunter3");
        assert_eq!(
            changes::<Config>(OLD, &new),
            "token: changed\nnested: changed\nleaf: changed\nkeyed: changed"
        );
        assert!(!shown::<Config>(OLD).contains("hunter"));
        let (old, new) = (decoded::<Config>(OLD), decoded::<Config>(&new));
        let changes = old.diff(&new).unwrap_or_else(|| panic!("a change"));
        for text in [format!("{changes:?}"), serde_json::to_string(&changes).unwrap_or_default()] {
            assert!(!text.contains("hunter") && text.contains("token"), "{text}");
        }
        let token: Redacted<reloadable::Leaf<'_, String>> =
            changes.token.unwrap_or_else(|| panic!("a change"));
        assert_eq!(token.new, "hunter3");
    }

    #[test]
    fn a_secret_that_is_refused_is_not_quoted() {
        let refused = OLD.replace("hunter2", "x").replace("\"port\":1", "\"port\":0");
        let report = violations::<Config>(&refused);
        assert_eq!(report.lines().count(), 4, "{report}");
        assert!(!report.contains("\"x\"") && !report.contains("starts"), "{report}");
    }
}

mod restart {
    use reloadable::Changes;

    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[reload(restart)]
        listen: Listen,
        #[reload(file)]
        cert: String,
        other: u8,
    }

    #[derive(Clone, Deserialize, Reloadable)]
    struct Listen {
        port: u16,
    }

    #[test]
    fn what_needs_a_restart_or_names_a_file_is_marked() {
        let old = decoded::<Config>(r#"{"listen":{"port":1},"cert":"a","other":1}"#);
        let new = decoded::<Config>(r#"{"listen":{"port":2},"cert":"b","other":2}"#);
        let changes = old.diff(&new).unwrap_or_else(|| panic!("a change"));
        let marks: Vec<_> = changes
            .entries()
            .iter()
            .map(|entry| (entry.path.to_string(), entry.restart, entry.file))
            .collect();
        assert_eq!(
            marks,
            [
                ("listen.port".to_owned(), true, false),
                ("cert".to_owned(), false, true),
                ("other".to_owned(), false, false)
            ]
        );
        assert!(field::<Config>("listen").restart && field::<Config>("cert").file);
    }
}

mod rename {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    #[serde(rename_all = "camelCase")]
    #[reload(rename_all = "SCREAMING-KEBAB-CASE")]
    struct Config {
        #[serde(default)]
        #[reload(rename = "own.name")]
        by_word: u8,
        #[serde(default)]
        by_rule: u8,
        #[serde(default)]
        choice: Option<Choice>,
    }

    #[derive(Deserialize, Reloadable)]
    enum Choice {
        #[reload(rename = "renamed", rename_all = "UPPERCASE")]
        Variant { field_name: u8 },
    }

    #[test]
    fn names_of_our_own_win_over_those_of_serde() {
        assert_eq!(changes::<Config>(r#"{"byWord":1}"#, r#"{"byWord":2}"#), "\"own.name\": 1 -> 2");
        assert_eq!(changes::<Config>(r#"{"byRule":1}"#, r#"{"byRule":2}"#), "BY-RULE: 1 -> 2");
        assert_eq!(
            changes::<Config>(
                r#"{"choice":{"Variant":{"field_name":1}}}"#,
                r#"{"choice":{"Variant":{"field_name":2}}}"#
            ),
            "CHOICE.renamed.FIELD_NAME: 1 -> 2"
        );
    }
}

mod when {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        tls: bool,
        #[reload(non_empty, when = self.tls)]
        #[reload(length(..4))]
        cert: String,
    }

    #[test]
    fn a_condition_holds_for_its_own_attribute() {
        assert_eq!(violations::<Config>(r#"{"tls":false,"cert":""}"#), "");
        assert_eq!(
            violations::<Config>(r#"{"tls":true,"cert":""}"#),
            "cert  the value is empty  [non_empty]"
        );
        assert_eq!(
            violations::<Config>(r#"{"tls":false,"cert":"12345"}"#),
            "cert  the length is 5, not in ..4  [length]"
        );
    }

    #[derive(Deserialize, Reloadable)]
    enum Choice {
        A {
            #[reload(range(1..), when = matches!(self, Self::A { size, .. } if *size != 7))]
            size: u8,
        },
    }

    #[derive(Deserialize, Reloadable)]
    #[serde(tag = "type")]
    enum Listener {
        Tls {
            enabled: bool,
            name: String,
            #[reload(non_empty, when = *enabled && !name.is_empty())]
            #[reload(length(..4), when = matches!(self, Self::Tls { enabled, .. } if *enabled))]
            cert: String,
        },
    }

    #[test]
    fn a_condition_in_a_variant_sees_the_fields_beside_it() {
        let of = |enabled: bool, name: &str, cert: &str| {
            violations::<Listener>(&format!(
                r#"{{"type":"Tls","enabled":{enabled},"name":"{name}","cert":"{cert}"}}"#
            ))
        };
        assert_eq!(of(true, "a", ""), "cert  the value is empty  [non_empty]");
        assert_eq!(of(true, "", ""), "");
        assert_eq!(of(false, "a", ""), "");
        assert_eq!(of(true, "a", "12345"), "cert  the length is 5, not in ..4  [length]");
    }

    #[test]
    fn a_condition_sees_the_whole_enum() {
        assert_eq!(violations::<Choice>(r#"{"A":{"size":0}}"#), "A.size  0 is not in 1..  [range]");
    }
}
