//! Arrays over arrays, and tables over what is none.

use reloadable::{Arrays, Reloadable, Reloader};
use serde::Deserialize;

use crate::{Outcome, env, lines, refused, toml, valid};

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
struct App {
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[serde(default)]
    #[reload(key = (zone, host.name))]
    backends: Vec<Backend>,
}

#[derive(Debug, Clone, Deserialize, Reloadable, PartialEq)]
struct Route {
    #[serde(rename = "route-name", alias = "id")]
    name: String,
    #[serde(default)]
    timeout: u32,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    #[reload(key = "port")]
    listeners: Vec<Listener>,
}

#[derive(Debug, Clone, Deserialize, Reloadable, PartialEq)]
struct Listener {
    port: u16,
    #[serde(default)]
    tls: bool,
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
struct Backend {
    zone: u8,
    host: Host,
    #[serde(default)]
    weight: u8,
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
struct Host {
    name: String,
}

fn over(base: &str, top: &str, arrays: Arrays) -> reloadable::Builder<App> {
    Reloader::builder().source(toml("base", base)).source(toml("top", top)).arrays(arrays)
}

fn tags(base: &str, top: &str, arrays: Arrays) -> Result<Vec<String>, reloadable::Error> {
    Ok(valid(over(base, top, arrays))?.candidate().tags.clone())
}

#[test]
fn replaced_or_appended() -> Outcome {
    let (base, top) = ("tags = ['a', 'b']", "tags = ['b', 'c']");
    assert_eq!(tags(base, top, Arrays::Replace)?, ["b", "c"]);
    assert_eq!(tags(base, top, Arrays::Append)?, ["a", "b", "b", "c"]);
    // It has no key.
    assert_eq!(tags(base, top, Arrays::ByKey)?, ["b", "c"]);
    assert_eq!(tags(base, "tags = []", Arrays::Replace)?, [""; 0]);
    assert_eq!(tags(base, "tags = []", Arrays::Append)?, ["a", "b"]);
    assert_eq!(tags("# nothing", top, Arrays::Append)?, ["b", "c"]);
    Ok(())
}

#[test]
fn the_setting_is_that_of_the_upper_layer() -> Outcome {
    let builder = Reloader::<App>::builder()
        .source(toml("a", "tags = ['a']"))
        .arrays(Arrays::Append)
        .source(toml("b", "tags = ['b']"))
        .source(toml("c", "tags = ['c']"))
        .arrays(Arrays::Append);
    assert_eq!(valid(builder)?.candidate().tags, ["b", "c"]);
    Ok(())
}

const ROUTES: &str = "
[[routes]]
route-name = 'web'
timeout = 1
methods = ['GET']
[[routes]]
route-name = 'api'
timeout = 2
[[routes.listeners]]
port = 80
[[routes.listeners]]
port = 443
";

#[test]
fn merged_by_key_also_within_and_by_another_name() -> Outcome {
    let top = "
[[routes]]
id = 'api'
methods = ['PUT']
[[routes.listeners]]
port = 443
tls = true
[[routes.listeners]]
port = 8443
[[routes]]
route-name = 'new'
[[routes]]
route-name = 'web'
methods = ['POST']
";
    let plan = valid(over(ROUTES, top, Arrays::ByKey))?;
    let routes = &plan.candidate().routes;
    let listener = |port, tls| Listener { port, tls };
    let route = |name: &str, timeout, methods: &[&str], listeners: &[Listener]| Route {
        name: name.into(),
        timeout,
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        listeners: listeners.to_vec(),
    };
    assert_eq!(
        *routes,
        [
            route("web", 1, &["POST"], &[]),
            route("api", 2, &["PUT"], &[listener(80, false), listener(443, true), listener(8443, false)]),
            route("new", 0, &[], &[]),
        ]
    );
    Ok(())
}

#[test]
fn merged_by_a_key_of_several_parts() -> Outcome {
    let base = "
backends = [{ zone = 1, host = { name = 'a' }, weight = 1 }, { zone = 2, host = { name = 'a' }, weight = 2 }]";
    let top = "
backends = [{ zone = 2, host = { name = 'a' }, weight = 9 }, { zone = 1, host = { name = 'b' } }]";
    let plan = valid(over(base, top, Arrays::ByKey))?;
    let backends: Vec<_> =
        plan.candidate().backends.iter().map(|it| (it.zone, &*it.host.name, it.weight)).collect();
    assert_eq!(backends, [(1, "a", 1), (2, "a", 9), (1, "b", 0)]);
    Ok(())
}

/// Merging them would hide the mistake.
#[test]
fn a_key_twice_in_one_layer_is_refused() {
    for (base, top) in [
        ("# nothing", "routes = [{ id = 'a' }, { id = 'a' }]"),
        ("routes = [{ id = 'a' }]", "routes = [{ id = 'a' }, { id = 'a' }]"),
        ("routes = [{ id = 'a' }, { id = 'a' }]", "routes = [{ id = 'a' }]"),
    ] {
        let report = refused(over(base, top, Arrays::ByKey));
        let [line] = &lines(&report)[..] else { panic!("{report}") };
        assert!(
            line.ends_with("routes[1]: element 1 has the same key as element 0: \"a\" [unique_key]"),
            "{line}"
        );
    }
    let report =
        refused(over("routes = [{ id = 'a' }]", "routes = [{ id = 'b' }, { id = 'a' }]", Arrays::Append));
    assert_eq!(
        lines(&report),
        ["top:1:25: routes[2]: element 2 has the same key as element 0: \"a\" [unique_key]"]
    );
}

#[test]
fn an_element_without_its_key_is_one_of_its_own() {
    let report = refused(over(ROUTES, "[[routes]]\ntimeout = 5", Arrays::ByKey));
    assert_eq!(lines(&report), ["top:1:1: routes[2].route-name: missing field `route-name` [missing_field]"]);
    let report = refused(over(ROUTES, "[[routes]]\nroute-name = ['api']", Arrays::ByKey));
    assert_eq!(
        lines(&report),
        ["top:2:14: routes[2].route-name: invalid type: sequence, expected a string [type]"]
    );
    let report = refused(over(ROUTES, "routes = [1]", Arrays::ByKey));
    assert_eq!(
        lines(&report),
        ["top:1:11: routes[2]: invalid type: integer `1`, expected struct Route [type]"]
    );
}

#[test]
fn a_number_and_a_text_may_be_the_same_key() -> Outcome {
    let top = "[[routes]]\nid = 'api'\n[[routes.listeners]]\nport = 80\ntls = true";
    let plan =
        valid(over(ROUTES, top, Arrays::ByKey).env(env([("APP_ROUTES__1__LISTENERS__0__TLS", "no")])))?;
    assert_eq!(plan.candidate().routes[1].listeners.len(), 2);
    Ok(())
}

#[test]
fn a_table_and_a_scalar_name_both_places() {
    #[derive(Debug, Deserialize, Reloadable)]
    struct App {
        #[serde(default)]
        database: std::collections::BTreeMap<String, u16>,
        #[serde(default)]
        tags: Vec<String>,
    }
    let builder = || Reloader::<App>::builder().source(toml("base", "tags = ['a']\n[database]\npool = 1\n"));
    let report =
        refused(builder().source(toml("top", "\ndatabase = 5\n")).source(toml("third", "[database.pool]\n")));
    assert_eq!(
        lines(&report),
        [
            "top:2:12: database: this is an integer, but a table in base:2:1 [shape]",
            "third:1:1: database.pool: this is a table, but an integer in base:3:8 [shape]",
        ]
    );
    let report = refused(builder().env(env([("APP_DATABASE", "5"), ("APP_DATABASE__POOL__SIZE", "1")])));
    assert_eq!(
        lines(&report)[..1],
        ["variable APP_DATABASE: database: this is a text, but a table in base:2:1 [shape]"]
    );
    let report = refused(builder().set(["database[0]=1", "tags={a = 1}"]));
    assert_eq!(
        lines(&report)[..2],
        [
            "--set database[0]: database[0]: this sets an element of an array, but there is a table in base:2:1 [shape]",
            "--set tags: tags: this is a table, but an array in base:1:8 [shape]",
        ]
    );
}
