//! Environment variables.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use reloadable::{Env, Lint, Reloadable, Reloader};
use serde::Deserialize;

use crate::{Outcome, env, lines, refused, toml, valid, warnings};

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
#[serde(default)]
struct App {
    port: u16,
    name: String,
    database: Database,
    tags: Vec<String>,
    labels: BTreeMap<String, String>,
    routes: Vec<Route>,
    debug: bool,
    limit: Option<u32>,
}

#[derive(Debug, Default, Deserialize, Reloadable, PartialEq)]
#[serde(default)]
struct Database {
    url: String,
    pool_size: u16,
}

#[derive(Debug, Default, Deserialize, Reloadable, PartialEq)]
#[serde(default)]
struct Route {
    path: String,
    timeout: u32,
}

impl Default for App {
    fn default() -> Self {
        Self {
            port: 80,
            name: String::new(),
            database: Database::default(),
            tags: Vec::new(),
            labels: BTreeMap::new(),
            routes: Vec::new(),
            debug: false,
            limit: None,
        }
    }
}

fn app() -> reloadable::Builder<App> {
    Reloader::builder()
}

#[test]
fn names_are_found_without_regard_to_case_and_with_any_separator() -> Outcome {
    let plan = valid(app().env(env([("APP_DATABASE__POOL_SIZE", "20"), ("APP_Name", "x")])))?;
    assert_eq!((plan.candidate().database.pool_size, &*plan.candidate().name), (20, "x"));

    let joined = Env::prefixed("APP").separator("_").variables([
        ("APP_DATABASE_POOL_SIZE", "21"),
        ("APP_ROUTES_0_PATH", "/"),
        ("APP_LABELS_TEAM_NAME", "core"),
    ]);
    let plan = valid(app().env(joined))?;
    let app_ = plan.candidate();
    assert_eq!((app_.database.pool_size, &*app_.routes[0].path), (21, "/"));
    assert_eq!(app_.labels, [("team_name".to_owned(), "core".to_owned())].into());

    let dotted = Env::prefixed("app.").separator(".").variables([("app._database.pool-size", "22")]);
    // A prefix without `_` gets one.
    assert_eq!(valid(app().env(dotted))?.candidate().database.pool_size, 22);
    let doubled = Env::prefixed("APP_").variables([("APP__DATABASE__POOL_SIZE", "23")]);
    assert_eq!(valid(app().env(doubled))?.candidate().database.pool_size, 23);
    let bare =
        Env::prefixed("").variables([("DATABASE__POOL_SIZE", "24"), ("HOME", "/root"), ("PATH", "/bin")]);
    let plan = valid(app().env(bare))?;
    assert_eq!(plan.candidate().database.pool_size, 24);
    assert_eq!(lines(&plan.warnings()), [""; 0]);
    // Others are none of its own.
    let others =
        env([("APPLE_PORT", "1"), ("APP", "2"), ("APP_", "3"), ("XAPP_PORT", "4"), ("app_port", "5")]);
    let plan = valid(app().env(others))?;
    assert_eq!((plan.candidate().port, lines(&plan.warnings())), (80, vec![]));
    Ok(())
}

#[test]
fn a_separator_may_be_empty_or_strange() -> Outcome {
    for separator in ["", "é", "APP", " "] {
        let plan =
            valid(app().env(Env::prefixed("APP").separator(separator).variables([("APP_PORT", "81")])))?;
        assert_eq!(plan.candidate().port, 81, "{separator:?}");
    }
    Ok(())
}

#[test]
fn lists_and_tables_in_every_notation() -> Outcome {
    for (text, tags) in [
        ("eu,canary", vec!["eu", "canary"]),
        (" eu , canary ", vec!["eu", "canary"]),
        (r#"["eu", "a,b"]"#, vec!["eu", "a,b"]),
        ("['eu', 'a,b']", vec!["eu", "a,b"]),
        ("[]", vec![]),
        ("", vec![]),
        ("  ", vec![]),
        ("one", vec!["one"]),
        ("[::1]:80,[::2]:81", vec!["[::1]:80", "[::2]:81"]),
    ] {
        let plan = valid(app().env(env([("APP_TAGS", text)])))?;
        assert_eq!(plan.candidate().tags, tags, "{text:?}");
    }
    let semicolons = Env::prefixed("APP").list_separator(';').variables([("APP_TAGS", "a,b;c")]);
    assert_eq!(valid(app().env(semicolons))?.candidate().tags, ["a,b", "c"]);
    let colons = Env::prefixed("APP").list_separator(':').variables([("APP_TAGS", "/bin:/usr/bin")]);
    assert_eq!(valid(app().env(colons))?.candidate().tags, ["/bin", "/usr/bin"]);

    for text in [
        r#"{"url": "x", "pool_size": 3}"#,
        "{ url = 'x', pool_size = 3 }",
        "{\n\"url\":\"x\",\n\"pool_size\":3}",
    ] {
        let plan = valid(app().env(env([("APP_DATABASE", text)])))?;
        assert_eq!(plan.candidate().database, Database { url: "x".into(), pool_size: 3 }, "{text:?}");
    }
    let plan = valid(app().env(env([("APP_ROUTES", "[{path = '/a'}, {path = '/b', timeout = 2}]")])))?;
    assert_eq!(plan.candidate().routes[1], Route { path: "/b".into(), timeout: 2 });
    Ok(())
}

#[test]
fn what_begins_as_json_and_is_none_is_refused() {
    for (name, text) in [
        ("APP_TAGS", "[eu, canary]"),
        ("APP_TAGS", "{a}"),
        ("APP_DATABASE", "{url: x}"),
        ("APP_ROUTES", "[{]"),
    ] {
        let report = refused(app().env(env([(name, text)])));
        let [line] = &lines(&report)[..] else { panic!("{report}") };
        assert!(line.contains("this is to be JSON or TOML on one line, and is not [syntax]"), "{line}");
        assert!(line.starts_with(&format!("variable {name}: ")), "{line}");
    }
}

#[test]
fn a_list_of_addresses_may_begin_as_json_does() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct App {
        listen: Vec<SocketAddr>,
        set: BTreeSet<u16>,
        pair: (u8, String),
        fixed: Option<[f64; 2]>,
    }
    let plan = valid(Reloader::<App>::builder().env(env([
        ("APP_LISTEN", "[::1]:80, 127.0.0.1:81,[::2]:82"),
        ("APP_SET", "3,1,3"),
        ("APP_PAIR", "7, 8"),
        ("APP_FIXED", "1,2.5"),
    ])))?;
    let app = plan.candidate();
    assert_eq!(app.listen.iter().map(SocketAddr::port).collect::<Vec<_>>(), [80, 81, 82]);
    assert_eq!(app.set, [1, 3].into());
    assert_eq!((&app.pair, app.fixed), (&(7, "8".to_owned()), Some([1.0, 2.5])));
    let report = refused(Reloader::<App>::builder().env(env([
        ("APP_LISTEN", "[::1]:80,nonsense"),
        ("APP_SET", "1"),
        ("APP_PAIR", "7,8"),
    ])));
    assert_eq!(lines(&report), ["variable APP_LISTEN: listen[1]: invalid socket address syntax [decode]"]);
    Ok(())
}

#[test]
fn maps_take_the_key_of_a_lower_layer_or_lower_case_or_as_told() -> Outcome {
    let base = || toml("base", "[labels]\nTeam-Name = 'base'\n");
    let variables = [("APP_LABELS__TEAM_NAME", "core"), ("APP_LABELS__Region", "eu")];
    let plan = valid(app().source(base()).env(env(variables)))?;
    let keys = |plan: &reloadable::Plan<App>| plan.candidate().labels.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&plan), ["Team-Name", "region"]);
    assert_eq!(plan.candidate().labels["Team-Name"], "core");
    let kept = Env::prefixed("APP").keep_case().variables(variables);
    let plan = valid(app().source(base()).env(kept))?;
    assert_eq!(keys(&plan), ["Region", "Team-Name"]);
    // Exactly the same goes before nearly the same.
    let both = toml("base", "[labels]\nteam-name = '1'\nTEAM_NAME = '2'\n");
    let plan = valid(app().source(both).env(env(variables)))?;
    assert_eq!(
        (&*plan.candidate().labels["team-name"], &*plan.candidate().labels["TEAM_NAME"]),
        ("1", "core")
    );
    Ok(())
}

#[test]
fn elements_go_by_their_number_in_any_order_of_the_environment() -> Outcome {
    let mut variables: Vec<(String, String)> =
        (0..12).map(|number| (format!("APP_ROUTES__{number}__PATH"), format!("/{number}"))).collect();
    variables.push(("APP_ROUTES__3__TIMEOUT".into(), "3".into()));
    variables.push(("APP_ROUTES__4".into(), "{path = 'other', timeout = 4}".into()));
    for order in 0..variables.len() {
        variables.rotate_left(1);
        if order % 2 == 1 {
            variables.reverse();
        }
        let plan = valid(app().env(Env::prefixed("APP").variables(variables.clone())))?;
        let routes = &plan.candidate().routes;
        assert_eq!(routes.len(), 12);
        assert!(routes.iter().enumerate().all(|(at, route)| route.path == format!("/{at}")), "{routes:?}");
        assert_eq!((routes[3].timeout, routes[4].timeout), (3, 4));
    }
    let base = toml("base", "[[routes]]\npath = 'a'\n[[routes]]\npath = 'b'\n");
    let plan =
        valid(app().source(base).env(env([("APP_ROUTES__1__TIMEOUT", "9"), ("APP_ROUTES__2__PATH", "c")])))?;
    let routes: Vec<_> = plan.candidate().routes.iter().map(|route| (&*route.path, route.timeout)).collect();
    assert_eq!(routes, [("a", 0), ("b", 9), ("c", 0)]);
    Ok(())
}

#[test]
fn an_element_too_far_names_the_list() -> Outcome {
    let base = toml("base", "routes = [\n  { path = 'a' },\n]\n");
    let report = refused(app().source(base).env(env([("APP_ROUTES__5__PATH", "x")])));
    assert_eq!(
        lines(&report),
        [
            "variable APP_ROUTES__5__PATH: routes[5].path: there is no element 5: there are 1 in base:1:10 [shape]"
        ]
    );
    assert_eq!(
        warnings(app().env(env([("APP_ROUTES__99999999999999999999__PATH", "x")])))?,
        [
            "warning: variable APP_ROUTES__99999999999999999999__PATH: routes.99999999999999999999.path: an element of a list goes by its number, from 0 [unknown_key]"
        ]
    );
    Ok(())
}

#[test]
fn a_value_and_a_part_of_it() -> Outcome {
    for variables in [
        [("APP_DATABASE", "{url = 'all', pool_size = 1}"), ("APP_DATABASE__POOL_SIZE", "2")],
        [("APP_DATABASE__POOL_SIZE", "2"), ("APP_DATABASE", "{url = 'all', pool_size = 1}")],
    ] {
        let plan = valid(app().env(env(variables)))?;
        assert_eq!(plan.candidate().database, Database { url: "all".into(), pool_size: 2 });
    }
    let plan = valid(app().env(env([("APP_TAGS__0", "c"), ("APP_TAGS", "a,b"), ("APP_TAGS__2", "d")])))?;
    assert_eq!(plan.candidate().tags, ["c", "b", "d"]);
    let report = refused(app().env(env([("APP_DATABASE__URL", "x"), ("APP_DATABASE", "y")])));
    assert_eq!(
        lines(&report),
        [
            "variable APP_DATABASE__URL: database.url: this sets a part of a table, but there is a text in variable APP_DATABASE [shape]",
            "variable APP_DATABASE: database: invalid type: string \"y\", expected struct Database [type]",
        ]
    );
    Ok(())
}

#[test]
fn two_variables_for_one_field_are_refused() {
    for (one, two) in [
        ("APP_PORT", "APP_Port"),
        ("APP_DATABASE__POOL_SIZE", "APP_DATABASE__POOLSIZE"),
        ("APP_ROUTES__0__PATH", "APP_ROUTES__00__PATH"),
    ] {
        for (first, second) in [(one, two), (two, one)] {
            let report = refused(app().env(env([(first, "1"), (second, "2")])));
            let [line] = &lines(&report)[..] else { panic!("{report}") };
            let ends = format!("variable {first} sets this field as well; keep one of them [duplicate_key]");
            assert!(line.starts_with(&format!("variable {second}: ")) && line.ends_with(&ends), "{line}");
        }
    }
}

#[test]
fn two_names_of_one_field_are_the_same_field() -> Outcome {
    #[derive(Debug, Deserialize, Reloadable)]
    #[serde(rename_all = "kebab-case")]
    struct App {
        #[serde(alias = "db", alias = "store")]
        data_base: Inner,
        #[serde(rename = "maxAge")]
        max_age: u32,
    }
    #[derive(Debug, Deserialize, Reloadable)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        pool_size: u16,
        #[serde(default)]
        read_only: bool,
    }
    let builder = Reloader::<App>::builder;
    let base = || toml("base", "max-age = 0\nmaxAge = 1\n[db]\npoolSize = 1\n");
    for name in ["APP_DATA_BASE__POOL_SIZE", "APP_DB__POOLSIZE", "APP_STORE__POOL_SIZE"] {
        let plan = valid(builder().source(base()).env(env([(name, "7"), ("APP_MAX_AGE", "5")])))?;
        assert_eq!((plan.candidate().data_base.pool_size, plan.candidate().max_age), (7, 5), "{name}");
        let alone = valid(builder().env(env([(name, "7"), ("APP_MAX_AGE", "5")])))?;
        assert_eq!(
            (alone.candidate().data_base.pool_size, alone.candidate().data_base.read_only),
            (7, false)
        );
    }
    let report = refused(
        builder().source(base()).env(env([("APP_DB__POOL_SIZE", "7"), ("APP_STORE__POOL_SIZE", "8")])),
    );
    assert_eq!(
        lines(&report)[..1],
        [
            "variable APP_STORE__POOL_SIZE: data-base.poolSize: variable APP_DB__POOL_SIZE sets this field as well; keep one of them [duplicate_key]"
        ]
    );
    // A part of it by one name, all of it by another.
    let variables = [("APP_STORE__READ_ONLY", "on"), ("APP_DB", "{poolSize = 3}"), ("APP_MAX_AGE", "1")];
    let plan = valid(builder().env(env(variables)))?;
    assert!(plan.candidate().data_base.read_only && plan.candidate().data_base.pool_size == 3);
    Ok(())
}

#[test]
fn scalars_are_read_as_the_type_wants_them() -> Outcome {
    #[derive(Debug, Deserialize, Reloadable)]
    struct App {
        wide: u64,
        widest: i128,
        unsigned: u128,
        small: i8,
        float: f64,
        half: f32,
        letter: char,
        text: String,
        truth: Option<bool>,
        #[serde(with = "humantime_serde")]
        every: Duration,
        #[serde(default, with = "humantime_serde::option")]
        perhaps: Option<Duration>,
        span: Duration,
        boxed: Box<u8>,
        nested: Option<Option<u8>>,
    }
    let with = |truth, float, span: &'static str| {
        Reloader::<App>::builder().env(env([
            ("APP_WIDE", "18446744073709551615"),
            ("APP_WIDEST", "-170141183460469231731687303715884105728"),
            ("APP_UNSIGNED", "340282366920938463463374607431768211455"),
            ("APP_SMALL", " -128 "),
            ("APP_FLOAT", float),
            ("APP_HALF", "0.1"),
            ("APP_LETTER", "ö"),
            ("APP_TEXT", " 007 "),
            ("APP_TRUTH", truth),
            ("APP_EVERY", "1m 30s"),
            ("APP_PERHAPS", "2h"),
            ("APP_SPAN", span),
            ("APP_BOXED", "3"),
            ("APP_NESTED", "4"),
        ]))
    };
    let span = "{secs = 1, nanos = 5}";
    let plan = valid(with("on", "1e3", span))?;
    let app = plan.candidate();
    assert_eq!((app.wide, app.widest, app.unsigned), (u64::MAX, i128::MIN, u128::MAX));
    assert_eq!((app.small, app.float, app.half, app.letter), (-128, 1000.0, 0.1, 'ö'));
    assert_eq!((&*app.text, app.truth, app.every), (" 007 ", Some(true), Duration::from_secs(90)));
    assert_eq!((app.perhaps, app.span), (Some(Duration::from_secs(7200)), Duration::new(1, 5)));
    assert_eq!((*app.boxed, app.nested), (3, Some(Some(4))));
    for (text, truth) in
        [("TRUE", true), ("Yes", true), ("1", true), ("off", false), ("No", false), ("0", false)]
    {
        assert_eq!(valid(with(text, "5", span))?.candidate().truth, Some(truth), "{text}");
    }
    for text in ["2", "y", "", "truee"] {
        let report = refused(with(text, "5", span));
        assert_eq!(
            lines(&report),
            [format!("variable APP_TRUTH: truth: invalid type: string {text:?}, expected a boolean [type]")]
        );
    }
    for float in ["five", "1,5", "0x10"] {
        let report = refused(with("on", float, span));
        assert_eq!(
            lines(&report),
            [format!("variable APP_FLOAT: float: invalid type: string {float:?}, expected f64 [type]")]
        );
    }
    Ok(())
}

#[test]
fn what_is_no_number_names_the_variable() {
    for (text, why) in [
        ("eighty", "invalid type: string \"eighty\", expected u16 [type]"),
        ("70000", "invalid value: integer `70000`, expected u16 [value]"),
        ("-1", "invalid value: integer `-1`, expected u16 [value]"),
        ("", "invalid type: string \"\", expected u16 [type]"),
        ("80.0", "invalid type: string \"80.0\", expected u16 [type]"),
        ("99999999999999999999999999999999999999999999", "expected u16 [type]"),
    ] {
        let report = refused(app().env(env([("APP_PORT", text)])));
        let [line] = &lines(&report)[..] else { panic!("{report}") };
        assert!(line.starts_with("variable APP_PORT: port: ") && line.ends_with(why), "{line}");
    }
}

#[test]
fn empty_variables_are_values_unless_told() -> Outcome {
    let variables = [("APP_NAME", ""), ("APP_TAGS", ""), ("APP_DATABASE__URL", "")];
    let base = || toml("base", "name = 'base'\ntags = ['a']\ndatabase = { url = 'db' }\n");
    let plan = valid(app().source(base()).env(env(variables)))?;
    let found = |plan: &reloadable::Plan<App>| {
        let app = plan.candidate();
        (app.name.clone(), app.tags.len(), app.database.url.clone())
    };
    assert_eq!(found(&plan), (String::new(), 0, String::new()));
    let ignored = Env::prefixed("APP").ignore_empty().variables(variables);
    assert_eq!(found(&valid(app().source(base()).env(ignored))?), ("base".into(), 1, "db".into()));
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Store {
    Memory,
    #[serde(alias = "simple")]
    S3 {
        bucket: String,
        #[serde(default)]
        retries: u8,
    },
    Disk(String),
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Tagged {
    Tcp { port: u16, nodelay: bool },
    Unix { path: String },
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    One { number: u32 },
    Many(Vec<u8>),
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
#[serde(untagged)]
enum Loose {
    Off(bool),
    Number(u64),
    Ratio(f64),
    Table { size: u16 },
    Text(String),
}

#[test]
fn enums_of_every_kind() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct App {
        store: Option<Store>,
        tagged: Option<Tagged>,
        adjacent: Option<Adjacent>,
        loose: Option<Loose>,
        levels: Option<Vec<Store>>,
    }
    let read = |variables: &[(&str, &str)]| {
        let variables: Vec<_> = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        valid(Reloader::<App>::builder().env(Env::prefixed("APP").variables(variables)))
    };
    let s3 = |retries| Store::S3 { bucket: "b".into(), retries };
    for (variables, store) in [
        (&[("APP_STORE", "memory")][..], Store::Memory),
        (&[("APP_STORE", "MEMORY")], Store::Memory),
        (&[("APP_STORE__S3__BUCKET", "b"), ("APP_STORE__S3__RETRIES", "3")], s3(3)),
        (&[("APP_STORE__SIMPLE__BUCKET", "b"), ("APP_STORE__S3__RETRIES", "3")], s3(3)),
        (&[("APP_STORE", "{s3 = {bucket = 'b'}}")], s3(0)),
        (&[("APP_STORE__DISK", "/x")], Store::Disk("/x".into())),
    ] {
        assert_eq!(read(variables)?.candidate().store, Some(store), "{variables:?}");
    }
    let plan =
        read(&[("APP_TAGGED__KIND", "TCP"), ("APP_TAGGED__PORT", "8"), ("APP_TAGGED__NODELAY", "yes")])?;
    assert_eq!(plan.candidate().tagged, Some(Tagged::Tcp { port: 8, nodelay: true }));
    let plan = read(&[("APP_ADJACENT__T", "one"), ("APP_ADJACENT__C__NUMBER", "8")])?;
    assert_eq!(plan.candidate().adjacent, Some(Adjacent::One { number: 8 }));
    let plan = read(&[("APP_ADJACENT__T", "Many"), ("APP_ADJACENT__C", "1,2")])?;
    assert_eq!(plan.candidate().adjacent, Some(Adjacent::Many(vec![1, 2])));
    for (text, loose) in [
        ("false", Loose::Off(false)),
        ("5", Loose::Number(5)),
        ("0.5", Loose::Ratio(0.5)),
        ("five", Loose::Text("five".into())),
        ("{size = 3}", Loose::Table { size: 3 }),
    ] {
        assert_eq!(read(&[("APP_LOOSE", text)])?.candidate().loose, Some(loose), "{text}");
    }
    assert_eq!(read(&[("APP_LOOSE__SIZE", "4")])?.candidate().loose, Some(Loose::Table { size: 4 }));
    let plan = read(&[("APP_LEVELS", "Memory,memory")])?;
    assert_eq!(plan.candidate().levels, Some(vec![Store::Memory, Store::Memory]));
    Ok(())
}

#[test]
fn a_variable_chooses_another_variant_than_a_file() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct App {
        store: Store,
    }
    let read = |text: &str, variables: [(&str, &str); 1]| {
        valid(Reloader::<App>::builder().source(toml("base", text)).env(env(variables)))
    };
    let plan = read("store = 'memory'", [("APP_STORE__S3__BUCKET", "b")])?;
    assert_eq!(plan.candidate().store, Store::S3 { bucket: "b".into(), retries: 0 });
    let plan = read("[store.s3]\nbucket = 'a'\nretries = 2", [("APP_STORE__S3__BUCKET", "b")])?;
    assert_eq!(plan.candidate().store, Store::S3 { bucket: "b".into(), retries: 2 });
    let plan = read("[store.simple]\nbucket = 'a'\nretries = 2", [("APP_STORE__S3__BUCKET", "b")])?;
    assert_eq!(plan.candidate().store, Store::S3 { bucket: "b".into(), retries: 2 });
    let plan = read("[store.s3]\nbucket = 'a'\nretries = 2", [("APP_STORE__DISK", "/x")])?;
    assert_eq!(plan.candidate().store, Store::Disk("/x".into()));
    let plan = read("[store.s3]\nbucket = 'a'\nretries = 2", [("APP_STORE", "Memory")])?;
    assert_eq!(plan.candidate().store, Store::Memory);
    Ok(())
}

#[test]
fn flattened_fields_and_maps() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct App {
        port: u16,
        #[serde(flatten)]
        common: Common,
        #[serde(flatten)]
        more: BTreeMap<String, u32>,
    }
    #[derive(Deserialize, Reloadable)]
    struct Common {
        log_level: String,
        sample: f64,
        count: i64,
        on: bool,
        #[serde(with = "humantime_serde")]
        every: Duration,
    }
    let plan = valid(Reloader::<App>::builder().env(env([
        ("APP_PORT", "1"),
        ("APP_LOG_LEVEL", "info"),
        ("APP_SAMPLE", "1"),
        ("APP_COUNT", "-7"),
        ("APP_ON", "on"),
        ("APP_EVERY", "3s"),
        ("APP_OTHER_ONE", "9"),
    ])))?;
    let app = plan.candidate();
    let common = &app.common;
    assert_eq!((&*common.log_level, common.sample, common.count, common.on), ("info", 1.0, -7, true));
    assert_eq!((app.port, common.every, app.more["other_one"]), (1, Duration::from_secs(3), 9));
    Ok(())
}

#[test]
fn a_variable_that_stands_for_no_field_is_warned_of() -> Outcome {
    let variables = [
        ("APP_PROT", "1"),
        ("APP_DATABASE__POOLSIZES", "2"),
        ("APP_DATABASE__URL__HOST", "3"),
        ("APP_ROUTES__FIRST", "4"),
        ("APP_SOMETHING__ELSE", "5"),
        ("APP_A____B", "6"),
    ];
    assert_eq!(
        warnings(app().env(env(variables)))?,
        [
            "warning: variable APP_PROT: prot: there is no field of this name, did you mean `port`? [unknown_key]",
            "warning: variable APP_DATABASE__POOLSIZES: database.poolsizes: there is no field of this name, did you mean `pool_size`? [unknown_key]",
            "warning: variable APP_DATABASE__URL__HOST: database.url.host: there is no field of this name, there are no fields here [unknown_key]",
            "warning: variable APP_ROUTES__FIRST: routes.first: an element of a list goes by its number, from 0 [unknown_key]",
            "warning: variable APP_SOMETHING__ELSE: something.else: there is no field of this name, expected one of `port`, `name`, `database`, `tags`, `labels`, `routes`, `debug`, `limit` [unknown_key]",
            "warning: variable APP_A____B: a.\"\".b: there is no field of this name, expected one of `port`, `name`, `database`, `tags`, `labels`, `routes`, `debug`, `limit` [unknown_key]",
        ]
    );
    let refuses = |env: Env| app().env(env.unknown(Lint::Deny));
    assert_eq!(lines(&refused(refuses(env(variables)))).len(), 6);
    assert_eq!(warnings(app().env(env(variables).unknown(Lint::Allow)))?, [""; 0]);
    // What is told of keys in files is told of variables only if that is said of them.
    assert_eq!(warnings(app().env(env(variables)).unknown_keys(Lint::Deny))?.len(), 6);
    Ok(())
}

#[test]
fn with_joined_words_the_nearest_name_is_found_as_well() -> Outcome {
    let joined = |variables: [(&str, &str); 3]| Env::prefixed("APP").separator("_").variables(variables);
    assert_eq!(
        warnings(app().env(joined([
            ("APP_DATABASE_POOL_SIZES", "2"),
            ("APP_DATABSE_POOL_SIZE", "2"),
            ("APP_PORT_80_TCP", "x"),
        ])))?,
        [
            "warning: variable APP_DATABASE_POOL_SIZES: database.pool_sizes: there is no field of this name, did you mean `pool_size`? [unknown_key]",
            "warning: variable APP_DATABSE_POOL_SIZE: databse: there is no field of this name, did you mean `database`? [unknown_key]",
            "warning: variable APP_PORT_80_TCP: port.80_tcp: there is no field of this name, there are no fields here [unknown_key]",
        ]
    );
    Ok(())
}

/// Beside a service called `app`, Kubernetes sets these for every pod of the namespace.
#[test]
fn the_variables_of_kubernetes_services() -> Outcome {
    let services = [
        ("APP_SERVICE_HOST", "10.0.0.11"),
        ("APP_SERVICE_PORT", "8080"),
        ("APP_SERVICE_PORT_HTTP", "8080"),
        ("APP_PORT_8080_TCP", "tcp://10.0.0.11:8080"),
        ("APP_PORT_8080_TCP_PROTO", "tcp"),
        ("APP_PORT_8080_TCP_ADDR", "10.0.0.11"),
    ];
    let plan = valid(app().env(env(services)))?;
    assert_eq!(plan.candidate().port, 80);
    assert_eq!(plan.warnings().violations().len(), services.len());
    // Where a field is called `port`, this one is in the way, and says so.
    let report = refused(app().env(env([("APP_PORT", "tcp://10.0.0.11:8080")])));
    assert_eq!(
        lines(&report),
        ["variable APP_PORT: port: invalid type: string \"tcp://10.0.0.11:8080\", expected u16 [type]"]
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_is_not_unicode_is_refused_where_it_is_meant() -> Outcome {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let read = |name: &[u8], value: &[u8]| app().env(Env::prefixed("APP").variables([(os(name), os(value))]));
    assert_eq!(
        lines(&refused(read(b"APP_NAME", b"caf\xe9"))),
        ["variable APP_NAME: name: the variable's value is not Unicode [encoding]"]
    );
    assert_eq!(
        lines(&refused(read(b"APP_LABELS__caf\xe9", b"x"))),
        [
            "variable APP_LABELS__caf\u{fffd}: labels.\"caf\u{fffd}\": the variable's name is not Unicode [encoding]"
        ]
    );
    // Others are not looked at.
    assert_eq!(warnings(read(b"OTHER_\xe9", b"\xff"))?, [""; 0]);
    assert_eq!(warnings(read(b"APP_NAMES", b"\xff"))?.len(), 1);
    assert_eq!(warnings(app().env(Env::prefixed("").variables([(os(b"\xff"), os(b"\xff"))])))?, [""; 0]);
    Ok(())
}

#[test]
fn the_values_are_not_printed() {
    let layer = env([("APP_NAME", "hunter2")]);
    assert!(!format!("{layer:?}").contains("hunter2"));
    assert!(!format!("{:?}", app().env(layer)).contains("hunter2"));
}

#[test]
fn a_variable_lies_over_a_file_and_under_what_comes_later() -> Outcome {
    let plan = valid(
        app()
            .source(toml("base", "port = 1\nname = 'base'\n[database]\nurl = 'base'\npool_size = 1\n"))
            .env(env([("APP_PORT", "2"), ("APP_DATABASE__POOL_SIZE", "2")]))
            .source(toml("top", "[database]\npool_size = 3\n")),
    )?;
    let app = plan.candidate();
    assert_eq!((app.port, &*app.name, &*app.database.url, app.database.pool_size), (2, "base", "base", 3));
    Ok(())
}
