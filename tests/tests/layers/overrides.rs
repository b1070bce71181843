//! Values that the program sets while it runs.

use std::collections::BTreeMap;

use reloadable::{Format, MemoryHandle, MemorySource, ReloadOutcome, Reloadable, Reloader, Secret};
use serde::{Deserialize, Serialize, Serializer};

use crate::{NEVER, Outcome, until};

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
struct App {
    #[reload(range(1..=100))]
    workers: u16,
    #[serde(default)]
    note: Option<String>,
    #[serde(default, alias = "db")]
    database: Database,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    #[reload(secret)]
    token: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize, Reloadable, PartialEq)]
#[serde(default)]
struct Database {
    url: String,
    pool_size: u16,
}

#[derive(Debug, Deserialize, Reloadable, PartialEq)]
struct Route {
    name: String,
    #[serde(default)]
    timeout: u32,
}

const TEXT: &str = "workers = 4\n[database]\nurl = 'x'\n[[routes]]\nname = 'web'\n[[routes]]\nname = 'api'\n";

async fn start() -> Result<(Reloader<App>, MemoryHandle), reloadable::Error> {
    let (source, handle) = MemorySource::new("app.toml", Format::Toml, TEXT);
    Ok((Reloader::builder().resync(NEVER).source(source).start().await?, handle))
}

fn paths(config: &Reloader<App>) -> Vec<String> {
    config.status().overrides.iter().map(ToString::to_string).collect()
}

fn lines(outcome: &ReloadOutcome) -> Vec<String> {
    outcome.error().map(|error| crate::lines(error.report())).unwrap_or_default()
}

#[tokio::test]
async fn set_and_cleared() -> Outcome {
    let (config, _handle) = start().await?;
    let mut workers = config.subscribe_to(|app| &app.workers);
    assert!(matches!(config.set_override("workers", 64).await, ReloadOutcome::Applied(_)));
    assert_eq!(workers.changed().await?.current(), &64);
    assert_eq!((config.load().workers, paths(&config)), (64, vec!["workers".to_owned()]));
    let set = config.snapshot().origin_of("workers");
    assert_eq!(
        set.as_ref().map(|set| (set.layer(), set.to_string())),
        Some(("overrides", "overrides".to_owned()))
    );
    let explained = config.snapshot().explain("workers").map(|it| it.to_string());
    assert_eq!(explained.as_deref(), Some("workers = 64\n  set  overrides = 64\n  over app.toml:1:11 = 4"));

    assert!(matches!(config.set_override("workers", 64).await, ReloadOutcome::Unchanged));
    assert!(matches!(config.set_override("workers", 65).await, ReloadOutcome::Applied(_)));
    assert_eq!(paths(&config), ["workers"]);
    assert!(matches!(config.clear_override("workers").await, ReloadOutcome::Applied(_)));
    assert_eq!((config.load().workers, paths(&config)), (4, vec![]));
    assert!(matches!(config.clear_override("workers").await, ReloadOutcome::Unchanged));
    assert!(matches!(config.clear_override("no.such.path").await, ReloadOutcome::Unchanged));
    assert_eq!(
        config.snapshot().origin_of("workers").map(|set| set.to_string()).as_deref(),
        Some("app.toml:1:11")
    );
    Ok(())
}

#[tokio::test]
async fn a_refused_one_is_forgotten() -> Outcome {
    let (config, handle) = start().await?;
    for (path, value, line) in [
        ("workers", serde_json::json!(0), "overrides: workers: 0 is not in 1..=100 [range]"),
        (
            "workers",
            serde_json::json!("many"),
            "overrides: workers: invalid type: string \"many\", expected u16 [type]",
        ),
        (
            "workers",
            serde_json::json!({"a": 1}),
            "overrides: workers: this is a table, but an integer in app.toml:1:11 [shape]",
        ),
        (
            "prot",
            serde_json::json!(1),
            "overrides: prot: there is no field of this name, expected one of `workers`, `note`, `database`, `db`, `routes`, `labels`, `token` [unknown_key]",
        ),
        (
            "routes[7].timeout",
            serde_json::json!(1),
            "overrides: routes[7].timeout: there is no element 7: there are 2 in app.toml:4:1 [unknown_key]",
        ),
        (
            "routes[\"x\"].timeout",
            serde_json::json!(1),
            "overrides: routes[\"x\"]: there is no such element in the layers below [unknown_key]",
        ),
        ("", serde_json::json!(1), "name a field, as `database.pool_size` [path]"),
        ("a..b", serde_json::json!(1), "`a..b`: not a field path: expected a name at byte 2 [path]"),
    ] {
        let outcome = config.set_override(path, &value).await;
        assert!(matches!(outcome, ReloadOutcome::Rejected(_)), "{path}: {outcome}");
        let lines = lines(&outcome);
        assert_eq!(lines.first().map(String::as_str), Some(line));
        assert_eq!(paths(&config), [""; 0], "{path}");
    }
    assert_eq!((config.load().workers, config.snapshot().generation()), (4, 1));
    // What is in force is not taken for refused, and what comes next is not held up.
    until(&config, "the end of the refusal", |status| status.last_error.is_none()).await;
    handle.replace(TEXT.replace("workers = 4", "workers = 5"));
    until(&config, "the next change", |status| status.generation == 2).await;
    assert_eq!(config.load().workers, 5);
    Ok(())
}

#[tokio::test]
async fn a_refused_one_leaves_the_one_before_it() -> Outcome {
    let (config, _handle) = start().await?;
    config.set_override("workers", 7).await;
    assert!(!config.set_override("workers", 0).await.is_in_force());
    assert_eq!((config.load().workers, paths(&config)), (7, vec!["workers".to_owned()]));
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
    assert_eq!(config.load().workers, 7);
    Ok(())
}

#[tokio::test]
async fn a_value_that_hides_itself_is_refused() -> Outcome {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("hunter2"))
        }
    }
    let (config, _handle) = start().await?;
    let secret = Secret::new("hunter2".to_owned());
    for outcome in [config.set_override("token", &secret).await, config.set_override("token", Fails).await] {
        assert!(matches!(outcome, ReloadOutcome::Rejected(_)), "{outcome}");
        assert!(!format!("{outcome:?}").contains("hunter2"));
    }
    assert!(config.set_override("token", secret.expose_secret()).await.is_in_force());
    assert_eq!(config.load().token.as_deref(), Some("hunter2"));
    let told = format!(
        "{:?}{:?}{}",
        config.status(),
        config.snapshot().explain("token"),
        config.snapshot().explain_all()
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(crate::lines(&config.status().warnings), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn fields_by_every_name() -> Outcome {
    let (config, _handle) = start().await?;
    assert!(config.set_override("routes[\"api\"].timeout", 5).await.is_in_force());
    assert!(config.set_override("db.pool_size", 6).await.is_in_force());
    assert!(config.set_override("labels.\"a.b\"", "c").await.is_in_force());
    assert!(config.set_override("note", "x").await.is_in_force());
    let app = config.load();
    assert_eq!((app.routes[1].timeout, app.database.pool_size, &*app.database.url), (5, 6, "x"));
    assert_eq!((&*app.labels["a.b"], app.note.as_deref()), ("c", Some("x")));
    assert_eq!(paths(&config), ["routes[\"api\"].timeout", "db.pool_size", "labels.\"a.b\"", "note"]);
    // None is a value too.
    assert!(config.set_override("note", None::<String>).await.is_in_force());
    assert_eq!(config.load().note, None);
    // Of two names for one field, the one that was set last is meant.
    assert!(config.set_override("routes[1].timeout", 7).await.is_in_force());
    assert_eq!(config.load().routes[1].timeout, 7);
    for path in ["", "a..b"] {
        assert!(!config.set_override(path, 7).await.is_in_force(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_section_replaces_the_overrides_of_its_parts() -> Outcome {
    let (config, _handle) = start().await?;
    config.set_override("database.pool_size", 5).await;
    let whole = Database { url: "y".into(), pool_size: 7 };
    assert!(config.set_override("database", &whole).await.is_in_force());
    assert_eq!((&config.load().database, paths(&config)), (&whole, vec!["database".to_owned()]));
    assert!(config.set_override("database.url", "z").await.is_in_force());
    assert_eq!((&*config.load().database.url, config.load().database.pool_size), ("z", 7));
    assert!(config.clear_override("database").await.is_in_force());
    assert_eq!((&*config.load().database.url, config.load().database.pool_size), ("z", 0));
    Ok(())
}

#[tokio::test]
async fn all_are_cleared_at_once() -> Outcome {
    let (config, _handle) = start().await?;
    config.set_override("workers", 7).await;
    config.set_override("note", "x").await;
    assert!(matches!(config.clear_overrides().await, ReloadOutcome::Applied(_)));
    assert_eq!((config.load().workers, config.load().note.clone(), paths(&config)), (4, None, vec![]));
    assert!(matches!(config.clear_overrides().await, ReloadOutcome::Unchanged));
    Ok(())
}

#[tokio::test]
async fn they_survive_what_happens_below() -> Outcome {
    let (config, handle) = start().await?;
    config.set_override("workers", 64).await;
    handle.replace(TEXT.replace("workers = 4", "workers = 5\nnote = 'n'"));
    until(&config, "the change", |status| status.generation == 3).await;
    assert_eq!((config.load().workers, config.load().note.as_deref()), (64, Some("n")));
    let explained = config.snapshot().explain("workers").map(|it| it.to_string());
    assert_eq!(explained.as_deref(), Some("workers = 64\n  set  overrides = 64\n  over app.toml:1:11 = 5"));
    config.clear_override("workers").await;
    assert_eq!(config.load().workers, 5);
    Ok(())
}

#[tokio::test]
async fn over_a_broken_document() -> Outcome {
    let (config, handle) = start().await?;
    config.set_override("note", "kept").await;
    handle.replace("workers = ");
    until(&config, "the refusal", |status| status.last_error.is_some()).await;
    // What was accepted last is there to be overridden.
    assert!(config.set_override("workers", 64).await.is_in_force());
    assert_eq!((config.load().workers, config.load().note.as_deref()), (64, Some("kept")));
    let refused = config.set_override("workers", 0).await;
    assert_eq!(lines(&refused), ["overrides: workers: 0 is not in 1..=100 [range]"]);
    assert!(config.clear_override("workers").await.is_in_force());
    let outcome = config.reload().await;
    assert!(matches!(outcome, ReloadOutcome::Rejected(_)), "{outcome}");
    assert!(lines(&outcome)[0].starts_with("app.toml:1:"), "{outcome}");
    assert_eq!((config.load().workers, config.load().note.as_deref()), (4, Some("kept")));
    assert_eq!(paths(&config), ["note"]);
    assert!(!config.status().is_healthy());
    handle.replace(TEXT.replace("workers = 4", "workers = 6"));
    until(&config, "the mending", |status| status.last_error.is_none()).await;
    assert_eq!((config.load().workers, config.load().note.as_deref()), (6, Some("kept")));
    assert!(config.set_override("workers", 64).await.is_in_force());
    Ok(())
}

/// A document that is wrong in a field is valid under an override of that field, and so is the whole.
#[tokio::test]
async fn over_a_field_that_is_out_of_range() -> Outcome {
    let (config, handle) = start().await?;
    handle.replace(TEXT.replace("workers = 4", "workers = 0"));
    until(&config, "the refusal", |status| status.last_error.is_some()).await;
    assert!(config.set_override("workers", 9).await.is_in_force());
    assert!(config.status().is_healthy());
    let outcome = config.clear_override("workers").await;
    assert_eq!(lines(&outcome), ["app.toml:1:11: workers: 0 is not in 1..=100 [range]"]);
    assert_eq!((config.load().workers, paths(&config)), (9, vec!["workers".to_owned()]));
    Ok(())
}

/// As by its key, so by its number.
#[tokio::test]
async fn an_element_that_is_gone_is_warned_of_by_its_number() -> Outcome {
    let (config, handle) = start().await?;
    assert!(config.set_override("routes[1].timeout", 5).await.is_in_force());
    handle.replace("workers = 4\n[database]\nurl = 'x'\n");
    until(&config, "the change", |status| status.generation == 3).await;
    assert!(config.load().routes.is_empty());
    assert_eq!(config.status().warnings.warnings().count(), 1);
    Ok(())
}

/// It was right when it was set; whoever edits the document must not be stopped by it.
#[tokio::test]
async fn an_element_that_is_gone_is_warned_of() -> Outcome {
    let (config, handle) = start().await?;
    assert!(config.set_override("routes[\"api\"].timeout", 5).await.is_in_force());
    handle.replace("workers = 4\n[database]\nurl = 'x'\n[[routes]]\nname = 'web'\n");
    until(&config, "the change", |status| status.generation == 3).await;
    assert_eq!(config.load().routes.len(), 1);
    let warning =
        "warning: overrides: routes[\"api\"]: there is no such element in the layers below [unknown_key]";
    assert_eq!(crate::lines(&config.status().warnings), [warning]);
    // Another one is none the worse for it.
    assert!(config.set_override("workers", 5).await.is_in_force());
    handle.replace(TEXT);
    until(&config, "the element is back", |status| status.warnings.is_empty()).await;
    assert_eq!(config.load().routes[1].timeout, 5);
    Ok(())
}

#[test]
fn the_blocking_twins() -> Outcome {
    let (source, _handle) = MemorySource::new("app.toml", Format::Toml, TEXT);
    let config = Reloader::<App>::builder().source(source).start_blocking()?;
    assert!(config.blocking_set_override("workers", 7).is_in_force());
    assert!(config.blocking_set_override("note", "x").is_in_force());
    assert_eq!(config.load().workers, 7);
    assert!(config.blocking_clear_override("workers").is_in_force());
    assert_eq!(config.load().workers, 4);
    assert!(config.blocking_clear_overrides().is_in_force());
    assert_eq!(config.load().note, None);
    Ok(())
}

#[tokio::test]
async fn after_the_end_they_fail() -> Outcome {
    let (config, _handle) = start().await?;
    config.clone().shutdown().await;
    assert!(matches!(config.set_override("workers", 7).await, ReloadOutcome::Failed(_)));
    assert!(matches!(config.clear_overrides().await, ReloadOutcome::Failed(_)));
    Ok(())
}
