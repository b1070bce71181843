//! Values by their paths, as from a command line.

use std::collections::BTreeMap;

use reloadable::{Arrays, Reloadable, Reloader};
use serde::Deserialize;

use crate::{Outcome, env, lines, refused, toml, valid, warnings};

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    #[serde(default)]
    port: u16,
    #[serde(default)]
    motto: String,
    #[serde(default, alias = "db")]
    database: Database,
    #[reload(key = "name")]
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[reload(secret)]
    #[serde(default)]
    token: Option<String>,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default)]
struct Database {
    url: String,
    pool_size: u16,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    name: String,
    #[serde(default)]
    timeout: u32,
}

fn app() -> reloadable::Builder<App> {
    Reloader::builder()
}

const ROUTES: &str = "[[routes]]\nname = 'web'\n[[routes]]\nname = 'api'\ntimeout = 1\n";

#[test]
fn every_form_of_a_path() -> Outcome {
    let plan = valid(app().source(toml("base", ROUTES)).set([
        "port=80",
        "database.pool_size = 20",
        "db.url=postgres://host/db?a=b&c=d",
        "labels.\"a = b.c\"=x",
        "routes[0].timeout=5",
        "routes[\"api\"].timeout=6",
        "motto= a = b ",
    ]))?;
    let app = plan.candidate();
    assert_eq!((app.port, app.database.pool_size), (80, 20));
    assert_eq!(app.database.url, "postgres://host/db?a=b&c=d");
    assert_eq!(app.labels["a = b.c"], "x");
    assert_eq!(app.routes.iter().map(|route| route.timeout).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(app.motto, " a = b ");
    Ok(())
}

#[test]
fn a_whole_table_or_list_at_once() -> Outcome {
    let plan = valid(app().set([
        "database={url = 'x', pool_size = 3}",
        "database.pool_size=4",
        r#"routes=[{"name": "a"}, {"name": "b"}]"#,
        r#"routes["b"].timeout=9"#,
    ]));
    // The elements of the same layer cannot be named by their keys, since the order of arguments does not count.
    assert!(plan.is_err());
    let plan = valid(
        app().set(["database={url = 'x', pool_size = 3}", "database.pool_size=4"]).set(["routes[0].name=a"]),
    )?;
    let app_ = plan.candidate();
    assert_eq!((&*app_.database.url, app_.database.pool_size, &*app_.routes[0].name), ("x", 4, "a"));
    Ok(())
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    let report = refused(app().source(toml("base", ROUTES)).set([
        "prot=1",
        "database.poolsize=2",
        "database.url.host=x",
        "routes[2].nam=x",
        "routes[\"apy\"].timeout=1",
        "routes.first=1",
        "something=else",
    ]));
    assert_eq!(
        lines(&report),
        [
            "--set prot: prot: there is no field of this name, did you mean `port`? [unknown_key]",
            "--set database.poolsize: database.poolsize: there is no field of this name, did you mean `pool_size`? [unknown_key]",
            "--set database.url.host: database.url.host: there is no field of this name, there are no fields here [unknown_key]",
            "--set routes[2].nam: routes[2].nam: there is no field of this name, did you mean `name`? [unknown_key]",
            "--set routes[\"apy\"].timeout: routes[\"apy\"]: there is no such element in the layers below [unknown_key]",
            "--set routes.first: routes.first: an element of a list goes by its number, from 0 [unknown_key]",
            "--set something: something: there is no field of this name, expected one of `port`, `motto`, `database`, `db`, `routes`, `labels`, `token` [unknown_key]",
        ]
    );
}

#[test]
fn an_index_out_of_range_and_a_step_into_the_wrong_shape() {
    let base = "port = 1\nmotto = 'x'\n[[routes]]\nname = 'web'\n";
    let report =
        refused(app().source(toml("base", base)).set(["routes[1].name=a", "routes[3].name=b", "port[0]=1"]));
    assert_eq!(
        lines(&report),
        [
            "--set routes[3].name: routes[3].name: there is no element 3: there are 2 in base:3:1 [shape]",
            "--set port[0]: port[0]: this sets an element of an array, but there is an integer in base:1:8 [shape]",
        ]
    );
}

#[test]
fn what_is_no_pair_is_refused_without_its_value() {
    let report = refused(app().set([
        "port",
        "",
        "=hunter2",
        "a..b=hunter2",
        "token: hunter2",
        "routes[x]=hunter2",
        " =1",
    ]));
    let told = format!("{report:#}");
    assert!(!told.contains("hunter2"), "{told}");
    let message = "write a path and a value, as `--set database.pool_size=20` [syntax]";
    // What is no pair may be a secret as a whole.
    let expected: Vec<_> = (1..=7).map(|number| format!("--set, number {number}: {message}")).collect();
    assert_eq!(lines(&report), expected);
}

#[test]
fn the_same_field_twice_is_refused_whatever_it_is_called() {
    let report = refused(app().source(toml("base", ROUTES)).set([
        "port=1",
        "port=2",
        "db.pool_size=1",
        "database.pool_size=2",
        "routes[1].timeout=1",
        "routes[\"api\"].timeout=2",
    ]));
    assert_eq!(
        lines(&report),
        [
            "--set port: port: --set port sets this field as well; keep one of them [duplicate_key]",
            "--set database.pool_size: database.pool_size: --set db.pool_size sets this field as well; keep one of them [duplicate_key]",
            "--set routes[\"api\"].timeout: routes[1].timeout: --set routes[1].timeout sets this field as well; keep one of them [duplicate_key]",
        ]
    );
    assert!(format!("{report:#}").contains("| --set port=2\n"), "{report:#}");
}

#[test]
fn a_secret_is_never_quoted() {
    let secret = "hunter2";
    let report = refused(app().set([
        "token={\"a\": \"hunter2\"",
        "token=hunter2",
        "tokn=hunter2",
        "token.inner=hunter2",
        "token[0]=hunter2",
        "port=x",
    ]));
    let told = format!("{report:#}\n{report:?}\n{}", serde_json::to_string(&report).unwrap_or_default());
    assert!(!told.contains(secret), "{told}");
    assert!(told.contains("--set port=x"), "{told}");
}

#[test]
fn it_lies_over_all_before_and_goes_where_it_is_put() -> Outcome {
    let plan = valid(app().source(toml("base", "port = 1")).set(["port=3"]).env(env([("APP_PORT", "2")])))?;
    assert_eq!(plan.candidate().port, 2);
    let none: [&str; 0] = [];
    assert_eq!(valid(app().source(toml("base", "port = 1")).set(none))?.candidate().port, 1);
    Ok(())
}

#[test]
fn arrays_of_single_values_do_as_told() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct App {
        tags: Vec<String>,
    }
    let base = || Reloader::<App>::builder().source(toml("base", "tags = ['a']"));
    assert_eq!(valid(base().set(["tags=b,c"]))?.candidate().tags, ["b", "c"]);
    assert_eq!(valid(base().set(["tags=b,c"]).arrays(Arrays::Append))?.candidate().tags, ["a", "b", "c"]);
    assert_eq!(
        valid(base().env(env([("APP_TAGS", "b")])).arrays(Arrays::Append))?.candidate().tags,
        ["a", "b"]
    );
    Ok(())
}

#[test]
fn keys_within_what_is_set_are_looked_at_too() -> Outcome {
    let report = refused(app().set(["database={url = 'x', poolsize = 3}"]));
    assert_eq!(
        lines(&report),
        ["--set database: database.poolsize: unknown key, did you mean `pool_size`? [unknown_key]"]
    );
    assert_eq!(
        warnings(app().env(env([("APP_DATABASE", "{url = 'x', poolsize = 3}")])))?,
        [
            "warning: variable APP_DATABASE: database.poolsize: unknown key, did you mean `pool_size`? [unknown_key]"
        ]
    );
    Ok(())
}
