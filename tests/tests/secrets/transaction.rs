//! What is held until a restart, what a gate says, what is gone back to.

use reloadable::{
    Format, MemorySource, Prepared, Refusal, ReloadOutcome, Reloadable, Reloader, RestartPolicy,
    SuspensionCause,
};

use serde::Deserialize;

use crate::app::App;
use crate::documents::{self, Secrets};
use crate::outputs::{Outputs, assert_none};
use crate::vault::Search;

#[test]
fn what_is_held_vetoed_and_gone_back_to() {
    let mut search = Search::default();
    let mut texts = Vec::new();
    for round in 0..7 {
        search.add_text(&crate::vault::text("by default", round));
        texts.push(documents::toml(&Secrets { round, search: &mut search }.lines()));
    }
    for (policy, least) in [(RestartPolicy::Hold, 5), (RestartPolicy::Refuse, 0)] {
        let (source, document) = MemorySource::new("all", Format::Toml, &texts[0]);
        let config = Reloader::<App>::builder()
            .source(source)
            .secrets()
            .restart_policy(policy)
            .gate_on(
                "careless",
                |app| &app.plain,
                |candidate| async move {
                    let app = candidate.snapshot();
                    let secret = app.secret.expose_secret();
                    let quoted = format!("{secret} {} at {}", app.secret_number.expose_secret(), app.leaf);
                    match candidate.value() {
                        2 => Err(Refusal::new(quoted)),
                        3 => panic!("{quoted}"),
                        4 => Ok(Prepared::commit(move || panic!("{quoted}"))),
                        _ => Ok(Prepared::from(())),
                    }
                },
            )
            .start_blocking()
            .unwrap_or_else(|error| panic!("{error:?}"));
        let (mut outputs, mut leaks) = (Outputs::default(), Vec::new());
        let mut outcomes = config.outcomes();
        let mut names = Vec::new();
        for text in &texts[1..] {
            document.replace(text);
            let outcome = config.blocking_reload();
            outputs.outcome(&outcome);
            outputs.reloader(&config);
            outputs.check(&search, text, &mut leaks);
        }
        let pending = config.status().pending_restart().len();
        assert!(pending >= least, "{pending} pending");
        if policy == RestartPolicy::Hold {
            assert!(matches!(config.blocking_rollback_to(2), ReloadOutcome::Applied(_)));
            let suspension = config.status().suspension.map(|suspension| suspension.cause);
            assert_eq!(suspension, Some(SuspensionCause::RolledBack(2)));
            outputs.outcome(&config.blocking_reload());
        }
        outputs.reloader(&config);
        config.blocking_shutdown();
        while let Ok(attempt) = outcomes.blocking_next() {
            outputs.attempt(&attempt);
            if attempt.outcome().name() != "unchanged" {
                names.push(attempt.outcome().name());
            }
        }
        if policy == RestartPolicy::Hold {
            names.dedup();
            assert_eq!(names, ["applied", "vetoed", "applied"]);
        }
        outputs.check(&search, "the end", &mut leaks);
        assert_none(&leaks);
    }
}

#[derive(Deserialize, Reloadable)]
struct Held {
    #[reload(restart)]
    listen: u16,
    #[serde(default)]
    number: u16,
    #[serde(default)]
    #[reload(key = "name")]
    sites: Vec<Site>,
}

#[derive(Deserialize, Reloadable)]
struct Site {
    name: String,
    #[reload(restart, secret)]
    key: String,
}

fn held(listen: u16, number: u16, key: &str) -> String {
    format!("listen = {listen}\nnumber = {number}\n[[sites]]\nname = 's'\nkey = '{key}'")
}

/// The running secret came while something else was held, so that it is in none of the documents any more.
#[test]
fn what_quotes_a_secret_that_is_held_is_withheld() -> Result<(), Box<dyn std::error::Error>> {
    let (source, document) = MemorySource::new("held", Format::Toml, "listen = 1");
    let config = Reloader::<Held>::builder()
        .source(source)
        .secrets()
        .gate("careless", |candidate: reloadable::Candidate<Held>| async move {
            let held = candidate.value();
            if held.number < 9 {
                return Ok(());
            }
            Err(Refusal::new(format!("{} of {} does not do", held.sites[0].key, held.sites[0].name)))
        })
        .start_blocking()?;
    let mut changes = config.subscribe().acknowledging("pool");
    document.replace(held(2, 0, "hunter-two"));
    assert!(config.blocking_reload().is_in_force());
    document.replace(held(2, 9, "hunter-two"));
    let outcome = config.blocking_reload().to_string();
    assert!(outcome.contains("*** of s does not do"), "{outcome}");
    document.replace(held(2, 1, "hunter-three"));
    assert!(config.blocking_reload().is_in_force());
    document.replace(held(2, 9, "hunter-three"));
    let outcome = config.blocking_reload().to_string();
    assert!(outcome.contains("withheld, since a secret is kept until a restart"), "{outcome}");
    let change = changes.blocking_changed()?;
    change.failed(format!("no connection with {}", change.current().sites[0].key));
    let status = config.status();
    let told = format!("{status:?} {} {outcome}", config.readiness());
    assert!(told.contains("withheld, since a secret is kept") && !told.contains("hunter"), "{told}");
    Ok(())
}

#[test]
fn why_a_change_failed_is_told_without_secrets() -> Result<(), Box<dyn std::error::Error>> {
    let (source, document) = MemorySource::new("held", Format::Toml, held(1, 0, "hunter-two"));
    let config = Reloader::<Held>::builder().source(source).secrets().start_blocking()?;
    let mut changes = config.subscribe().acknowledging("pool");
    document.replace(held(1, 5, "hunter-two"));
    assert!(config.blocking_reload().is_in_force());
    let change = changes.blocking_changed()?;
    change.failed(format!("no connection with {}", change.current().sites[0].key));
    let told = format!("{:?} {}", config.status(), config.readiness());
    assert!(told.contains("no connection with ***") && !told.contains("hunter"), "{told}");
    Ok(())
}
