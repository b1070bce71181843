//! Several documents as one.

use std::collections::BTreeMap;

use allocation_counter::measure;
use reloadable::{Describe, Description, Field, Shape, Tagging, Variant};
use serde::Deserialize;

use crate::{accepted, json, refused, reloadable, toml};

#[derive(Debug, Deserialize, PartialEq)]
struct App {
    listen: String,
    #[serde(default, alias = "db")]
    database: Option<Database>,
    #[serde(default)]
    routes: Vec<String>,
    #[serde(default)]
    storage: Option<Storage>,
    #[serde(default)]
    labels: BTreeMap<String, i64>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Database {
    url: String,
    #[serde(alias = "pool-size")]
    pool_size: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Storage {
    Memory,
    #[serde(alias = "simple")]
    S3 {
        bucket: String,
        #[serde(default)]
        region: String,
    },
    Disk(String),
}

impl Describe for Database {
    fn describe() -> Description {
        const FIELDS: &[Field] = &[
            Field::new("url", String::describe),
            Field::new("pool_size", u32::describe).aliases(&["pool-size"]),
        ];
        Description::new("Database", Shape::Struct(FIELDS))
    }
}

impl Describe for Storage {
    fn describe() -> Description {
        const S3: &[Field] =
            &[Field::new("bucket", String::describe), Field::new("region", String::describe)];
        const DISK: &Field = &Field::new("", String::describe);
        const VARIANTS: &[Variant] = &[
            Variant::new("memory", Shape::Tuple(&[])),
            Variant::new("s3", Shape::Struct(S3)).aliases(&["simple"]),
            Variant::new("disk", Shape::Newtype(DISK)),
        ];
        Description::new("Storage", Shape::Enum(Tagging::External, VARIANTS))
    }
}

const FIELDS: &[Field] = &[
    Field::new("listen", String::describe),
    Field::new("database", || Description::new("Option<Database>", Shape::Optional(Database::describe)))
        .aliases(&["db"]),
    Field::new("routes", <Vec<String>>::describe),
    Field::new("storage", || Description::new("Option<Storage>", Shape::Optional(Storage::describe))),
    Field::new("labels", <BTreeMap<String, i64>>::describe),
];

reloadable!(App, Shape::Struct(FIELDS));

fn names(text: &str) -> String {
    accepted::<App>(&[toml("a.toml", "listen = 'a'"), toml("b.toml", text)]).into_value().listen
}

#[test]
fn the_last_layer_wins() {
    assert_eq!(names("# nothing"), "a");
    assert_eq!(names("listen = 'b'"), "b");
}

#[test]
fn three_layers_merge_deeply() {
    let loaded = accepted::<App>(&[
        toml(
            "a.toml",
            "listen = 'a'\nroutes = ['x', 'y']\n[database]\nurl = 'u'\npool_size = 1\n[labels]\none = 1\ntwo = 2\n",
        ),
        json("b.json", "{\"database\": {\"pool_size\": 2},\n \"labels\": {\"two\": 22, \"three\": 3}}"),
        toml("c.toml", "routes = ['z']\n[database]\npool_size = 3"),
    ]);
    let place = |path: &str| {
        let (origin, position) = loaded.locate(&path.parse().unwrap()).unwrap();
        format!("{origin}:{position}")
    };
    assert_eq!(place("listen"), "a.toml:1:10");
    assert_eq!(place("database.url"), "a.toml:4:7");
    assert_eq!(place("database.pool_size"), "c.toml:3:13");
    assert_eq!(place("database"), "a.toml:3:1");
    assert_eq!(place("routes[0]"), "c.toml:1:11");
    assert_eq!(place("routes[1]"), "c.toml:1:10");
    assert_eq!(place("labels.one"), "a.toml:7:7");
    assert_eq!(place("labels.two"), "b.json:2:20");
    assert_eq!(place("labels.three"), "b.json:2:33");
    assert_eq!(place("storage"), "a.toml:1:1");
    let labels = [("one", 1), ("two", 22), ("three", 3)].map(|(name, value)| (name.to_owned(), value));
    assert_eq!(
        loaded.into_value(),
        App {
            listen: "a".into(),
            database: Some(Database { url: "u".into(), pool_size: 3 }),
            routes: vec!["z".into()],
            storage: None,
            labels: labels.into(),
        }
    );
}

#[test]
fn an_alias_in_another_layer_is_the_same_field() {
    let loaded = accepted::<App>(&[
        toml("a.toml", "listen = 'a'\n[database]\nurl = 'u'\npool_size = 1"),
        toml("b.toml", "[db]\npool-size = 2"),
    ]);
    let place =
        loaded.locate(&"database.pool_size".parse().unwrap()).map(|(origin, at)| format!("{origin}:{at}"));
    assert_eq!(place.as_deref(), Some("b.toml:2:13"));
    assert_eq!(loaded.into_value().database, Some(Database { url: "u".into(), pool_size: 2 }));
}

#[test]
fn null_takes_a_table_away() {
    let loaded = accepted::<App>(&[
        toml("a.toml", "listen = 'a'\n[database]\nurl = 'u'"),
        json("b.json", "{\"database\": null}"),
    ]);
    assert_eq!(loaded.into_value().database, None);
}

#[test]
fn another_variant_replaces_the_first() {
    let storage = |first: &str, second: &str| {
        accepted::<App>(&[toml("a.toml", format!("listen = 'a'\n{first}")), toml("b.toml", second)])
            .into_value()
            .storage
    };
    let s3 = |bucket: &str, region: &str| Some(Storage::S3 { bucket: bucket.into(), region: region.into() });
    let table = "[storage.s3]\nbucket = 'b'\nregion = 'r'";
    assert_eq!(storage(table, "[storage.s3]\nbucket = 'c'"), s3("c", "r"));
    assert_eq!(storage(table, "[storage.simple]\nbucket = 'c'"), s3("c", "r"));
    assert_eq!(storage(table, "storage.disk = 'd'"), Some(Storage::Disk("d".into())));
    assert_eq!(storage(table, "storage = 'memory'"), Some(Storage::Memory));
    assert_eq!(storage("storage = 'memory'", table), s3("b", "r"));
}

#[test]
fn a_table_in_one_layer_and_none_in_another() {
    let found = refused::<App>(&[
        toml("a.toml", "listen = 'a'\nlabels.x = 1\n[database]\nurl = 'u'"),
        toml("b.toml", "labels = 'none'\ndatabase.url = { a = 1 }"),
        json("c.json", "{\"db\": [1]}"),
    ]);
    assert_eq!(
        found,
        [
            "b.toml:1:10: labels: this is a text, but a table in a.toml:2:1 [shape]",
            "b.toml:2:16: database.url: this is a table, but a text in a.toml:4:7 [shape]",
            "c.json:1:8: db: this is an array, but a table in a.toml:3:1 [shape]",
        ]
    );
}

#[derive(Debug, Deserialize)]
struct Routes {
    routes: BTreeMap<String, u8>,
}

reloadable!(Routes);

/// What is allocated stands for the time, since it does not depend on what else the machine does.
#[test]
fn many_layers_that_add_to_one_table_cost_as_much_as_their_keys() {
    let cost = |layers: usize| {
        let documents: Vec<_> = (0..layers)
            .map(|layer| {
                let keys = (0..10).map(|key| format!("r{layer}_{key} = 1\n")).collect::<String>();
                toml(&format!("{layer}.toml"), format!("[routes]\n{keys}"))
            })
            .collect();
        let mut found = 0;
        let cost = measure(|| found = accepted::<Routes>(&documents).into_value().routes.len());
        assert_eq!(found, layers * 10);
        cost.bytes_total
    };
    let (few, many) = (cost(50), cost(400));
    assert!(many < few * 12, "{few} bytes for 50 layers, {many} for 400");
}

#[derive(Debug, Deserialize, reloadable::Reloadable)]
#[allow(dead_code, reason = "only what is wrong is of interest")]
struct Limits {
    #[reload(range(1..=64))]
    workers: u16,
    #[reload(range(1..=64))]
    queue: u16,
    name: String,
}

#[test]
fn of_what_stands_above_an_unreadable_document_all_is_told_that_is_certain() {
    let below = toml("below.toml", "workers = 100\nqueue = 100\nname = 1\n");
    let broken = toml("broken.toml", "workers = \n");
    let above = toml("above.toml", "queue = 'many'\nname = 2\n");
    assert_eq!(
        refused::<Limits>(&[below.clone(), broken.clone(), above]),
        [
            "broken.toml:1:11: string values must be quoted, expected literal string [syntax]",
            "above.toml:1:9: queue: invalid type: string \"many\", expected u16 [type]",
            "above.toml:2:8: name: invalid type: integer `2`, expected a string [type]",
        ]
    );
    // What stands below may be set by the broken one, and what is missing may be in it.
    assert_eq!(refused::<Limits>(&[below, broken]).len(), 1);
}

#[derive(Debug, Deserialize, reloadable::Reloadable)]
#[allow(dead_code, reason = "only what is wrong is of interest")]
struct Aliased {
    #[serde(alias = "drei")]
    three: u8,
}

#[test]
fn two_names_of_one_field_in_one_document_are_refused() {
    let twice = "three = 3\ndrei = 4\n";
    let told = ["a.toml:2:1: drei: `three` is set twice, by two of its names [duplicate_key]"];
    assert_eq!(refused::<Aliased>(&[toml("a.toml", twice)]), told);
    assert_eq!(refused::<Aliased>(&[toml("z.toml", "three = 1\n"), toml("a.toml", twice)]), told);
}
