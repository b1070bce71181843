//! `Secret<T>`, which needs no attribute.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use reloadable::{
    Changes, Describe, Diff, Format, MemorySource, Reloadable, Reloader, Report, Reporter, Secret, Validate,
    Value, Zeroize,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
struct App {
    #[reload(length(16..), pattern("^[a-z]+$"), one_of("correct", "horse"), non_empty)]
    token: Option<Secret<String>>,
    #[reload(range(..10))]
    pin: Secret<u32>,
    #[reload(each(length(99..), pattern("^x")), unique)]
    list: Vec<Secret<String>>,
    #[reload(each(length(99..)), unique, length(9..))]
    whole: Option<Secret<Vec<String>>>,
    #[reload(values(length(99..)))]
    map: BTreeMap<String, Secret<String>>,
    #[reload(each(length(99..)))]
    set: BTreeSet<Secret<String>>,
    #[reload(set)]
    like_set: Vec<Secret<String>>,
    keys: BTreeMap<Secret<String>, Grant>,
    hashed: HashMap<Secret<String>, u8>,
    #[reload(key = "token")]
    keyed: Vec<Client>,
    #[reload(key = (name, token))]
    by_both: Vec<Client>,
    login: Option<Secret<Login>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
struct Grant {
    level: u8,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
struct Client {
    name: String,
    token: Option<Secret<String>>,
    #[reload(range(..10))]
    weight: u8,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
#[reload(normalize = Self::fill_in, validate = Self::check)]
struct Login {
    #[reload(one_of("root"))]
    user: String,
    #[reload(values(length(99..)))]
    headers: BTreeMap<String, String>,
}

impl Login {
    fn fill_in(&mut self) -> Result<(), String> {
        if self.user == "hunter3" { Err(format!("{} is refused", self.user)) } else { Ok(()) }
    }

    fn check(&self, report: &mut Reporter<'_>) {
        if !self.user.is_empty() {
            report.violation_at("user", "own", format!("{} is bad", self.user));
        }
    }
}

impl Zeroize for Login {
    fn zeroize(&mut self) {
        self.user.zeroize();
        for (_, mut value) in std::mem::take(&mut self.headers) {
            value.zeroize();
        }
    }
}

fn decoded(text: &str) -> App {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn edited(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (decoded(old), decoded(new));
    assert!(old.diff(&old).is_none() && new.diff(&new).is_none(), "a value differs from itself");
    let changes = old.diff(&new);
    let printed = changes.as_ref().map(|changes| {
        let serialized = serde_json::to_string(changes).unwrap_or_default();
        format!("{changes} {changes:?} {serialized}")
    });
    assert!(!printed.unwrap_or_default().contains("hunter"), "{changes:?}");
    changes.map_or_else(Vec::new, |changes| changes.entries().iter().map(ToString::to_string).collect())
}

#[test]
fn only_that_it_changed_is_told() {
    for (old, new, told) in [
        ("token = 'hunter1'", "token = 'hunter2'", &["token: changed"][..]),
        ("token = 'hunter1'", "", &["token: cleared"]),
        ("", "token = 'hunter2'", &["token: set"]),
        ("pin = 4711", "pin = 4712", &["pin: changed"]),
        ("list = ['hunter1', 'a']", "list = ['hunter2', 'a']", &["list[0]: changed"]),
        ("list = ['hunter1']", "list = ['hunter1', 'hunter2']", &["list[1]: added"]),
        ("whole = ['hunter1']", "whole = ['hunter1', 'hunter2']", &["whole: changed"]),
        (
            "map = { a = 'hunter1', b = 'hunter2' }",
            "map = { a = 'hunter3', c = 'hunter2' }",
            &["map.a: changed", "map.b: removed", "map.c: added"],
        ),
        ("set = ['hunter1']", "set = ['hunter2']", &[r#"set["***"]: removed"#, r#"set["***"]: added"#]),
        ("like_set = ['hunter1']", "like_set = ['hunter2', 'hunter1']", &[r#"like_set["***"]: added"#]),
        ("[keys.hunter1]\nlevel = 1", "[keys.hunter1]\nlevel = 2", &[r#"keys."***".level: 1 -> 2"#]),
        ("hashed.hunter1 = 1", "hashed.hunter2 = 1", &[r#"hashed."***": removed"#, r#"hashed."***": added"#]),
        ("login.user = 'hunter1'", "login.user = 'hunter2'", &["login: changed"]),
        ("token = 'hunter2'", "token = 'hunter2'", &[]),
    ] {
        assert_eq!(edited(old, new), told, "{old} -> {new}");
    }
}

#[test]
fn elements_are_matched_by_a_secret_key_and_named_by_their_position() {
    let clients = |first: u8, second: u8| {
        let client = |token: &str, weight: u8| format!("{{ token = 'hunter{token}', weight = {weight} }}");
        (client("1", first), client("2", second))
    };
    for list in ["keyed", "by_both"] {
        let (one, two) = clients(1, 2);
        let (changed, same) = clients(3, 2);
        assert_eq!(
            edited(&format!("{list} = [{one}, {two}]"), &format!("{list} = [{same}, {changed}]")),
            [format!("{list}[0].weight: 1 -> 3")]
        );
        assert_eq!(
            edited(&format!("{list} = [{one}]"), &format!("{list} = [{two}]")),
            [format!("{list}[0]: removed"), format!("{list}[0]: added")]
        );
        assert_eq!(
            problems(&format!("{list} = [{one}, {{ weight = 1 }}, {one}]")),
            [format!("{list}[2]: element 2 has the same key as element 0 [unique_key]")]
        );
    }
    // An element without a key is none that repeats.
    assert_eq!(problems("keyed = [{ weight = 1 }, { weight = 2 }]"), [""; 0]);
}

fn problems(text: &str) -> Vec<String> {
    let mut value = decoded(text);
    let mut report = Report::new();
    value.normalize(&mut Reporter::new(&mut report));
    value.validate(&mut Reporter::new(&mut report));
    let problems: Vec<_> = report.violations().iter().map(ToString::to_string).collect();
    assert!(!problems.concat().contains("hunter") && !problems.concat().contains("4711"), "{problems:?}");
    problems
}

#[test]
fn rules_hold_and_do_not_quote_it() {
    for (text, told) in [
        (
            "token = 'hunter2'",
            &[
                "token: the value has a length that is not in 16.. [length]",
                "token: the value does not match `^[a-z]+$` [pattern]",
                r#"token: the value is not one of "correct", "horse" [one_of]"#,
            ][..],
        ),
        (
            // Which choice is near would tell most of it.
            "token = 'hors'",
            &[
                "token: the value has a length that is not in 16.. [length]",
                r#"token: the value is not one of "correct", "horse" [one_of]"#,
            ],
        ),
        ("pin = 4711", &["pin: the value is not in ..10 [range]"]),
        (
            "list = ['hunter2', 'hunter2']",
            &[
                "list[0]: the value has a length that is not in 99.. [length]",
                "list[0]: the value does not match `^x` [pattern]",
                "list[1]: the value has a length that is not in 99.. [length]",
                "list[1]: the value does not match `^x` [pattern]",
                "list[1]: element 1 is the same as element 0 [unique]",
            ],
        ),
        (
            "whole = ['hunter2', 'hunter2']",
            &[
                "whole[0]: the value has a length that is not in 99.. [length]",
                "whole[1]: the value has a length that is not in 99.. [length]",
                "whole[1]: the value is the same as element 0 [unique]",
                "whole: the value has a length that is not in 9.. [length]",
            ],
        ),
        ("map.a = 'hunter2'", &["map.a: the value has a length that is not in 99.. [length]"]),
        ("set = ['hunter2']", &[r#"set["***"]: the value has a length that is not in 99.. [length]"#]),
        (
            "login = { user = 'hunter2', headers = { hunter2 = 'hunter2' } }",
            &[
                r#"login.user: the value is not one of "root" [one_of]"#,
                "login.headers: the value has a length that is not in 99.. [length]",
                "login.user: the value was refused; why is withheld, since it is a secret [own]",
            ],
        ),
        (
            "login.user = 'hunter3'",
            &[
                "login: the value is refused by `Self::fill_in`; why is withheld, since it is a secret [normalize]",
                r#"login.user: the value is not one of "root" [one_of]"#,
                "login.user: the value was refused; why is withheld, since it is a secret [own]",
            ],
        ),
    ] {
        let mut found = problems(text);
        found.sort();
        let mut told = told.to_vec();
        told.sort_unstable();
        assert_eq!(found, told, "{text}");
    }
}

#[test]
fn what_holds_it_prints_and_serializes_without_it() {
    let app = decoded(
        "token = 'hunter2'\npin = 4711\nlist = ['hunter2']\nwhole = ['hunter2']\nmap = { a = 'hunter2' }\n\
         set = ['hunter2']\nlike_set = ['hunter2']\nkeys = { hunter2 = {} }\nhashed = { hunter2 = 1 }\n\
         keyed = [{ token = 'hunter2' }]\nlogin = { user = 'hunter2', headers = { hunter2 = 'hunter2' } }",
    );
    let json = serde_json::to_string(&app).unwrap_or_else(|error| panic!("{error}"));
    for text in [format!("{app:?}"), format!("{app:#?}"), json.clone(), app.value().to_string()] {
        assert!(!text.contains("hunter") && !text.contains("4711"), "{text}");
        assert!(text.contains("***"), "{text}");
    }
    assert!(json.contains(r#""token":"***","pin":"***","list":["***"],"whole":"***""#), "{json}");
    assert_eq!(Value::of(&app.token), Value::Secret);
    assert_eq!(format!("{:?}", app.pin), "Secret(***)");
}

/// The mark is on the type, so it is not lost where a subscription selects the value itself.
#[test]
fn a_subscription_to_the_secret_itself_shows_nothing() -> Result<(), Box<dyn std::error::Error>> {
    #[derive(Debug, Deserialize, Reloadable)]
    struct Open {
        token: Secret<String>,
        logins: Vec<Secret<String>>,
    }

    let text = |number: u8| format!("token = 'hunter{number}'\nlogins = ['hunter{number}']");
    let (source, document) = MemorySource::new("memory", Format::Toml, text(1));
    let config = Reloader::<Open>::builder().source(source).secrets().start_blocking()?;
    let mut tokens = config.subscribe_to(|open| &open.token);
    let mut logins = config.subscribe_to(|open| &open.logins);
    let mut first = config.subscribe_to(|open| &open.logins[0]);
    document.replace(text(2));

    let change = tokens.blocking_changed()?;
    let changes = change.changes();
    assert_eq!(changes.to_string(), "(root): changed");
    assert_eq!(format!("{changes:?}"), "Leaf { old: ***, new: *** }");
    assert_eq!(serde_json::to_string(&changes)?, r#"[{"path":"","kind":"changed","old":"***","new":"***"}]"#);
    assert_eq!(changes.new.expose_secret(), "hunter2");
    assert_eq!(logins.blocking_changed()?.changes().to_string(), "[0]: changed");
    assert_eq!(first.blocking_changed()?.changes().to_string(), "(root): changed");
    assert!(!format!("{change:?} {tokens:?}").contains("hunter"));
    Ok(())
}

#[test]
fn a_map_whose_keys_are_secrets_is_one_as_a_whole() {
    for (text, told) in [
        ("[keys.hunter2]\nlevel = 'x'", "memory:2:9: keys: invalid type: string, expected u8 [type]"),
        ("[keys.hunter2]\nlevle = 1", "memory:2:1: keys: unknown key, expected `level` [unknown_key]"),
        ("hashed.hunter2 = 300", "memory:1:18: hashed: invalid value: integer, expected u8 [value]"),
        ("hashed = 'hunter2'", "memory:1:10: hashed: invalid type: string, expected a map [type]"),
    ] {
        let (source, _document) = MemorySource::new("memory", Format::Toml, text);
        let refused = Reloader::<App>::builder().source(source).secrets().start_blocking();
        let report = refused.map(|_| ()).unwrap_err().report().clone();
        let told_now: Vec<_> = report.violations().iter().map(ToString::to_string).collect();
        assert_eq!(told_now.first().map(String::as_str), Some(told), "{text}");
        assert!(!format!("{report} {report:?}").contains("hunter2"), "{report}");
    }
    assert!(<BTreeMap<Secret<String>, u8>>::describe().type_name.contains("BTreeMap"));
}
