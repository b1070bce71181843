//! Everything that happens to a configuration with its sources in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use reloadable::{
    Format, MemoryHandle, MemorySource, ReloadOutcome, Reloader, RestartPolicy, SourceErrorKind,
};

use crate::app::App;
use crate::documents::{self, Secrets};
use crate::outputs::{Outputs, assert_none};
use crate::vault::Search;

/// A running configuration of two layers, and what it has printed.
struct Life {
    config: Reloader<App>,
    below: MemoryHandle,
    above: MemoryHandle,
    outputs: Outputs,
    leaks: Vec<String>,
}

/// A layer that has a part in some tables, and nothing secret.
const PLAIN: &str = r#"{ "plain": 7, "internal": { "user": "me" } }"#;

impl Life {
    fn new(search: &mut Search, below: &str, above: (Format, &str)) -> Self {
        for round in 0..10 {
            search.add_text(&crate::vault::text("by default", round));
        }
        let (lower, below) = MemorySource::new("below", Format::Toml, below);
        let (upper, above) = MemorySource::new("above", above.0, above.1);
        let mut outputs = Outputs::default();
        outputs.debug("source", &lower);
        outputs.debug("handle", &below);
        let builder = Reloader::<App>::builder().source(lower).secrets().source(upper).secrets();
        let builder = builder.restart_policy(RestartPolicy::Apply);
        outputs.debug("builder", &builder);
        let config = builder.start_blocking().unwrap_or_else(|error| panic!("{error:?}"));
        Self { config, below, above, outputs, leaks: Vec::new() }
    }

    /// Reloads, and looks at all that is printed about it.
    fn reload(&mut self, search: &Search, input: &[u8]) -> ReloadOutcome {
        let outcome = self.config.blocking_reload();
        self.outputs.outcome(&outcome);
        self.outputs.status(&self.config.status());
        let input = String::from_utf8_lossy(input);
        self.outputs.check(search, &input, &mut self.leaks);
        outcome
    }
}

fn lines(search: &mut Search, round: u32) -> Vec<documents::Line> {
    Secrets { round, search }.lines()
}

#[test]
fn good_documents_and_their_changes() {
    let mut search = Search::default();
    let first = documents::toml(&lines(&mut search, 0));
    let mut life = Life::new(&mut search, &first, (Format::Json, PLAIN));
    life.outputs.reloader(&life.config);
    life.outputs.check(&search, &first, &mut life.leaks);
    for round in 1..8 {
        let config = life.config.clone();
        let mut whole = config.subscribe();
        let seen = config.snapshot().generation();
        macro_rules! sections {
            ($($section:ident),*) => {$(
                let mut $section = config.subscribe_to(|app| &app.$section);
            )*};
        }
        // What is marked by its type, and what holds marked fields.
        sections!(token, tokens, external, internal, adjacent, untagged, flat, tried, converted);
        sections!(secret, secret_number, secret_login, secrets, secret_map, secret_keys, secret_option);
        sections!(theirs, their_number, leaf_type, keyed, by_both, named, token_keys);
        let text = documents::toml(&lines(&mut search, round));
        // The upper layer has secrets of its own, over those below.
        let mut above: Vec<_> = lines(&mut search, round + 100).into_iter().step_by(3).collect();
        // Half of another variant is none.
        above.retain(|line| !line.path.starts_with("external") && !line.path.starts_with("untagged"));
        let above = documents::toml(&above);
        life.below.replace(&text);
        life.above.replace(if round % 2 == 0 { PLAIN.to_owned() } else { documents::json(&above) });
        life.reload(&search, text.as_bytes());
        // What the sources hold is in force now, whoever has looked first.
        let status = config.status();
        assert!(status.generation > seen && status.last_error.is_none(), "round {round}: {status:?}");
        macro_rules! changes {
            ($($section:ident),*) => {$(
                life.outputs.subscription(&$section);
                if let Ok(change) = $section.blocking_changed() {
                    life.outputs.change(&change);
                }
            )*};
        }
        changes!(whole, token, tokens, adjacent, flat, tried, converted);
        changes!(secret, secret_number, secret_login, secrets, secret_map, secret_keys, secret_option);
        changes!(theirs, their_number, leaf_type, keyed, by_both, named, token_keys);
        changes!(external, internal, untagged);
        life.outputs.reloader(&config);
        life.outputs.check(&search, &format!("{text}\n---\n{above}"), &mut life.leaks);
    }
    assert_none(&life.leaks);
    assert!(life.outputs.len() > 500, "{}", life.outputs.len());
}

/// Reloads each document in place of the lower or of the upper layer.
fn refuse(life: &mut Life, search: &Search, is_upper: bool, documents: &[Vec<u8>]) {
    for document in documents {
        (if is_upper { &life.above } else { &life.below }).replace(document);
        life.reload(search, document);
    }
}

fn bytes(documents: Vec<String>) -> Vec<Vec<u8>> {
    documents.into_iter().map(String::into_bytes).collect()
}

#[test]
fn a_wrong_line_in_the_lower_layer() {
    let mut search = Search::default();
    let good = lines(&mut search, 1);
    let mut life = Life::new(&mut search, &documents::toml(&good), (Format::Json, PLAIN));
    let wrong = documents::wrong_lines(&good, &mut Secrets { round: 99, search: &mut search });
    // All of them take half a minute.
    let wrong = wrong.into_iter().step_by(3).collect();
    refuse(&mut life, &search, false, &bytes(wrong));
    assert_none(&life.leaks);
    assert!(life.outputs.len() > 2_000, "{}", life.outputs.len());
}

#[test]
fn a_wrong_line_in_the_upper_layer() {
    let mut search = Search::default();
    let good = lines(&mut search, 1);
    let mut life = Life::new(&mut search, &documents::toml(&good), (Format::Toml, "plain = 7"));
    let good: Vec<_> = lines(&mut search, 4).into_iter().step_by(2).collect();
    let wrong = documents::wrong_lines(&good, &mut Secrets { round: 99, search: &mut search });
    let wrong = wrong.into_iter().step_by(2).collect();
    refuse(&mut life, &search, true, &bytes(wrong));
    assert_none(&life.leaks);
    assert!(life.outputs.len() > 1_000, "{}", life.outputs.len());
}

/// A document without the secrets that are names of their own: with a dot or a quote gone, they may become a part of
/// another name, which nobody can know.
fn breakable(search: &mut Search, round: u32) -> String {
    let mut lines = lines(search, round);
    lines.retain(|line| {
        !line.path.starts_with("flat.") || ["flat.password", "flat.pin"].contains(&&*line.path)
    });
    documents::toml(&lines)
}

/// The wrong lines that are TOML all the same, as other formats write them.
#[test]
fn a_wrong_line_in_another_format() {
    for (format, write) in [
        (Format::Yaml, documents::yaml as fn(&toml::Table) -> String),
        (Format::Yaml, documents::json_of),
        (Format::Jsonc, documents::json_of),
    ] {
        let mut search = Search::default();
        let good = lines(&mut search, 1);
        let text = documents::toml(&good);
        let wrong = documents::wrong_lines(&good, &mut Secrets { round: 99, search: &mut search });
        let wrong = wrong.iter().filter_map(|text| toml::from_str(text).ok()).map(|table| write(&table));
        let wrong: Vec<_> = wrong.step_by(13).collect();
        let mut life = Life::new(&mut search, &text, (format, r#"{ "plain": 7 }"#));
        refuse(&mut life, &search, true, &bytes(wrong));
        let text = toml::from_str(&breakable(&mut search, 2)).map(|table| write(&table)).unwrap_or_default();
        refuse(&mut life, &search, true, &documents::broken(&text, 151));
        assert_none(&life.leaks);
        assert!(life.outputs.len() > 300, "{}", life.outputs.len());
    }
}

/// A dry run tells as much as a reload does.
#[test]
fn plans() {
    let mut search = Search::default();
    let first = documents::toml(&lines(&mut search, 0));
    let mut life = Life::new(&mut search, &first, (Format::Json, PLAIN));
    for round in 1..6 {
        let text = documents::toml(&lines(&mut search, round));
        let (source, _handle) = MemorySource::new("planned", Format::Toml, &text);
        let builder = || Reloader::<App>::builder();
        match life.config.blocking_check(builder().source(source).secrets()) {
            Ok(plan) => life.outputs.plan(&plan),
            Err(error) => panic!("round {round}: {error:?}"),
        }
        let wrong = text.replacen("weight = ", "weight = 500", 1);
        let (source, _handle) = MemorySource::new("planned", Format::Toml, &wrong);
        // Secrets in a layer that is not said to hold any.
        match builder().source(source).check_blocking() {
            Ok(plan) => panic!("round {round}: {plan}"),
            Err(error) => life.outputs.error(&error),
        }
        life.outputs.check(&search, &text, &mut life.leaks);
    }
    assert_none(&life.leaks);
}

#[test]
fn a_broken_character_in_toml() {
    let mut search = Search::default();
    let text = breakable(&mut search, 1);
    let mut life = Life::new(&mut search, &text, (Format::Json, PLAIN));
    refuse(&mut life, &search, false, &documents::broken(&text, 53));
    assert_none(&life.leaks);
}

#[test]
fn a_broken_character_in_json() {
    let mut search = Search::default();
    let text = breakable(&mut search, 1);
    let mut life = Life::new(&mut search, &text, (Format::Json, PLAIN));
    let json = documents::json(&breakable(&mut search, 2));
    refuse(&mut life, &search, true, &documents::broken(&json, 61));
    let in_a_line = json.lines().map(str::trim).collect::<String>();
    refuse(&mut life, &search, true, &documents::broken(&in_a_line, 83));
    assert_none(&life.leaks);
}

#[test]
fn a_document_of_another_format() {
    let mut search = Search::default();
    let text = documents::toml(&lines(&mut search, 1));
    let mut life = Life::new(&mut search, &text, (Format::Json, PLAIN));
    let json = documents::json(&text);
    let yaml = text.replace(" = ", ": ");
    let secret = crate::vault::text("alone", 0);
    search.add_text(&secret);
    let mut others =
        vec![json, yaml, secret.clone(), format!("{secret}={secret}"), format!("<a b='{secret}'/>")];
    refuse(&mut life, &search, false, &bytes(others.clone()));
    let mut others = others.split_off(1);
    others.extend([text, format!("\"{secret}\""), format!("[\"{secret}\"]"), format!("// {secret}\n{{}}")]);
    refuse(&mut life, &search, true, &bytes(others));
    assert_none(&life.leaks);
}

#[test]
fn a_source_that_fails() {
    let mut search = Search::default();
    let text = documents::toml(&lines(&mut search, 1));
    let mut life = Life::new(&mut search, &text, (Format::Json, PLAIN));
    life.above.fail(SourceErrorKind::NotFound, "it is gone");
    assert!(matches!(life.reload(&search, b"gone"), ReloadOutcome::Failed(_)));
    life.below.replace(text.replacen('=', "==", 1));
    life.reload(&search, b"gone, and broken");
    assert_none(&life.leaks);
}

/// A first load that is refused ends the start, and its error is the only output.
#[test]
fn a_start_that_is_refused() {
    let mut search = Search::default();
    let good = lines(&mut search, 1);
    let wrong = documents::wrong_lines(&good, &mut Secrets { round: 99, search: &mut search });
    let (mut outputs, mut leaks) = (Outputs::default(), Vec::new());
    let mut refused = 0;
    for document in wrong.iter().step_by(7) {
        let (source, _handle) = MemorySource::new("memory", Format::Toml, document);
        let started = catch_unwind(AssertUnwindSafe(|| {
            Reloader::<App>::builder().source(source).secrets().start_blocking()
        }));
        let started = started.unwrap_or_else(|_| panic!("the start panicked with\n{document}"));
        if let Err(error) = started {
            refused += 1;
            outputs.error(&error);
        }
        outputs.check(&search, document, &mut leaks);
    }
    assert_none(&leaks);
    assert!(refused > 300, "{refused}");
}
