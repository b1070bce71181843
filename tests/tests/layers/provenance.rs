//! Where values come from.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use reloadable::{Arrays, Format, MemorySource, Plan, ReloadOutcome, Reloadable, Reloader};
use serde::{Deserialize, Serialize};

use crate::{NEVER, Outcome, env, toml, until, valid};

#[derive(Debug, Clone, Deserialize, Serialize, Reloadable)]
#[serde(default)]
struct App {
    port: u16,
    #[serde(alias = "db")]
    database: Database,
    tags: Vec<String>,
    #[reload(key = "name")]
    routes: Vec<Route>,
    labels: BTreeMap<String, String>,
    every: Duration,
    store: Store,
    #[reload(secret)]
    token: String,
    #[serde(flatten)]
    common: Common,
    note: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize, Reloadable)]
#[serde(default)]
struct Database {
    url: String,
    #[serde(alias = "poolSize")]
    pool_size: u16,
    #[reload(secret)]
    password: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize, Reloadable)]
#[serde(default)]
struct Route {
    name: String,
    timeout: u32,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize, Reloadable)]
#[serde(default)]
struct Common {
    log_level: String,
}

#[derive(Debug, Clone, Deserialize, Serialize, Reloadable)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Store {
    Memory,
    Disk { path: String },
}

impl Default for App {
    fn default() -> Self {
        Self {
            port: 80,
            database: Database::default(),
            tags: Vec::new(),
            routes: Vec::new(),
            labels: BTreeMap::new(),
            every: Duration::from_secs(1),
            store: Store::Memory,
            token: String::new(),
            common: Common::default(),
            note: None,
        }
    }
}

const BASE: &str = "port = 1
tags = ['a']
token = 'hunter2'
log_level = 'info'
every = { secs = 2, nanos = 0 }
store = { kind = 'disk', path = '/x' }
[db]
poolSize = 5
password = 'hunter2'
[labels]
'a.b' = 'c'
[[routes]]
name = 'web'
[[routes]]
name = 'api'
";

const TOP: &str = "tags = ['b']
prot = 7
[database]
url = 'x'
[[routes]]
name = 'api'
timeout = 9
";

/// Every kind of layer at once.
fn app() -> reloadable::Builder<App> {
    #[derive(Serialize)]
    struct Flags {
        log_level: Option<&'static str>,
        port: Option<u16>,
    }
    Reloader::builder()
        .defaults(BTreeMap::from([("port", 0), ("unused", 0)]))
        .source(toml("base.toml", BASE))
        .secrets()
        .source(toml("top.toml", TOP))
        .arrays(Arrays::ByKey)
        .env(env([("APP_DATABASE__POOL_SIZE", "6"), ("APP_PORT", "2")]))
        .set(["port=3", "labels.x=y"])
        .values("flags", Flags { log_level: Some("debug"), port: None })
}

fn origin(plan: &Plan<App>, path: &str) -> String {
    match plan.candidate().origin_of(path) {
        Some(set) => format!("{set} in {}", set.layer()),
        None => "nowhere".to_owned(),
    }
}

#[test]
fn the_origin_of_every_kind_of_value() -> Outcome {
    let plan = valid(app())?;
    for (path, expected) in [
        ("port", "--set port in command line"),
        ("database.url", "top.toml:4:7 in top.toml"),
        ("db.url", "top.toml:4:7 in top.toml"),
        ("database.pool_size", "variable APP_DATABASE__POOL_SIZE in environment"),
        ("database.poolSize", "variable APP_DATABASE__POOL_SIZE in environment"),
        ("database.password", "base.toml:9:12 in base.toml"),
        ("database", "base.toml:7:1 in base.toml"),
        ("log_level", "flags in flags"),
        ("tags", "top.toml:1:8 in top.toml"),
        ("tags[0]", "top.toml:1:9 in top.toml"),
        ("routes[0].name", "base.toml:13:8 in base.toml"),
        ("routes[1].timeout", "top.toml:7:11 in top.toml"),
        ("routes[\"api\"].timeout", "top.toml:7:11 in top.toml"),
        ("routes[\"web\"].timeout", "nowhere"),
        ("labels.\"a.b\"", "base.toml:11:9 in base.toml"),
        ("labels.x", "--set labels.x in command line"),
        ("every.secs", "base.toml:5:18 in base.toml"),
        ("store.path", "base.toml:6:33 in base.toml"),
        ("token", "base.toml:3:9 in base.toml"),
        ("note", "nowhere"),
        ("routes[7]", "nowhere"),
        ("nonsense", "nowhere"),
        ("port.inner", "--set port in command line"),
        ("a..b", "nowhere"),
    ] {
        assert_eq!(origin(&plan, path), expected, "{path}");
    }
    Ok(())
}

fn explained(plan: &Plan<App>, path: &str) -> String {
    plan.candidate().explain(path).map_or_else(|| "nothing".to_owned(), |explanation| explanation.to_string())
}

#[test]
fn what_each_layer_says() -> Outcome {
    let plan = valid(app())?;
    assert_eq!(
        explained(&plan, "port"),
        "port = 3
  set  --set port = 3 (layer command line)
  over variable APP_PORT = 2 (layer environment)
  over base.toml:1:8 = 1
  over defaults = 0"
    );
    let pool = "database.pool_size = 6
  set  variable APP_DATABASE__POOL_SIZE = 6 (layer environment)
  over base.toml:8:12 = 5";
    assert_eq!(explained(&plan, "database.pool_size"), pool);
    assert_eq!(explained(&plan, "db.poolSize"), pool);
    assert_eq!(
        explained(&plan, "log_level"),
        "log_level = \"debug\"\n  set  flags = \"debug\"\n  over base.toml:4:13 = \"info\""
    );
    assert_eq!(explained(&plan, "note"), "note = none\n  a default: no layer sets it");
    assert_eq!(explained(&plan, "token"), "token = ***\n  set  base.toml:3:9 = ***");
    assert_eq!(
        explained(&plan, "database"),
        "database = {url = \"x\", pool_size = 6, password = ***}
  set  variable APP_DATABASE__POOL_SIZE = {poolSize = 6} (layer environment)
  over top.toml:4:7 = {url = \"x\"}
  over base.toml:7:1 = {poolSize = 5, password = ***}"
    );
    assert_eq!(
        explained(&plan, "routes[\"api\"]"),
        "routes[1] = {name = \"api\", timeout = 9}
  set  top.toml:6:8 = {name = \"api\", timeout = 9}
  over base.toml:14:1 = {name = \"api\"}"
    );
    assert_eq!(explained(&plan, "every"), "every = 2s\n  set  base.toml:5:9 = {secs = 2, nanos = 0}");
    assert_eq!(explained(&plan, "prot"), "prot stands for no field\n  set  top.toml:2:8 = ***");
    assert_eq!(explained(&plan, "nonsense"), "nothing");
    assert_eq!(explained(&plan, "routes[9]"), "nothing");
    assert_eq!(explained(&plan, "a..b"), "nothing");
    Ok(())
}

#[test]
fn everything_as_a_table() -> Outcome {
    let plan = valid(app())?;
    assert_eq!(
        plan.candidate().explain_all().to_string(),
        "\
port                3                                                           --set port                        over variable APP_PORT, base.toml:1:8, defaults
database.url        \"x\"                                                         top.toml:4:7
database.pool_size  6                                                           variable APP_DATABASE__POOL_SIZE  over base.toml:8:12
database.password   ***                                                         base.toml:9:12
tags                [\"b\"]                                                       top.toml:1:8                      over base.toml:2:8
routes              [{name = \"web\", timeout = 0}, {name = \"api\", timeout = 9}]  top.toml:5:1                      over base.toml:12:1
labels.\"a.b\"        \"c\"                                                         base.toml:11:9
labels.x            \"y\"                                                         --set labels.x
every               2s                                                          base.toml:5:9
store.kind          \"disk\"                                                      base.toml:6:18
store.path          \"/x\"                                                        base.toml:6:33
token               ***                                                         base.toml:3:9
log_level           \"debug\"                                                     flags                             over base.toml:4:13
note                none                                                        default
unused              (no field)                                                  defaults
prot                (no field)                                                  top.toml:2:8"
    );
    Ok(())
}

#[test]
fn it_can_be_written_as_json() -> Outcome {
    let plan = valid(Reloader::<BTreeMap<String, u8>>::builder().source(toml("a", "x = 1")).set(["x=2"]))?;
    assert_eq!(
        serde_json::to_value(plan.candidate().explain("x"))?,
        serde_json::json!({
            "path": "x",
            "value": 2,
            "pending": false,
            "running_set": null,
            "said": [
                {"set": {"layer": "a", "origin": "a", "position": {"line": 1, "column": 5}}, "value": 1},
                {"set": {"layer": "command line", "origin": "--set x", "position": null}, "value": 2},
            ],
        })
    );
    assert!(serde_json::to_value(plan.candidate().explain_all())?.is_array());
    Ok(())
}

#[test]
fn appended_arrays_keep_the_places_of_their_elements() -> Outcome {
    let builder = Reloader::<App>::builder()
        .source(toml("a", "tags = ['x',\n 'y']"))
        .source(toml("b", "tags = ['z']"))
        .arrays(Arrays::Append);
    let plan = valid(builder)?;
    assert_eq!(origin(&plan, "tags[1]"), "a:2:2 in a");
    assert_eq!(origin(&plan, "tags[2]"), "b:1:9 in b");
    assert_eq!(
        explained(&plan, "tags"),
        "tags = [\"x\", \"y\", \"z\"]\n  set  b:1:9 = [\"z\"]\n  over a:1:8 = [\"x\", \"y\"]"
    );
    Ok(())
}

/// The type makes several fields of one text.
#[test]
fn a_value_within_another_of_the_file() -> Outcome {
    #[derive(Deserialize, Reloadable)]
    struct App {
        #[serde(deserialize_with = "address")]
        listen: Address,
    }
    #[derive(Deserialize, Reloadable)]
    struct Address {
        host: String,
        port: u16,
    }
    fn address<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
        let text = String::deserialize(from)?;
        let (host, port) = text.split_once(':').ok_or_else(|| serde::de::Error::custom("no port"))?;
        let port = port.parse().map_err(serde::de::Error::custom)?;
        Ok(Address { host: host.to_owned(), port })
    }
    let plan =
        valid(Reloader::<App>::builder().source(toml("a", "listen = 'here:80'")).set(["listen=there:81"]))?;
    assert_eq!((&*plan.candidate().listen.host, plan.candidate().listen.port), ("there", 81));
    let set = plan.candidate().origin_of("listen.port").map(|set| set.to_string());
    assert_eq!(set.as_deref(), Some("--set listen"));
    let explained = plan.candidate().explain("listen.port").map(|it| it.to_string());
    assert_eq!(
        explained.as_deref(),
        Some(
            "listen.port = 81\n  set  --set listen = \"there:81\" (layer command line)\n  over a:1:10 = \"here:80\""
        )
    );
    assert_eq!(
        plan.candidate().explain_all().to_string(),
        "listen.host  \"there\"  --set listen  over a:1:10\nlisten.port  81       --set listen  over a:1:10"
    );
    Ok(())
}

#[tokio::test]
async fn it_follows_what_moved_without_being_a_change() -> Outcome {
    let (base, base_handle) = MemorySource::new("base", Format::Toml, "port = 5\n");
    let (top, top_handle) = MemorySource::new("top", Format::Toml, "# nothing\n");
    let config = Reloader::<App>::builder().resync(NEVER).source(base).source(top).start().await?;
    let set = |config: &Reloader<App>| config.snapshot().origin_of("port").map(|set| set.to_string());
    let kept = config.snapshot();
    assert_eq!(set(&config).as_deref(), Some("base:1:8"));
    top_handle.replace("\n\nport = 5\n");
    until(&config, "the first move", |status| status.attempts == 2).await;
    assert!(matches!(config.status().last_outcome(), ReloadOutcome::Unchanged));
    assert_eq!(set(&config).as_deref(), Some("top:3:8"));
    base_handle.replace("# gone\n");
    until(&config, "the second", |status| status.attempts == 3).await;
    assert_eq!((set(&config).as_deref(), config.snapshot().generation()), (Some("top:3:8"), 1));
    // A snapshot that somebody keeps tells where it would be found now, until another is published.
    assert_eq!(kept.origin_of("port").map(|set| set.to_string()).as_deref(), Some("top:3:8"));
    top_handle.replace("port = 6\n");
    until(&config, "the change", |status| status.generation == 2).await;
    assert_eq!(kept.origin_of("port").map(|set| set.to_string()).as_deref(), Some("top:3:8"));
    assert_eq!(set(&config).as_deref(), Some("top:1:8"));
    Ok(())
}

#[test]
fn files_and_directories_by_their_paths() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    fs::create_dir(root.join("conf.d"))?;
    fs::write(root.join("app.toml"), "port = 1\n")?;
    fs::write(root.join("conf.d/10.toml"), "# ten\nport = 2\n")?;
    fs::write(root.join("conf.d/20.json"), "{\n  \"tags\": [\"a\"]}\n")?;
    let plan = valid(
        Reloader::<App>::builder()
            .file(root.join("app.toml"))
            .named("main")
            .directory(root.join("conf.d"), ["*.toml", "*.json"]),
    )?;
    let shown = root.display();
    assert_eq!(origin(&plan, "port"), format!("{shown}/conf.d/10.toml:2:8 in {shown}/conf.d"));
    assert_eq!(origin(&plan, "tags[0]"), format!("{shown}/conf.d/20.json:2:12 in {shown}/conf.d"));
    assert_eq!(
        explained(&plan, "port"),
        format!(
            "port = 2\n  set  {shown}/conf.d/10.toml:2:8 = 2 (layer {shown}/conf.d)\n  over {shown}/app.toml:1:8 = 1 (layer main)"
        )
    );
    Ok(())
}
