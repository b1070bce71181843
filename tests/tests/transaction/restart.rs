//! Fields that need a restart: kept, refused or applied, and listed until a restart or a revert.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use reloadable::{Candidate, ErrorKind, Format, MemoryHandle, MemorySource, Refusal, ReloadOutcome};
use reloadable::{Reloadable, Reloader, RestartPolicy, Secret, atomic_write};
use serde::Deserialize;

use crate::{App, Journal, Outcome, app, in_time, next, vetoed};

fn pending(config: &Reloader<App>) -> Vec<String> {
    config.status().pending_restart().iter().map(ToString::to_string).collect()
}

const FIRST: &str = "listen = 80\nworkers = 1";

#[tokio::test(start_paused = true)]
async fn what_needs_a_restart_is_held_and_the_rest_goes_live() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.start().await?;
    let mut changes = config.subscribe();
    document.replace("workers = 2\nlisten = 81");
    let outcome = config.reload().await;
    let ReloadOutcome::Applied(applied) = &outcome else { return Err("not applied".into()) };
    assert_eq!(applied.changes().iter().map(ToString::to_string).collect::<Vec<_>>(), ["workers: 1 -> 2"]);
    assert_eq!((config.load().listen, config.load().workers), (80, 2));
    assert_eq!(pending(&config), ["listen (running 80, wanted 81, app:2:10)"]);
    let status = config.status();
    let listed = &status.pending_restart()[0];
    assert_eq!(listed.path().to_string(), "listen");
    assert_eq!(listed.running().map(ToString::to_string).as_deref(), Some("80"));
    assert_eq!(listed.wanted().map(ToString::to_string).as_deref(), Some("81"));
    assert_eq!(listed.set().map(ToString::to_string).as_deref(), Some("app:2:10"));
    assert_eq!(status.last_attempt.pending_restart(), status.pending_restart());
    assert!(
        status
            .last_attempt
            .to_string()
            .ends_with("\npending restart: listen (running 80, wanted 81, app:2:10)")
    );
    assert!(status.is_healthy());
    assert_eq!(in_time(changes.changed()).await?.changes().to_string(), "workers: 1 -> 2");

    // It stays through edits, refusals and looks.
    document.replace("workers = 3\nlisten = 81");
    assert!(config.reload().await.is_in_force());
    assert_eq!(pending(&config).len(), 1);
    document.replace("workers = 3000\nlisten = 80");
    assert!(!config.reload().await.is_in_force());
    assert_eq!(pending(&config).len(), 1);
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    assert_eq!(pending(&config).len(), 1);
    // Another value is wanted.
    document.replace("workers = 3\nlisten = 82");
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
    assert_eq!(pending(&config), ["listen (running 80, wanted 82, app:2:10)"]);
    // It is gone where nothing is wanted any more: by a default too.
    document.replace("workers = 3");
    assert!(matches!(config.reload().await, ReloadOutcome::Unchanged));
    assert_eq!(pending(&config), ["listen (running 80, wanted 0)"]);
    document.replace(FIRST);
    assert!(config.reload().await.is_in_force());
    assert!(pending(&config).is_empty());
    assert_eq!(config.load().listen, 80);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_only_waits_for_a_restart_publishes_nothing() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.start().await?;
    let mut outcomes = config.outcomes();
    let mut changes = config.subscribe();
    document.replace("listen = 81\nworkers = 1");
    let attempt = next(&mut outcomes).await;
    assert!(matches!(attempt.outcome(), ReloadOutcome::Unchanged));
    assert_eq!((attempt.pending_restart().len(), config.snapshot().generation()), (1, 1));
    assert!(tokio::time::timeout(std::time::Duration::from_secs(600), changes.changed()).await.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn refusing_it_refuses_all_of_it_at_the_place_where_it_was_set() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.restart_policy(RestartPolicy::Refuse).start().await?;
    document.replace("workers = 2\nlisten = 81");
    let outcome = config.reload().await;
    let Some(error) = outcome.error() else { return Err("not refused".into()) };
    assert_eq!((outcome.name(), error.kind()), ("rejected", ErrorKind::Invalid));
    let violation = &error.report().violations()[0];
    assert_eq!((violation.code(), violation.path().to_string()), ("restart", "listen".to_owned()));
    assert!(
        outcome.to_string().starts_with("configuration refused: app:2:10: listen: it cannot change"),
        "{outcome}"
    );
    assert!(pending(&config).is_empty());
    assert_eq!((config.load().listen, config.load().workers), (80, 1));
    document.replace("workers = 2\nlisten = 80");
    assert!(config.reload().await.is_in_force());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn applying_it_is_as_any_other_change() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.restart_policy(RestartPolicy::Apply).start().await?;
    document.replace("workers = 2\nlisten = 81");
    assert!(config.reload().await.is_in_force());
    assert_eq!((config.load().listen, config.load().workers), (81, 2));
    assert!(pending(&config).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_mix_that_breaks_a_rule_is_refused_though_what_is_wanted_does_not() -> Outcome {
    let (builder, document) = app("listen = 80\n[database]\npool = 81");
    let config = builder.start().await?;
    // Together they would be valid; but 80 is kept, beside a pool that must be another number.
    document.replace("listen = 82\n[database]\npool = 80");
    let outcome = config.reload().await;
    assert_eq!(outcome.name(), "rejected");
    assert!(outcome.to_string().contains("database.pool: it is the same number as `listen`"), "{outcome}");
    assert_eq!((config.load().listen, config.load().database.pool), (80, 81));
    assert!(pending(&config).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_is_valid_in_itself() -> Outcome {
    let (builder, document) = app("listen = 80\n[database]\npool = 81");
    let config = builder.start().await?;
    // With the value that is kept it would be valid; after a restart it would not.
    document.replace("listen = 81\n[database]\npool = 81");
    assert_eq!(config.reload().await.name(), "rejected");
    assert!(pending(&config).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn gates_see_what_would_be_published() -> Outcome {
    let journal = Journal::default();
    let (builder, document) = app(FIRST);
    let builder = {
        let journal = journal.clone();
        builder
            .gate("whole", move |candidate: Candidate<App>| {
                let changes = candidate.changes().map(|changes| changes.to_string());
                journal.note(format!("{} {:?}", candidate.value().listen, changes));
                let refuses = candidate.value().workers == 66;
                async move { if refuses { Err(Refusal::new("no")) } else { Ok(()) } }
            })
            .gate_on(
                "listener",
                |app: &App| &app.listen,
                |candidate| {
                    assert!(candidate.running().is_none(), "it never changes while the program runs");
                    async { Ok(()) }
                },
            )
    };
    let config = builder.start().await?;
    journal.take();
    document.replace("listen = 81\nworkers = 2");
    assert!(config.reload().await.is_in_force());
    assert_eq!(journal.take(), ["80 Some(\"workers: 1 -> 2\")"]);
    // Where nothing but that changes, nobody is asked.
    document.replace("listen = 82\nworkers = 2");
    assert!(config.reload().await.is_in_force());
    assert!(journal.take().is_empty());
    // What is refused does not change the list.
    document.replace("listen = 83\nworkers = 66");
    assert_eq!(vetoed(&config.reload().await).0, "whole");
    assert_eq!(pending(&config), ["listen (running 80, wanted 82, app:1:10)"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn going_back_holds_what_needs_a_restart() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.start().await?;
    document.replace("listen = 81\nworkers = 2");
    assert!(config.reload().await.is_in_force());
    document.replace("listen = 80\nworkers = 3");
    assert!(config.reload().await.is_in_force());
    assert!(pending(&config).is_empty());
    // The documents of that generation want another value.
    assert!(config.rollback_to(2).await.is_in_force());
    assert_eq!((config.load().listen, config.load().workers), (80, 2));
    assert_eq!(pending(&config), ["listen (running 80, wanted 81, app:1:10)"]);
    assert!(config.resume().await.is_in_force());
    assert!(pending(&config).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_override_of_it_is_held_as_well() -> Outcome {
    let (builder, _document) = app(FIRST);
    let config = builder.start().await?;
    assert!(config.set_override("listen", 81).await.is_in_force());
    assert_eq!((config.load().listen, pending(&config).len()), (80, 1));
    assert!(config.clear_override("listen").await.is_in_force());
    assert!(pending(&config).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_subscription_tells_of_other_lists_and_of_nothing_else() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.start().await?;
    let mut lists = config.subscribe_pending_restart();
    assert!(lists.seen().is_empty());
    document.replace("workers = 5\nlisten = 80");
    assert!(config.reload().await.is_in_force());
    document.replace("workers = 500");
    assert!(!config.reload().await.is_in_force());
    document.replace("workers = 6\nlisten = 81");
    let list = in_time(lists.changed()).await?;
    assert_eq!(list[0].to_string(), "listen (running 80, wanted 81, app:2:10)");
    assert_eq!(lists.seen(), &*list);
    let mut later = config.subscribe_pending_restart();
    assert_eq!(later.seen(), &*list);
    // What came and went while nobody asked is no news.
    document.replace("workers = 7\nlisten = 82");
    assert!(config.reload().await.is_in_force());
    document.replace("workers = 8\nlisten = 81");
    assert!(config.reload().await.is_in_force());
    let nothing = tokio::time::timeout(std::time::Duration::from_secs(600), later.changed()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    document.replace(FIRST);
    assert!(in_time(lists.changed()).await?.is_empty());
    assert!(in_time(later.changed()).await?.is_empty());
    config.shutdown().await;
    assert_eq!(in_time(lists.changed()).await.unwrap_err().kind(), ErrorKind::Closed);
    Ok(())
}

/// Fields that need a restart in every kind of place, and values that are derived from them.
#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in)]
struct Deep {
    #[reload(restart, secret)]
    token: String,
    #[reload(restart)]
    password: Secret<String>,
    host: String,
    #[reload(restart)]
    port: u16,
    #[serde(skip)]
    #[reload(diff)]
    address: String,
    inner: Inner,
    #[reload(key = "name")]
    routes: Vec<Route>,
    zones: BTreeMap<String, Inner>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Inner {
    #[reload(restart)]
    kept: u8,
    live: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    name: String,
    #[reload(restart)]
    kept: u8,
    live: u8,
}

impl Deep {
    fn fill_in(&mut self) -> Result<(), String> {
        self.address = format!("{}:{}", self.host, self.port);
        Ok(())
    }
}

fn deep(number: u16) -> String {
    format!(
        "token = 'hunter{number}'\npassword = 'hunter{number}'\nhost = 'h{number}'\nport = {number}\n\
         inner = {{kept = {number}, live = {number}}}\n\
         routes = [{{name = 'a', kept = {number}, live = {number}}}]\n\
         zones = {{eu = {{kept = {number}, live = {number}}}}}"
    )
}

async fn deeply() -> Result<(Reloader<Deep>, MemoryHandle), reloadable::Error> {
    let (source, document) = MemorySource::new("deep", Format::Toml, deep(1));
    Ok((Reloader::builder().source(source).start().await?, document))
}

#[tokio::test(start_paused = true)]
async fn it_is_held_and_listed_wherever_it_stands_and_secrets_are_masked() -> Outcome {
    let (config, document) = deeply().await?;
    document.replace(deep(2));
    let outcome = config.reload().await;
    assert!(matches!(outcome, ReloadOutcome::Applied(_)), "{outcome}");
    let snapshot = config.snapshot();
    assert_eq!((snapshot.inner.kept, snapshot.inner.live), (1, 2));
    assert_eq!((snapshot.routes[0].kept, snapshot.routes[0].live), (1, 2));
    assert_eq!((snapshot.zones["eu"].kept, snapshot.zones["eu"].live), (1, 2));
    assert_eq!((snapshot.token.as_str(), snapshot.password.expose_secret().as_str()), ("hunter1", "hunter1"));
    // What is derived is derived from what is kept.
    assert_eq!(snapshot.address, "h2:1");
    let status = config.status();
    let mut listed: Vec<_> = status.pending_restart().iter().map(ToString::to_string).collect();
    listed.sort();
    assert_eq!(
        listed,
        [
            "inner.kept (running 1, wanted 2, deep:5:17)",
            "password (running ***, wanted ***, deep:2:12)",
            "port (running 1, wanted 2, deep:4:8)",
            "routes[\"a\"].kept (running 1, wanted 2, deep:6:31)",
            "token (running ***, wanted ***, deep:1:9)",
            "zones.eu.kept (running 1, wanted 2, deep:7:23)",
        ]
    );
    let all = format!("{status:?} {outcome:?} {} {:?}", status.last_attempt, status.pending_restart());
    assert!(!all.contains("hunter"), "{all}");
    document.replace(deep(1));
    assert!(config.reload().await.is_in_force());
    assert!(config.status().pending_restart().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_as_a_whole_is_not_held() -> Outcome {
    let (config, document) = deeply().await?;
    document.replace(deep(1).replace("name = 'a'", "name = 'b'").replace("eu =", "us ="));
    assert!(matches!(config.reload().await, ReloadOutcome::Applied(_)));
    let snapshot = config.snapshot();
    assert_eq!((snapshot.routes[0].name.as_str(), snapshot.zones.len()), ("b", 1));
    assert!(config.status().pending_restart().is_empty(), "{:?}", config.status().pending_restart());
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
struct Tls {
    #[reload(file, restart)]
    cert: PathBuf,
    workers: u16,
}

/// In real time, as files are.
#[tokio::test]
async fn a_named_file_that_needs_a_restart_is_kept_as_it_was() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    let cert = directory.path().join("cert.pem");
    std::fs::write(&cert, "one")?;
    std::fs::write(&path, "cert = 'cert.pem'\nworkers = 1\n")?;
    let config = Reloader::<Tls>::builder().file(&path).start().await?;
    let first = Arc::clone(&config.snapshot());
    let mut lists = config.subscribe_pending_restart();
    let list = async |lists: &mut reloadable::PendingSubscription| {
        tokio::time::timeout(std::time::Duration::from_secs(20), lists.changed()).await
    };
    atomic_write(&cert, "two")?;
    assert_eq!(list(&mut lists).await??.len(), 1);
    assert_eq!(config.snapshot().generation(), first.generation());
    atomic_write(&path, "cert = 'cert.pem'\nworkers = 2\n")?;
    while config.load().workers != 2 {
        config.reload().await;
    }
    let snapshot = config.snapshot();
    assert_eq!(snapshot.file(&snapshot.cert), Some(&b"one"[..]));
    atomic_write(&cert, "one")?;
    while !config.status().pending_restart().is_empty() {
        list(&mut lists).await??;
    }
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in)]
struct Rooted {
    #[reload(restart)]
    listen: u16,
    #[reload(restart)]
    root: String,
    #[serde(skip)]
    #[reload(diff)]
    data: String,
    #[serde(default)]
    workers: u16,
}

impl Rooted {
    /// Run twice, it makes something else.
    fn fill_in(&mut self) -> Result<(), String> {
        self.root = format!("/abs/{}", self.root);
        self.data = format!("{}/data", self.root);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_derived_from_what_is_held_is_derived_as_it_was() -> Outcome {
    let (source, document) = MemorySource::new("m", Format::Toml, "listen = 1\nroot = 'a'");
    let config = Reloader::<Rooted>::builder().source(source).start().await?;
    // Changed itself, and as it was beside another field that is held; at once, and again later.
    for (workers, root) in [(1, "b"), (2, "a"), (3, "c")] {
        document.replace(format!("listen = 2\nroot = '{root}'\nworkers = {workers}"));
        let ReloadOutcome::Applied(applied) = config.reload().await else { return Err("not applied".into()) };
        let told: Vec<_> = applied.changes().iter().map(|change| change.path.to_string()).collect();
        assert_eq!(told, ["workers"], "{root}");
        assert_eq!((&*config.load().root, &*config.load().data), ("/abs/a", "/abs/a/data"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_only_wrong_beside_a_held_value_is_told_so() -> Outcome {
    let (builder, document) = app("listen = 80\n[database]\npool = 81");
    let config = builder.start().await?;
    document.replace("listen = 82\n[database]\npool = 80");
    let outcome = config.reload().await;
    let kept = "(with the running value of `listen` kept until a restart)";
    assert!(outcome.to_string().contains(kept), "{outcome}");
    // What is wrong in itself is not.
    document.replace("listen = 82\n[database]\npool = 82");
    let outcome = config.reload().await;
    assert_eq!(outcome.name(), "rejected");
    assert!(!outcome.to_string().contains("kept"), "{outcome}");
    Ok(())
}

#[derive(Debug, Deserialize, Reloadable)]
struct Sites {
    #[reload(key = "name")]
    sites: Vec<Site>,
    workers: u16,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Site {
    name: String,
    #[reload(restart)]
    port: u16,
}

fn sites(port: u16, workers: u16) -> String {
    let site = |number: u16| format!("[[sites]]\nname = 's{number}'\nport = {}\n", port + number);
    format!("workers = {workers}\n{}", (0..250).map(site).collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn of_many_fields_the_first_are_listed_and_the_rest_is_counted() -> Outcome {
    let (source, document) = MemorySource::new("m", Format::Toml, sites(1000, 1));
    let config = Reloader::<Sites>::builder().source(source).start().await?;
    for workers in [1, 2] {
        document.replace(sites(2000, workers));
        assert!(config.reload().await.is_in_force());
        let status = config.status();
        assert_eq!((status.pending_restart().len(), status.pending_restart_omitted()), (100, 150));
        assert_eq!(status.last_attempt.pending_restart_omitted(), 150);
        assert!(status.last_attempt.to_string().ends_with("; and 150 more"));
        let listed = status.pending_restart()[7].to_string();
        assert_eq!(listed, "sites[\"s7\"].port (running 1007, wanted 2007, m:25:8)");
        // Also of those that are not listed it is known.
        let explained = config.snapshot().explain("sites[\"s249\"].port").ok_or("no such field")?;
        assert!(explained.is_pending());
        assert_eq!(explained.winner().map(ToString::to_string).as_deref(), Some("m:751:8"));
    }
    document.replace(sites(1000, 2));
    assert!(config.reload().await.is_in_force());
    assert_eq!(config.status().pending_restart_omitted(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_held_value_is_where_it_was_read() -> Outcome {
    let (builder, document) = app(FIRST);
    let config = builder.start().await?;
    for workers in [2, 3, 3] {
        document.replace(format!("# a line\nworkers = {workers}\nlisten = 81"));
        assert!(config.reload().await.is_in_force());
        let snapshot = config.snapshot();
        let set = |path| snapshot.origin_of(path).map(|set| set.to_string());
        assert_eq!(set("listen").as_deref(), Some("app:1:10"));
        assert_eq!(set("workers").as_deref(), Some("app:2:11"));
        let explained = snapshot.explain("listen").ok_or("no such field")?;
        assert_eq!(
            explained.to_string(),
            "listen = 80\n  kept app:1:10, until a restart\n  want app:3:10 = 81"
        );
        assert!(explained.is_pending());
        assert_eq!(explained.wanted().map(|said| said.value().to_string()).as_deref(), Some("81"));
        let all = snapshot.explain_all().to_string();
        let line = all.lines().find(|line| line.starts_with("listen")).unwrap_or_default();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["listen", "80", "app:1:10", "wanted", "app:3:10"]);
    }
    document.replace("workers = 3");
    assert!(config.reload().await.is_in_force());
    let explained = config.snapshot().explain("listen").ok_or("no such field")?;
    assert_eq!(
        explained.to_string(),
        "listen = 80\n  kept app:1:10, until a restart\n  want a default: no layer sets it"
    );
    document.replace("workers = 3\nlisten = 80");
    assert!(config.reload().await.is_in_force());
    let explained = config.snapshot().explain("listen").ok_or("no such field")?;
    assert_eq!(explained.to_string(), "listen = 80\n  set  app:2:10 = 80");
    Ok(())
}
