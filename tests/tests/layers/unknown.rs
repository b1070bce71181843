//! Keys that stand for no field.

use std::collections::BTreeMap;

use reloadable::{Format, Lint, MemorySource, ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;

use crate::{NEVER, Outcome, lines, refused, toml, until, valid, warnings};

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    #[serde(default)]
    port: u16,
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(default)]
    sites: BTreeMap<String, Route>,
    #[serde(default)]
    store: Option<Store>,
    #[serde(default)]
    link: Option<Link>,
    #[serde(default)]
    strict: Option<Strict>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    #[serde(default, rename = "path-name", alias = "path")]
    path: String,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default)]
struct Common {
    log_level: String,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Store {
    S3 {
        #[serde(default)]
        bucket: String,
    },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(tag = "kind")]
enum Link {
    Tcp {
        #[serde(default)]
        host: String,
    },
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(default)]
    size: u16,
}

const TEXT: &str = "prot = 1
log_levl = 'x'
store = { s3 = { buckt = 'b' } }
link = { kind = 'Tcp', hots = 'x' }
[[routes]]
path = 'a'
pth = 'b'
[sites.one]
path-nam = 'c'
[sites.two.inner]
";

const FOUND: [&str; 7] = [
    "app.toml:1:1: prot: unknown key, did you mean `port`? [unknown_key]",
    "app.toml:2:1: log_levl: unknown key, did you mean `log_level`? [unknown_key]",
    "app.toml:3:18: store.s3.buckt: unknown key, did you mean `bucket`? [unknown_key]",
    "app.toml:4:24: link.hots: unknown key, did you mean `host`? [unknown_key]",
    "app.toml:7:1: routes[0].pth: unknown key, did you mean `path`? [unknown_key]",
    "app.toml:9:1: sites.one.path-nam: unknown key, did you mean `path-name`? [unknown_key]",
    "app.toml:10:12: sites.two.inner: unknown key, expected `path-name` [unknown_key]",
];

fn app(text: &str) -> reloadable::Builder<App> {
    Reloader::builder().source(toml("app.toml", text))
}

#[test]
fn they_are_warned_of_refused_or_let_be() -> Outcome {
    assert_eq!(warnings(app(TEXT))?, FOUND.map(|line| format!("warning: {line}")));
    assert_eq!(warnings(app(TEXT).unknown_keys(Lint::Warn))?.len(), FOUND.len());
    assert_eq!(lines(&refused(app(TEXT).unknown_keys(Lint::Deny))), FOUND);
    assert_eq!(warnings(app(TEXT).unknown_keys(Lint::Allow))?, [""; 0]);
    Ok(())
}

#[test]
fn a_type_that_denies_them_denies_them_in_any_case() {
    for lint in [Lint::Allow, Lint::Warn, Lint::Deny] {
        let report = refused(app("strict = { size = 1, sizes = 2 }").unknown_keys(lint));
        assert_eq!(
            lines(&report),
            ["app.toml:1:22: strict.sizes: unknown key, did you mean `size`? [unknown_key]"],
            "{lint:?}"
        );
    }
}

#[test]
fn a_flattened_map_takes_any_key() -> Outcome {
    #[derive(Debug, Deserialize, Reloadable)]
    struct App {
        #[serde(default)]
        inner: Inner,
        #[serde(flatten)]
        more: BTreeMap<String, i64>,
    }
    #[derive(Debug, Default, Deserialize, Reloadable)]
    struct Inner {
        port: u16,
    }
    let text = "anything = 1\ngoes = 2\n[inner]\nport = 1\nprot = 1\n";
    let builder = Reloader::<App>::builder().source(toml("app.toml", text)).unknown_keys(Lint::Deny);
    assert_eq!(
        lines(&refused(builder)),
        ["app.toml:5:1: inner.prot: unknown key, did you mean `port`? [unknown_key]"]
    );
    Ok(())
}

/// A misspelt key does not hide what else is wrong.
#[test]
fn they_are_told_along_with_all_else() {
    let report = refused(app("prot = 1\nport = 'x'\n"));
    assert_eq!(
        lines(&report),
        [
            "app.toml:2:8: port: invalid type: string \"x\", expected u16 [type]",
            "warning: app.toml:1:1: prot: unknown key, did you mean `port`? [unknown_key]",
        ]
    );
}

#[tokio::test]
async fn a_warning_comes_and_goes_though_nothing_else_changes() -> Outcome {
    let (source, handle) = MemorySource::new("app.toml", Format::Toml, "port = 1\n");
    let config = Reloader::<App>::builder().resync(NEVER).source(source).start().await?;
    let mut changes = config.subscribe();
    assert!(config.status().warnings.is_empty() && config.snapshot().warnings().is_empty());

    handle.replace("port = 1\nprot = 2\n");
    until(&config, "the warning", |status| !status.warnings.is_empty()).await;
    let told = ["warning: app.toml:2:1: prot: unknown key, did you mean `port`? [unknown_key]"];
    assert_eq!(lines(&config.status().warnings), told);
    assert_eq!(lines(&config.snapshot().warnings()), told);
    assert!(matches!(config.status().last_outcome(), ReloadOutcome::Unchanged));
    assert!(config.status().is_healthy());

    // What is refused says nothing of what is in force.
    handle.replace("port = 'x'\nprto = 2\n");
    until(&config, "the refusal", |status| status.last_error.is_some()).await;
    assert_eq!(lines(&config.snapshot().warnings()), told);

    handle.replace("port = 1\n");
    until(&config, "the mending", |status| status.warnings.is_empty()).await;
    assert!(config.snapshot().warnings().is_empty() && config.status().is_healthy());
    assert_eq!(config.snapshot().generation(), 1);

    handle.replace("port = 2\nprot = 2\n");
    changes.changed().await?;
    assert_eq!(config.snapshot().warnings().violations().len(), 1);
    assert_eq!(config.status().warnings, config.snapshot().warnings());
    Ok(())
}

/// Of a key that lies over the same in another layer, the upper one is told.
#[test]
fn each_layer_tells_its_own() -> Outcome {
    let builder = app("prot = 1\nprots = 1\n").source(toml("top", "prot = 2\nprt = 3\n"));
    assert_eq!(
        warnings(builder)?,
        [
            "warning: top:1:1: prot: unknown key, did you mean `port`? [unknown_key]",
            "warning: app.toml:2:1: prots: unknown key, expected one of `port`, `routes`, `sites`, `store`, `link`, `strict`, `log_level` [unknown_key]",
            "warning: top:2:1: prt: unknown key, did you mean `port`? [unknown_key]",
        ]
    );
    Ok(())
}

#[test]
fn a_key_of_another_case_is_not_the_field() -> Outcome {
    let plan = valid(app("PORT = 1\nPort = 2\n"))?;
    assert_eq!(plan.candidate().port, 0);
    assert_eq!(plan.warnings().violations().len(), 2);
    Ok(())
}
