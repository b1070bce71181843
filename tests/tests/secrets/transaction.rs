//! What is held until a restart, what a gate says, what is gone back to.

use reloadable::{
    Format, MemorySource, Prepared, Refusal, ReloadOutcome, Reloader, RestartPolicy, SuspensionCause,
};

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
