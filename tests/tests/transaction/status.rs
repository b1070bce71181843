//! The status: plain data that gives no values away.

use std::collections::{BTreeMap, HashMap, HashSet};

use reloadable::{Candidate, Format, MemorySource, Refusal, Reloadable, Reloader, Secret};
use serde::Deserialize;

use crate::{App, Outcome, app};

#[derive(Debug, Deserialize, Reloadable)]
#[serde(default)]
struct Shown {
    text: String,
    number: i64,
    map: BTreeMap<String, u8>,
    hashed: HashMap<String, u8>,
    set: HashSet<String>,
    #[reload(secret)]
    token: String,
    password: Secret<String>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            text: "none".to_owned(),
            number: 0,
            map: BTreeMap::new(),
            hashed: HashMap::new(),
            set: HashSet::new(),
            token: String::new(),
            password: Secret::from(String::new()),
        }
    }
}

async fn hash_of(layers: &[(Format, &str)]) -> Result<String, Box<dyn std::error::Error>> {
    let mut builder = Reloader::<Shown>::builder();
    for (nth, (format, text)) in layers.iter().enumerate() {
        builder = builder.source(MemorySource::new(format!("layer {nth}"), *format, text).0);
    }
    Ok(builder.start().await?.status().content_hash.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_content_hash_is_that_of_the_values_and_of_nothing_else() -> Outcome {
    let whole = "text = 'some'\nnumber = 3\nmap = {a = 1, b = 2}";
    let hash = hash_of(&[(Format::Toml, whole)]).await?;
    assert_eq!(hash.len(), 16);
    assert!(hash.bytes().all(|digit| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase()), "{hash}");
    for same in [
        &[(Format::Toml, "number = 3 # a comment\ntext = 'some'\n[map]\nb = 2\na = 1")][..],
        &[
            (Format::Toml, "text = 'other'\nmap = {b = 2}"),
            (Format::Toml, "text = 'some'\nnumber = 3\nmap = {a = 1}"),
        ],
        &[(Format::Json, r#"{"text": "some", "number": 3, "map": {"a": 1, "b": 2}}"#)],
        // Secrets have no part in it.
        &[(Format::Toml, whole), (Format::Toml, "token = 'hunter2'\npassword = 'hunter2'")],
    ] {
        assert_eq!(hash_of(same).await?, hash, "{same:?}");
    }
    let mut hashes = HashSet::from([hash]);
    let others = [
        "text = 'some'\nnumber = 4\nmap = {a = 1, b = 2}",
        "text = 'som'\nnumber = 3\nmap = {a = 1, b = 2}",
        r"text = 'some\n'",
        r#"text = "some\n""#,
        r#"text = "some\u0007""#,
        r#"text = "some\u0008""#,
        "text = 'some'\nnumber = 3\nmap = {a = 2, b = 1}",
        "number = 3\nmap = {a = 1, b = 2}",
        "# nothing",
    ];
    for other in others {
        assert!(hashes.insert(hash_of(&[(Format::Toml, other)]).await?), "{other}");
    }
    let (long, longer) = ("x".repeat(10_000), format!("{}y", "x".repeat(9_999)));
    assert_ne!(
        hash_of(&[(Format::Toml, &format!("text = '{long}'"))]).await?,
        hash_of(&[(Format::Toml, &format!("text = '{longer}'"))]).await?
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_content_hash_does_not_hang_on_the_order_of_what_has_none() -> Outcome {
    let text =
        "hashed = {a = 1, b = 2, c = 3, d = 4, e = 5, f = 6}\nset = ['a', 'b', 'c', 'd', 'e', 'f', 'g']";
    let hash = hash_of(&[(Format::Toml, text)]).await?;
    for _ in 0..20 {
        assert_eq!(hash_of(&[(Format::Toml, text)]).await?, hash);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_content_hash_follows_what_is_in_force() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let first = config.status().content_hash;
    document.replace("workers = 2");
    config.reload().await;
    let second = config.status().content_hash;
    assert_ne!(first, second);
    document.replace("workers = 2000");
    config.reload().await;
    assert_eq!(config.status().content_hash, second);
    document.replace("workers = 1");
    config.reload().await;
    assert_eq!(config.status().content_hash, first);
    // What is held back is not in force.
    document.replace("workers = 1\nlisten = 4");
    config.reload().await;
    assert_eq!(config.status().content_hash, first);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_serialized_status_has_neither_values_nor_secrets() -> Outcome {
    let first =
        "listen = 11111\nworkers = 11\ntoken = 'hunter1'\n[database]\npool = 22221\nurl = 'first.example'";
    let (builder, document) = app(first);
    let config = builder
        .suspend_after(1, std::time::Duration::from_secs(60))
        .gate("door", |candidate: Candidate<App>| async move {
            if candidate.value().workers == 13 { Err(Refusal::new("it is shut")) } else { Ok(()) }
        })
        .start()
        .await?;
    let _subscribed = config.subscribe().acknowledging("pool");
    document.replace(
        "listen = 11112\nworkers = 12\ntoken = 'hunter2'\n[database]\npool = 22222\nurl = 'second.example'",
    );
    assert!(config.reload().await.is_in_force());
    assert!(config.set_override("database.pool", 22_223).await.is_in_force());
    let (applied, _) = serialized(&config)?;
    assert_eq!(applied["last_attempt"]["outcome"], "applied");
    assert_eq!(applied["last_attempt"]["reason"], "override");
    assert_eq!(applied["last_attempt"]["changes"][0]["path"], "database.pool");
    assert_eq!(applied["pending_restart"][0]["path"], "listen");
    assert_eq!(applied["overrides"][0], "database.pool");
    document.replace("workers = 13\nlisten = 11113\ntoken = 'hunter3'\n[database]\nurl = 'third.example'");
    assert!(!config.reload().await.is_in_force());
    let (vetoed, _) = serialized(&config)?;
    assert_eq!(vetoed["last_attempt"]["outcome"], "vetoed");
    assert_eq!(
        (&vetoed["last_attempt"]["gate"], &vetoed["last_attempt"]["cause"]),
        (&"door".into(), &"refused".into())
    );
    assert_eq!(vetoed["last_refusal"]["number"], vetoed["attempts"]);
    config.pause().await?;
    let (paused, _) = serialized(&config)?;
    assert_eq!(paused["suspension"]["cause"], "paused");
    assert!(config.rollback_to(1).await.is_in_force());
    let (back, _) = serialized(&config)?;
    assert_eq!(back["suspension"]["cause"]["rolled_back"], 1);
    config.clone().shutdown().await;
    let (ended, _) = serialized(&config)?;
    assert_eq!(ended["sources"][0]["state"], "closed");
    Ok(())
}

/// The status as a page would show it, and none of what was ever a value in it.
fn serialized(config: &Reloader<App>) -> Result<(serde_json::Value, String), Box<dyn std::error::Error>> {
    let status = config.status();
    let text = serde_json::to_string(&status)?;
    let whole: serde_json::Value = serde_json::from_str(&text)?;
    let mut timeless = whole.clone();
    forget_times(&mut timeless);
    let timeless = timeless.to_string();
    for value in ["1111", "2222", "hunter", ".example"] {
        assert!(!timeless.contains(value), "{value}: {timeless}");
    }
    assert!(!format!("{status:?} {config:?}").contains("hunter"));
    Ok((whole, text))
}

/// In the digits of times and of hashes, any number may be found.
fn forget_times(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            let times = ["at", "since", "loaded_at", "last_look", "saved_at", "stages", "content_hash"];
            fields.retain(|name, _| !times.contains(&name.as_str()));
            fields.values_mut().for_each(forget_times);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(forget_times),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_of_the_status_is_told_of_refusals_and_not_of_looks() -> Outcome {
    let (builder, document) = app("workers = 1");
    let config = builder.start().await?;
    let mut statuses = config.subscribe_status();
    document.replace("workers = 101");
    let status = crate::in_time(statuses.changed()).await?;
    assert_eq!((status.attempts, status.last_outcome().name()), (2, "rejected"));
    let nothing = tokio::time::timeout(std::time::Duration::from_secs(600), statuses.changed()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    config.shutdown().await;
    assert!(crate::in_time(statuses.changed()).await?.last_error.is_some());
    assert!(crate::in_time(statuses.changed()).await.is_err());
    Ok(())
}
