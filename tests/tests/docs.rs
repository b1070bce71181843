//! What the documentation shows in tables is what happens. Its programs are doctests, and what it quotes of the
//! examples is compared by `.ci/run examples`.

use std::collections::BTreeMap;

use reloadable::{Env, Format, MemorySource, Reloadable, Reloader, Secret};
use serde::Deserialize;

#[derive(Deserialize, Reloadable)]
struct App {
    listen: String,
    database: Database,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[serde(default)]
    limits: BTreeMap<String, u32>,
    #[serde(default)]
    log: Log,
    #[serde(default)]
    tls: bool,
}

#[derive(Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case")]
struct Database {
    password: Option<Secret<String>>,
    #[serde(default)]
    pool_size: u16,
}

#[derive(Deserialize, Reloadable)]
struct Route {
    name: String,
    path: String,
    #[serde(default)]
    timeout: u32,
}

#[derive(Default, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Log {
    #[default]
    Info,
    Debug,
}

const LAYERS: &str = include_str!("../../docs/layers.md");

#[test]
fn every_line_of_the_table_of_variables_is_true() -> Result<(), Box<dyn std::error::Error>> {
    let lower = block(LAYERS, "toml").ok_or("the lower layer is not shown")?;
    let rows: Vec<_> = LAYERS.lines().filter_map(row).collect();
    assert!(rows.len() > 15, "the table was not read: {rows:?}");
    for [variable, path, value] in rows {
        let (name, text) = variable.split_once('=').ok_or(variable)?;
        let (needed, _needed) =
            MemorySource::new("needed", Format::Toml, "listen = ':80'\ndatabase.pool-size = 1");
        let (lower, _lower) = MemorySource::new("lower", Format::Toml, lower);
        let layers = Reloader::<App>::builder().source(needed).source(lower);
        let plan = layers.env(Env::prefixed("APP").variables([(name, text)])).check_blocking()?;
        let app = plan.candidate();
        let explanation = app.explain(path).ok_or(format!("{variable}: there is no {path}"))?;
        assert_eq!(explanation.value().map(ToString::to_string).as_deref(), Some(value), "{variable}");
        let set = explanation.winner().map(ToString::to_string);
        let parts =
            explanation.said().iter().any(|said| said.set().to_string() == format!("variable {name}"));
        assert!(parts, "{variable}: set by {set:?}");
        assert_eq!(app.warnings().to_string(), "", "{variable}");
    }
    Ok(())
}

#[test]
fn a_profile_belongs_to_the_file_before_it() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("app.toml");
    std::fs::write(&file, "a = 1\nb = 1\nc = 1\n")?;
    std::fs::write(directory.path().join("app.production.toml"), "b = 2\nc = 2\n")?;
    std::fs::write(directory.path().join("app.production.eu.toml"), "c = 3\n")?;
    let layers = Reloader::<BTreeMap<String, u8>>::builder().file(&file).profile("production").profile("eu");
    assert_eq!(layers.check_blocking()?.candidate().values().copied().collect::<Vec<_>>(), [1, 2, 3]);
    Ok(())
}

/// A row whose first cell is a variable; all three are in backticks.
fn row(line: &str) -> Option<[&str; 3]> {
    let cells: Vec<_> = line.strip_prefix("| `APP_")?.strip_suffix("` |")?.split("` | `").collect();
    let [_, path, value] = cells[..] else { panic!("not three cells: {line}") };
    let first = line.strip_prefix("| `")?.split("` | `").next()?;
    Some([first, path, value])
}

/// Returns the first block of a language.
fn block<'t>(text: &'t str, language: &str) -> Option<&'t str> {
    let (_, begun) = text.split_once(&format!("\n```{language}\n"))?;
    begun.split_once("\n```").map(|(block, _)| block)
}
