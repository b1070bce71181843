//! The keys of keyed lists: which may be shown, and which ways lead to them.

use reloadable::{Diff, Reloadable};
use serde::Deserialize;

use crate::read::{changes, decoded, violations};

mod secret {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[serde(default)]
        #[reload(key = "token")]
        one: Vec<Client>,
        #[serde(default)]
        #[reload(key = (weight, token), ordered)]
        both: Vec<Client>,
        #[serde(default)]
        #[reload(key = Client::identity)]
        function: Vec<Client>,
        #[serde(default)]
        #[reload(key = "id.token")]
        flattened: Vec<Outer>,
        #[serde(default)]
        #[reload(key = "hidden.name")]
        within: Vec<Outer>,
        #[serde(default)]
        #[reload(key = "id.name")]
        shown: Vec<Outer>,
        #[serde(default)]
        #[reload(key = "token")]
        converted: Vec<Converted>,
        #[serde(default)]
        #[reload(key = "0")]
        pairs: Vec<Pair>,
    }

    #[derive(Debug, Deserialize, Reloadable)]
    #[serde(rename_all = "UPPERCASE")]
    struct Client {
        #[reload(secret)]
        token: String,
        #[serde(default)]
        weight: u8,
    }

    impl Client {
        fn identity(&self) -> &str {
            &self.token
        }
    }

    #[derive(Deserialize, Reloadable)]
    struct Outer {
        #[serde(flatten)]
        id: Id,
        #[serde(default)]
        #[reload(secret)]
        hidden: Name,
        #[serde(default)]
        weight: u8,
    }

    #[derive(Deserialize, Reloadable)]
    struct Id {
        name: String,
        #[reload(secret)]
        token: String,
    }

    #[derive(Default, Deserialize, Reloadable)]
    struct Name {
        name: String,
    }

    #[derive(Deserialize, Reloadable)]
    #[serde(from = "Client")]
    struct Converted {
        #[reload(secret)]
        token: String,
        weight: u8,
    }

    impl From<Client> for Converted {
        fn from(Client { token, weight }: Client) -> Self {
            Self { token, weight }
        }
    }

    #[derive(Deserialize, Reloadable)]
    struct Pair(#[reload(secret)] String, u8);

    #[test]
    fn a_secret_key_matches_but_is_not_shown() {
        for (old, new, expected) in [
            (
                r#"{"one":[{"TOKEN":"hunter1"},{"TOKEN":"hunter2"}]}"#,
                r#"{"one":[{"TOKEN":"hunter3"},{"TOKEN":"hunter2","WEIGHT":1}]}"#,
                "one[1].WEIGHT: 0 -> 1\none[0]: removed\none[0]: added",
            ),
            (
                r#"{"both":[{"TOKEN":"hunter1"},{"TOKEN":"hunter2"}]}"#,
                r#"{"both":[{"TOKEN":"hunter2"},{"TOKEN":"hunter1"}]}"#,
                "both[1]: moved from 1 to 0",
            ),
            (
                r#"{"function":[{"TOKEN":"hunter1"},{"TOKEN":"hunter2"}]}"#,
                r#"{"function":[{"TOKEN":"hunter2"}]}"#,
                "function[0]: removed",
            ),
            (
                r#"{"flattened":[{"name":"a","token":"hunter1"}]}"#,
                r#"{"flattened":[{"name":"b","token":"hunter1"}]}"#,
                "flattened[0].name: \"a\" -> \"b\"",
            ),
            (
                r#"{"within":[{"name":"a","token":"x","hidden":{"name":"hunter"}}]}"#,
                r#"{"within":[]}"#,
                "within[0]: removed",
            ),
            (
                r#"{"shown":[{"name":"a","token":"hunter1"}]}"#,
                r#"{"shown":[{"name":"a","token":"hunter2"}]}"#,
                "shown[\"a\"].token: changed",
            ),
            (
                r#"{"converted":[{"TOKEN":"hunter1"}]}"#,
                r#"{"converted":[{"TOKEN":"hunter1","WEIGHT":1}]}"#,
                "converted[0]: changed",
            ),
            (
                r#"{"pairs":[["hunter1",1],["hunter2",2]]}"#,
                r#"{"pairs":[["hunter2",3]]}"#,
                "pairs[1][1]: 2 -> 3\npairs[0]: removed",
            ),
        ] {
            assert_eq!(changes::<Config>(old, new), expected);
            let (old, new) = (decoded::<Config>(old), decoded::<Config>(new));
            let changes = old.diff(&new);
            let serialized = serde_json::to_string(&changes).unwrap_or_default();
            assert!(!format!("{changes:?} {serialized}").contains("hunter"), "{serialized}");
        }
    }

    #[derive(Debug, Deserialize, Reloadable)]
    enum Choice {
        A {
            #[reload(secret)]
            token: String,
        },
        B(u8),
    }

    #[test]
    fn no_part_of_the_changes_prints_a_secret() {
        let decode = |both: &str| decoded::<Config>(&format!(r#"{{"both":[{both}]}}"#));
        let old = decode(r#"{"TOKEN":"hunter1"},{"TOKEN":"hunter2"},{"TOKEN":"hunter3","WEIGHT":1}"#);
        let new = decode(r#"{"TOKEN":"hunter2"},{"TOKEN":"hunter1"},{"TOKEN":"hunter4"}"#);
        let changes = old.diff(&new).and_then(|changes| changes.both).unwrap_or_else(|| panic!("a change"));
        let parts = format!("{:?} {:?} {:?}", changes.added, changes.removed, changes.moved);
        assert_eq!(parts.matches("TOKEN = ***").count(), 3, "{parts}");
        let modified = [("a".to_owned(), Choice::B(1))];
        let modified_now = [("a".to_owned(), Choice::A { token: "hunter".into() })];
        let modified = reloadable::Keyed::keyed_diff(
            &modified,
            &modified_now,
            |pair| Diff::value(&pair.0),
            reloadable::Order::Ignored,
        );
        let modified = format!("{:?}", modified.map(|changes| changes.modified));
        assert!(modified.contains("\"token\": ***") || modified.contains("token = ***"), "{modified}");
        let (old, new) = (Choice::B(1), Choice::A { token: "hunter".into() });
        let leaf = match old.diff(&new) {
            Some(ChoiceChanges::Replaced(leaf)) => format!("{leaf:?}"),
            other => panic!("{other:?}"),
        };
        assert!(leaf.contains("token = ***"), "{leaf}");
        assert!(![parts, modified, leaf].concat().contains("hunter"));
    }

    #[test]
    fn a_secret_key_that_repeats_is_refused_by_its_positions() {
        let twice = |list: &str, element: &str| {
            violations::<Config>(&format!(
                r#"{{"{list}":[{element},{{"name":"","token":"y","TOKEN":"y"}},{element}]}}"#
            ))
        };
        let client = r#"{"TOKEN":"hunter"}"#;
        for list in ["one", "both", "function", "converted"] {
            assert_eq!(
                twice(list, client),
                format!("{list}[2]  element 2 has the same key as element 0  [unique_key]")
            );
        }
        assert_eq!(
            twice("flattened", r#"{"name":"a","token":"hunter"}"#),
            "flattened[2]  element 2 has the same key as element 0  [unique_key]"
        );
    }
}

mod optional {
    use super::*;

    #[derive(Deserialize, Reloadable)]
    struct Config {
        #[serde(default)]
        #[reload(key = "tls.name")]
        one: Vec<Listener>,
        #[serde(default)]
        #[reload(key = (port, tls.boxed.name))]
        both: Vec<Listener>,
    }

    #[derive(Deserialize, Reloadable)]
    struct Listener {
        #[serde(flatten)]
        tls: Option<Tls>,
        #[serde(default)]
        port: u16,
    }

    #[derive(Deserialize, Reloadable)]
    struct Tls {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        boxed: Option<Box<Name>>,
    }

    #[derive(Deserialize, Reloadable)]
    struct Name {
        name: Option<String>,
    }

    #[test]
    fn a_key_may_stand_in_an_option() {
        assert_eq!(
            changes::<Config>(
                r#"{"one":[{"name":"a"},{"port":1}]}"#,
                r#"{"one":[{"port":2},{"name":"a","port":3}]}"#
            ),
            "one[1].port: 1 -> 2\none[\"a\"].port: 0 -> 3"
        );
        assert_eq!(
            violations::<Config>(
                r#"{"both":[{"name":"a","boxed":{"name":"b"}},{},{"name":"c","boxed":{"name":"b"}}]}"#
            ),
            "both[2]  element 2 has the same key as element 0: [0, \"b\"]  [unique_key]"
        );
    }
}
