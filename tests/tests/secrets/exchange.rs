//! `Secret` and the secrets of the crate `secrecy`: each made of the other, and both the same to the library.

use std::collections::BTreeMap;

use reloadable::{Changes, Diff, Reloadable, Report, Reporter, Secret, Value};
use secrecy::{ExposeSecret, SecretBox, SecretSlice, SecretString};
use serde::Deserialize;

#[test]
fn each_is_made_of_the_other() {
    let ours: Secret<String> = SecretString::from("hunter2").into();
    assert_eq!(ours.expose_secret(), "hunter2");
    let theirs: SecretString = ours.into();
    assert_eq!(theirs.expose_secret(), "hunter2");

    let ours: Secret<Vec<u8>> = SecretBox::new(Box::new(vec![1, 2, 3])).into();
    assert_eq!(ours.expose_secret(), &[1, 2, 3]);
    let theirs: SecretBox<Vec<u8>> = ours.into();
    assert_eq!(theirs.expose_secret(), &[1, 2, 3]);

    let ours: Secret<[u8; 2]> = SecretBox::new(Box::new([1, 2])).into();
    let theirs: SecretBox<[u8; 2]> = ours.into();
    assert_eq!(theirs.expose_secret(), &[1, 2]);
}

/// One struct, once with our secrets and once with theirs.
macro_rules! configs {
    ($($module:ident: $text:ty, $number:ty, $list:ty;)*) => {$(
        mod $module {
            use super::*;

            #[derive(Debug, Deserialize, Reloadable)]
            #[serde(default)]
            #[derive(Default)]
            pub struct Config {
                #[reload(length(16..), pattern("^[a-z]+$"), one_of("correct", "horse"), non_empty)]
                text: Option<$text>,
                #[reload(range(..10))]
                number: Option<$number>,
                #[reload(each(range(..10)), length(3..))]
                list: Option<$list>,
                #[reload(each(length(16..)))]
                many: Vec<$text>,
                #[reload(values(range(..10)))]
                map: BTreeMap<String, $number>,
                #[reload(key = "token")]
                keyed: Vec<Client>,
            }

            #[derive(Debug, Deserialize, Reloadable)]
            struct Client {
                token: $text,
                weight: u8,
            }
        }
    )*};
}

configs! {
    ours: Secret<String>, Secret<u32>, Secret<Vec<u32>>;
    theirs: SecretString, SecretBox<u32>, SecretBox<Vec<u32>>;
}

fn told<T: for<'de> Deserialize<'de> + Diff>(old: &str, new: &str) -> Vec<String> {
    let read = |text: &str| -> T { toml::from_str(text).unwrap_or_else(|error| panic!("{error}")) };
    let (old, new) = (read(old), read(new));
    let mut report = Report::new();
    new.validate(&mut Reporter::new(&mut report));
    let mut told = vec![new.value().to_string()];
    if let Some(changes) = old.diff(&new) {
        told.extend(changes.entries().iter().map(ToString::to_string));
    }
    told.extend(report.violations().iter().map(ToString::to_string));
    told
}

#[test]
fn both_are_compared_checked_and_shown_alike() {
    let old =
        "text = 'hunter1'\nkeyed = [{ token = 'hunter1', weight = 1 }, { token = 'hunter2', weight = 2 }]";
    let new = "text = 'hunter2'\nnumber = 4711\nlist = [4711]\nmany = ['hunter2']\nmap = { a = 4711 }\n\
               keyed = [{ token = 'hunter2', weight = 3 }, { token = 'hunter1', weight = 1 }, \
               { token = 'hunter2', weight = 0 }]";
    let ours = told::<ours::Config>(old, new);
    assert_eq!(
        ours,
        [
            "{text = ***, number = ***, list = ***, many = [***], map = {a = ***}, \
             keyed = [{token = ***, weight = 3}, {token = ***, weight = 1}, {token = ***, weight = 0}]}",
            "text: changed",
            "number: set",
            "list: set",
            "many[0]: added",
            "map.a: added",
            "keyed[1].weight: 2 -> 3",
            "keyed[2]: added",
            "text: the value has a length that is not in 16.. [length]",
            "text: the value does not match `^[a-z]+$` [pattern]",
            r#"text: the value is not one of "correct", "horse" [one_of]"#,
            "number: the value is not in ..10 [range]",
            "list[0]: the value is not in ..10 [range]",
            "list: the value has a length that is not in 3.. [length]",
            "many[0]: the value has a length that is not in 16.. [length]",
            "map.a: the value is not in ..10 [range]",
            "keyed[2]: element 2 has the same key as element 0 [unique_key]",
        ]
    );
    assert_eq!(ours, told::<theirs::Config>(old, new));
}

#[test]
fn a_slice_is_a_secret_as_well() {
    let (old, new): (SecretSlice<u8>, SecretSlice<u8>) = (vec![1].into(), vec![1, 2].into());
    assert_eq!(old.diff(&new).map(|changes| changes.to_string()).as_deref(), Some("(root): changed"));
    assert_eq!(new.value(), Value::Secret);
}
