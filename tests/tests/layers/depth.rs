//! However deep a name or a value goes, it is refused and nothing else happens.

use std::collections::BTreeMap;

use reloadable::{Env, Reloadable, Reloader};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    #[serde(default)]
    extra: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    next: Option<Box<App>>,
}

/// Far deeper than a stack is long.
const DEEP: usize = 100_000;

#[derive(Serialize)]
struct Nested {
    next: Option<Box<Nested>>,
}

impl Nested {
    fn of(depth: usize) -> Self {
        (0..depth).fold(Self { next: None }, |inner, _| Self { next: Some(Box::new(inner)) })
    }
}

/// Only dropped level by level, such a value does not need a stack of its own.
impl Drop for Nested {
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut inner) = next {
            next = inner.next.take();
        }
    }
}

fn refused(builder: reloadable::Builder<App>) -> String {
    let error = builder.check_blocking().unwrap_err();
    // Whatever its length, it can be printed.
    let (short, long) = (error.report().to_string(), format!("{:#}", error.report()));
    assert!(long.len() >= short.len());
    error.report().errors().map(|violation| violation.code().to_owned()).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_deep_name_is_refused() {
    for step in ["next", "extra"] {
        let path = vec![step; DEEP].join(".");
        assert_eq!(refused(Reloader::builder().set([format!("{path}=1")])), "depth");
        let variable = format!("APP_{}", vec![step.to_uppercase(); DEEP].join("__"));
        let env = Env::prefixed("APP").variables([(variable, "1")]);
        assert_eq!(refused(Reloader::builder().env(env)), "depth");
    }
    let joined = format!("APP_{}", ["NEXT"; 120].join("_"));
    let env = Env::prefixed("APP").separator("_").variables([(joined, "1")]);
    assert_eq!(refused(Reloader::builder().env(env)), "type");
}

#[test]
fn a_deep_value_is_refused() {
    let list = (0..200).fold(serde_json::Value::Null, |inner, _| vec![inner].into());
    let lists = BTreeMap::from([("extra", BTreeMap::from([("a", list)]))]);
    assert_eq!(refused(Reloader::builder().defaults(lists)), "depth");
    assert_eq!(refused(Reloader::builder().defaults(Nested::of(10_000))), "values");
}

#[test]
fn a_deep_override_is_refused() {
    let config = Reloader::<App>::builder().set(["extra.a=1"]).start_blocking().unwrap();
    let path = vec!["next"; DEEP].join(".");
    assert!(!config.blocking_set_override(&path, 1).is_in_force());
    assert!(!config.blocking_set_override("next", Nested::of(10_000)).is_in_force());
    assert!(config.blocking_set_override("extra.a", 2).is_in_force());
    config.blocking_shutdown();
}
