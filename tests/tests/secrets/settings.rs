//! Secrets that are single values: variables, arguments, overrides by the program, and its defaults.

use std::collections::BTreeMap;

use reloadable::{Env, Format, MemorySource, Reloadable, Reloader, Secret};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::documents::{self, Secrets};
use crate::outputs::{Outputs, assert_none};
use crate::vault::Search;

/// Texts that may stand in a variable or behind an `=`.
fn texts(secrets: &mut Secrets<'_>, name: &str) -> Vec<String> {
    let text = secrets.text(&format!("setting {name}"));
    let number = secrets.number(&format!("setting {name}"));
    vec![
        text.clone(),
        number.to_string(),
        format!("careless {text}"),
        format!("{text},{text}"),
        format!("{text}{text}{text}{text}"),
        format!("[\"{text}\", \"{text}\", {number}]"),
        format!("[\"{text}\", "),
        format!("{{\"{text}\": \"{text}\"}}"),
        format!("{{ {text} = {{ level = '{text}', levle = 1 }} }}"),
        format!("{{\"{text}\": "),
        format!("[{{ name = 'a', token = '{text}', tokne = '{text}', weight = 5000 }}]"),
        format!("two\nlines {text}"),
        format!("\"{text}"),
    ]
}

#[test]
fn variables_and_arguments() {
    let mut search = Search::default();
    for round in 0..10 {
        search.add_text(&crate::vault::text("by default", round));
    }
    let lines = Secrets { round: 1, search: &mut search }.lines();
    let good = documents::toml(&lines);
    let (mut outputs, mut leaks, mut refused) = (Outputs::default(), Vec::new(), 0);
    let secrets = lines.iter().filter(|line| line.is_secret && !line.path.starts_with("flat."));
    for (nth, line) in secrets.enumerate() {
        let given = texts(&mut Secrets { round: 98, search: &mut search }, &line.path);
        for (at, text) in given.into_iter().enumerate() {
            // Beside it, in its place, beneath it.
            let path = match (nth + at) % 7 {
                0 => format!("{}s", line.path),
                1 => format!("{}.below", line.path),
                // What is a name of an element's own choice is no secret.
                2 if !text.starts_with('{') => format!("{}[0]", line.path),
                _ => line.path.clone(),
            };
            let (source, _document) = MemorySource::new("below", Format::Toml, &good);
            let builder = Reloader::<App>::builder().source(source).secrets();
            let builder = if at % 2 == 0 {
                let name = format!("APP_{}", path.to_uppercase().replace('.', "__").replace("[0]", "__0"));
                let env = Env::prefixed("APP").variables([(name, text.clone())]);
                outputs.debug("env", &env);
                builder.env(env)
            } else {
                builder.set([format!("{path}={text}")])
            };
            let builder = if at % 4 < 2 { builder.secrets() } else { builder };
            outputs.debug("builder", &builder);
            match builder.start_blocking() {
                Err(error) => {
                    refused += 1;
                    outputs.error(&error);
                }
                Ok(config) => {
                    outputs.report(&config.snapshot().warnings());
                    outputs.debug("origin_of", &config.snapshot().origin_of(&path));
                    if let Some(explanation) = config.snapshot().explain(&path) {
                        outputs.debug("explain", &explanation);
                        outputs.display("explain", &explanation);
                    }
                    outputs.status(&config.status());
                }
            }
            outputs.check(&search, &format!("{path} = {text}"), &mut leaks);
        }
    }
    assert_none(&leaks);
    assert!(refused > 100, "{refused}");
}

#[test]
fn overrides_by_the_program() -> Result<(), reloadable::Error> {
    let mut search = Search::default();
    let lines = Secrets { round: 1, search: &mut search }.lines();
    let (source, _document) = MemorySource::new("below", Format::Toml, documents::toml(&lines));
    let config = Reloader::<App>::builder().source(source).secrets().start_blocking()?;
    let (mut outputs, mut leaks) = (Outputs::default(), Vec::new());
    for line in lines.iter().filter(|line| line.is_secret) {
        let mut secrets = Secrets { round: 97, search: &mut search };
        let (text, number) = (secrets.text(&line.path), secrets.number(&line.path));
        let path = &line.path;
        let outcomes = [
            config.blocking_set_override(path, &text),
            config.blocking_set_override(path, number),
            config.blocking_set_override(path, [&text, &text]),
            config
                .blocking_set_override(path, BTreeMap::from([(&text, BTreeMap::from([("level", number)]))])),
            config.blocking_set_override(path, Secret::new(text.clone())),
            config.blocking_set_override(&format!("{path}s"), &text),
            config.blocking_set_override(&format!("{path}.{text}.level"), &text),
            // The names of `named` are no secrets.
            config.blocking_set_override(&format!("{}[\"{text}\"]", path.replace("named", "keyed")), &text),
            config.blocking_clear_override(path),
        ];
        for outcome in &outcomes {
            outputs.outcome(outcome);
        }
        outputs.status(&config.status());
        outputs.check(&search, path, &mut leaks);
        config.blocking_clear_overrides();
    }
    assert_none(&leaks);
    Ok(())
}

#[derive(Debug, Clone, Deserialize, Serialize, Reloadable)]
#[serde(default)]
struct Open {
    #[reload(secret)]
    token: String,
    password: Secret<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<Secret<String>>,
}

impl Default for Open {
    fn default() -> Self {
        let secret = crate::vault::text("default", 0);
        Self { token: secret.clone(), password: secret.into(), list: Vec::new() }
    }
}

/// What stands for a secret is never taken for one.
#[test]
fn defaults_that_hide_themselves_set_nothing() -> Result<(), reloadable::Error> {
    let secret = crate::vault::text("default", 0);
    let mut search = Search::default();
    search.add_text(&secret);
    let open = |list| Open { token: secret.clone(), password: secret.as_str().into(), list };
    let config = Reloader::<Open>::builder().defaults(open(Vec::new())).secrets().start_blocking()?;
    assert_eq!(config.load().token, secret);
    assert_eq!(config.load().password.expose_secret(), &secret);
    let (mut outputs, mut leaks) = (Outputs::default(), Vec::new());
    for format in [Format::Toml, Format::Json, Format::Yaml] {
        outputs.text("template", Open::template(format));
    }
    outputs.debug("fields", &Open::fields());
    // In a list there is no place for nothing.
    let list = open(vec![secret.as_str().into()]);
    match Reloader::<Open>::builder().defaults(list).secrets().start_blocking() {
        Ok(config) => panic!("{:?}", config.load().list.first().map(Secret::expose_secret)),
        Err(error) => outputs.error(&error),
    }
    outputs.reloader(&config);
    outputs.check(&search, "defaults", &mut leaks);
    assert_none(&leaks);
    Ok(())
}
