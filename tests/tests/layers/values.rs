//! Values that the program holds: defaults, and what an argument parser made.

use std::collections::BTreeMap;
use std::time::Duration;

use reloadable::{ErrorKind, Reloadable, Reloader, Secret};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Outcome, lines, refused, toml, valid, warnings};

#[derive(Debug, Clone, Serialize, Deserialize, Reloadable, PartialEq)]
struct App {
    port: u16,
    ratio: f32,
    every: Duration,
    store: Store,
    pair: (u8, Option<String>),
    wide: u128,
    labels: BTreeMap<u8, bool>,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, Reloadable, PartialEq)]
enum Store {
    Memory,
    Disk { path: String },
}

fn defaults() -> App {
    App {
        port: 80,
        ratio: 0.1,
        every: Duration::from_millis(1500),
        store: Store::Disk { path: "/x".into() },
        pair: (1, None),
        wide: u128::MAX,
        labels: [(1, true)].into(),
        note: Some("n".into()),
    }
}

fn app() -> reloadable::Builder<App> {
    Reloader::builder().defaults(defaults())
}

#[test]
fn a_value_comes_back_as_it_was_given() -> Outcome {
    assert_eq!(*valid(app())?.candidate().value(), defaults());
    Ok(())
}

#[test]
fn layers_lie_over_it() -> Outcome {
    let plan =
        valid(app().source(toml(
            "app.toml",
            "port = 81\nstore = 'Memory'\nevery = {secs = 2}\n[labels]\n2 = false\n",
        )))?;
    let over = plan.candidate().value();
    let labels = [(1, true), (2, false)].into();
    let every = Duration::from_millis(2500);
    assert_eq!(*over, App { port: 81, store: Store::Memory, every, labels, ..defaults() });
    Ok(())
}

#[test]
fn what_is_none_sets_nothing() -> Outcome {
    #[derive(Serialize)]
    struct Arguments {
        port: Option<u16>,
        note: Option<&'static str>,
        store: Option<Nested>,
    }
    #[derive(Serialize)]
    struct Nested {
        #[serde(rename = "Disk")]
        disk: BTreeMap<&'static str, Option<&'static str>>,
    }
    let nested = Nested { disk: [("path", None)].into() };
    let arguments = Arguments { port: Some(8080), note: None, store: Some(nested) };
    let plan = valid(app().values("arguments", &arguments))?;
    assert_eq!(*plan.candidate().value(), App { port: 8080, ..defaults() });
    Ok(())
}

#[test]
fn what_is_wrong_with_it_names_the_layer() {
    #[derive(Serialize)]
    struct Arguments {
        port: &'static str,
        prot: u8,
        store: u8,
    }
    let report = refused(app().values("arguments", Arguments { port: "x", prot: 1, store: 1 }));
    assert_eq!(
        lines(&report),
        [
            "arguments: store: this is an integer, but a table in defaults [shape]",
            "arguments: port: invalid type: string \"x\", expected u16 [type]",
            "warning: arguments: prot: unknown key, did you mean `port`? [unknown_key]",
        ]
    );
    let report = refused(Reloader::<App>::builder().defaults([1, 2]));
    assert_eq!(lines(&report), ["defaults: the document is an array, a configuration is a table [shape]"]);
    let report = refused(Reloader::<App>::builder().defaults(()));
    assert_eq!(lines(&report), ["defaults: the document is a null, a configuration is a table [shape]"]);
}

#[test]
fn what_cannot_be_serialized_is_refused_at_the_start() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("hunter2"))
        }
    }
    let error = app().values("flags", Fails).check_blocking().err();
    assert_eq!(error.as_ref().map(reloadable::Error::kind), Some(ErrorKind::Setup));
    let told = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("`flags`") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_secret_that_hides_itself_is_no_default() -> Outcome {
    #[derive(Serialize, Deserialize, Reloadable)]
    struct App {
        port: u16,
        token: Option<Secret<String>>,
    }
    let defaults = App { port: 1, token: Some(Secret::new("hunter2".to_owned())) };
    let builder = || Reloader::<App>::builder().defaults(&defaults);
    assert!(valid(builder())?.candidate().token.is_none());
    assert_eq!(warnings(builder())?, [""; 0]);
    Ok(())
}

#[test]
fn settings_of_a_layer_need_a_layer() {
    let error = Reloader::<App>::builder().optional().defaults(defaults()).check_blocking().err();
    let told = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("`.optional(..)` goes behind the layer that it is about"), "{told}");
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Tagged {
    File { path: String },
    Tcp { port: u16 },
}

#[derive(Debug, Deserialize, Reloadable)]
struct Stored {
    store: Tagged,
}

/// What stands beside another tag belongs to another variant.
#[test]
fn another_tag_takes_away_what_the_layers_below_say() {
    let base = || Reloader::<Stored>::builder().source(toml("base", "store = { type = 'file', path = 'x' }"));
    let above = base().source(toml("above", "store = { type = 'tcp', port = 1 }"));
    let set = base().env(crate::env([("APP_STORE__PORT", "1"), ("APP_STORE__TYPE", "tcp")]));
    for builder in [above, set] {
        let plan = valid(builder).unwrap();
        assert!(matches!(plan.candidate().store, Tagged::Tcp { port: 1 }), "{plan}");
    }
    let same = base().source(toml("above", "store = { type = 'file' }"));
    assert!(matches!(&valid(same).unwrap().candidate().store, Tagged::File { path } if path == "x"));
}

#[derive(Debug, Deserialize, Reloadable)]
struct Databases {
    dbs: BTreeMap<String, Database>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Database {
    pool_size: u16,
}

/// A key of a map could take all words that follow.
#[test]
fn joined_words_lead_through_a_map() {
    let variables = crate::env([("APP_DBS_MAIN_POOL_SIZE", "7")]).separator("_");
    let plan = valid(Reloader::<Databases>::builder().env(variables)).unwrap();
    assert_eq!(plan.candidate().dbs["main"].pool_size, 7);
}

#[test]
fn what_the_program_gives_cannot_be_optional() {
    for builder in [
        Reloader::<App>::builder().defaults(defaults()).optional(),
        Reloader::<App>::builder().env(crate::env([])).optional(),
        Reloader::<App>::builder().set(["port=1"]).optional(),
    ] {
        let error = builder.check_blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert_eq!(error.report().violations()[0].code(), "optional");
    }
}
