//! The list of all fields.

use reloadable::{FieldInfo, Reloadable};
use reloadable_tests::corpus::keyed::Gateway;
use reloadable_tests::corpus::recursive::Menu;
use serde::Deserialize;

use crate::Service;

fn paths<T: Reloadable>() -> Vec<String> {
    T::fields().into_iter().map(|field| field.path).collect()
}

/// Returns the first field with a path.
fn field<T: Reloadable>(path: &str) -> FieldInfo {
    let found = T::fields().into_iter().find(|field| field.path == path);
    found.unwrap_or_else(|| panic!("{path} is not among {:#?}", paths::<T>()))
}

#[test]
fn every_field_is_listed_once_in_the_order_of_the_file() {
    assert_eq!(
        paths::<Gateway>(),
        [
            "listeners",
            "listeners[]",
            "listeners[].name",
            "listeners[].http",
            "listeners[].http.keepAlive",
            "listeners[].tls",
            "listeners[].tls.cert",
            "listeners[].tls.versions",
            "listeners[].tls.versions[]",
            "listeners[].tcp",
            "listeners[].routes",
            "listeners[].routes[]",
            "listeners[].routes[].host",
            "listeners[].routes[].pathPrefix",
            "listeners[].routes[].type",
            "listeners[].routes[].backends",
            "listeners[].routes[].backends[]",
            "listeners[].routes[].backends[].address",
            "listeners[].routes[].backends[].weight",
            "listeners[].routes[].backends[].cookie",
            "listeners[].routes[].retries",
            "listeners[].routes[].to",
            "listeners[].routes[].permanent",
            "policies",
            "policies[]",
            "policies[].name",
            "policies[].owner",
            "policies[].limit",
            "policies[].*",
            "rules",
            "rules[]",
            "rules[].from",
            "rules[].to",
            "rules[].verdict",
            "rules[].verdict.kind",
            "rules[].verdict.with",
            "rules[].verdict.with.status",
            "rules[].verdict.with",
            "endpoint",
            "sampling",
        ]
    );
}

#[test]
fn a_type_that_holds_itself_ends() {
    assert_eq!(
        paths::<Menu>(),
        [
            "title",
            "children",
            "children[]",
            "fallback",
            "shared",
            "keys",
            "keys.*",
            "shown_if",
            "shown_if.is",
            "shown_if.not",
            "shown_if.any_of",
            "shown_if.any_of[]",
            "shown_if.both",
            "shown_if.both.left",
            "shown_if.both.right",
        ]
    );
}

#[test]
fn a_field_tells_what_its_type_and_its_attributes_say() {
    let workers = field::<Service>("workers");
    assert_eq!(workers.docs, "How many requests are worked on at once.");
    assert_eq!((workers.words.as_str(), workers.aliases), ("integer from 0 to 65535", &["threads"][..]));
    assert_eq!(workers.rules, ["range(1..=1024)"]);
    assert!(workers.optional && !workers.secret && !workers.restart && !workers.file);
    assert!(field::<Service>("api_token").secret);
    assert!(field::<Service>("listen").restart);
    assert!(field::<Service>("certificate").file);
    assert!(!field::<Service>("tracing.endpoint").optional);
    assert_eq!(field::<Service>("mode").choices, ["read-only", "read-write"]);
    assert_eq!(field::<Service>("storage.type").choices, ["memory", "local"]);
    assert_eq!(field::<Service>("storage.root").variant, Some("local"));
    assert_eq!(field::<Service>("routes").rules, ["each(validate = Route::check)", "key = name"]);
    assert_eq!(field::<Service>("routes[]").rules, ["validate = Route::check"]);
    assert_eq!(field::<Service>("database.hosts").rules, ["length(1..), when = self.pool_size > 100"]);
}

#[test]
fn marks_count_for_all_that_is_within() {
    #[derive(Deserialize, Reloadable)]
    struct Outer {
        #[reload(secret, restart)]
        inner: Option<Vec<Inner>>,
        #[serde(rename = "*")]
        star: Newtype,
    }

    #[derive(Clone, Deserialize, Reloadable)]
    struct Inner {
        name: String,
    }

    #[derive(Deserialize, Reloadable)]
    struct Newtype(#[reload(each(length(..=9), non_empty))] Vec<String>);

    let name = field::<Outer>("inner[].name");
    assert!(name.secret && name.restart);
    assert!(!field::<Outer>("\"*\"").secret);
    assert_eq!(field::<Outer>("\"*\"[]").rules, ["length(..=9)", "non_empty"]);
}

#[test]
fn it_is_data() -> Result<(), serde_json::Error> {
    assert_eq!(
        serde_json::to_value(field::<Service>("certificate"))?,
        serde_json::json!({
            "path": "certificate", "docs": "", "type": "text", "rules": [], "choices": [], "variant": null,
            "aliases": [], "optional": true, "secret": false, "restart": false, "file": true,
        })
    );
    Ok(())
}

/// Ten types that hold each other could be nested in millions of ways.
#[test]
fn types_that_hold_each_other_do_not_explode() {
    macro_rules! woven {
        ($($name:ident)*) => { woven!(@each [$($name)*] $($name)*); };
        (@each $all:tt $($name:ident)*) => { $(woven!(@one $name $all);)* };
        (@one $name:ident [$($field:ident)*]) => {
            #[derive(Deserialize, Reloadable)]
            #[serde(default)]
            #[allow(non_snake_case, non_camel_case_types)]
            struct $name { $($field: Option<Box<$field>>),* }

            impl Default for $name {
                fn default() -> Self {
                    Self { $($field: None),* }
                }
            }
        };
    }

    woven! { A B C D E F G H I J K L }
    assert_eq!(A::fields().len(), 10_000);
    let template = A::template(reloadable::Format::Toml);
    assert!(template.len() < 2_000_000, "{}", template.len());
}
