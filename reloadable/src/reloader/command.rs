//! The subcommand that checks a configuration.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use super::builder::Builder;
use super::plan::Plan;
use crate::error::{Error, ErrorKind};
use crate::load::Reloadable;
use crate::report::Report;
use crate::source::Env;

/// What [`check_main`] is told on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    files: Vec<OsString>,
    set: Vec<String>,
    env: Option<String>,
    explains: bool,
    denies_warnings: bool,
    json: bool,
    help: bool,
}

const USAGE: &str = "\
usage: [--set PATH=VALUE].. [--env PREFIX] [--explain] [--deny-warnings] [--json] [FILE]..

Checks a configuration: FILEs lie over the program's own layers, variables that begin with PREFIX_ over those, and what
is --set on top. Exits with 0 if it is valid, with 1 if it is refused, and with 2 if it cannot be read.

  --explain        print every value, and where it was set
  --deny-warnings  take warnings for errors
  --json           print the report as JSON";

/// Checks a configuration as a command does, for a subcommand `check-config` that an operator or a CI job runs before a
/// deployment. Call it with the layers of the program and the arguments behind the subcommand's name.
///
/// The exit status is 0 if the configuration is valid, 1 if it is refused, and 2 if a source cannot be read or the
/// arguments make no sense. What is wrong is printed to the standard error, with `--json` to the standard output.
/// `--help` tells of the arguments: files, `--set PATH=VALUE`, `--env PREFIX`, `--explain`, `--deny-warnings`, `--json`
/// (which needs the feature `json`).
///
/// # Examples
///
/// ```no_run
/// # type Limits = std::collections::BTreeMap<String, u16>;
/// use std::process::ExitCode;
///
/// use reloadable::{Builder, Reloader, check_main};
///
/// fn layers() -> Builder<Limits> {
///     Reloader::builder().file("app.toml").env("APP")
/// }
///
/// fn main() -> ExitCode {
///     let mut arguments = std::env::args_os().skip(1);
///     match arguments.next() {
///         Some(word) if word == "check-config" => check_main(layers(), arguments),
///         _ => ExitCode::SUCCESS, // runs the program
///     }
/// }
/// ```
pub fn check_main<T: Reloadable>(
    layers: Builder<T>,
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> ExitCode {
    let answer = match Arguments::parse(arguments.into_iter().map(Into::into)) {
        Ok(arguments) => arguments.answer(layers),
        Err(message) => Answer { status: 2, out: String::new(), err: format!("{message}\n{USAGE}") },
    };
    // Whoever closes the pipe does not want to know; the status tells all the same.
    for (text, written) in [
        (&answer.out, io::stdout().write_all(with_newline(&answer.out).as_bytes())),
        (&answer.err, io::stderr().write_all(with_newline(&answer.err).as_bytes())),
    ] {
        if written.is_err() && !text.is_empty() {
            return ExitCode::from(answer.status.max(1));
        }
    }
    ExitCode::from(answer.status)
}

fn with_newline(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// What is printed where, and the exit status.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u8,
    out: String,
    err: String,
}

impl Arguments {
    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut arguments = arguments;
        let mut only_files = false;
        while let Some(argument) = arguments.next() {
            let word = argument.to_str().filter(|word| !only_files && word.starts_with('-')).unwrap_or("");
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word, None),
            };
            let mut next = |name: &str| match &value {
                Some(value) => Ok(value.clone()),
                None => {
                    let next = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
                    next.into_string().map_err(|_| format!("the value of `{name}` is not Unicode"))
                }
            };
            match name {
                "" => parsed.files.push(argument),
                "--set" => parsed.set.push(next(name)?),
                "--env" => parsed.env = Some(next(name)?),
                _ if value.is_some() => return Err(format!("there is no argument `{name}` with a value")),
                "--explain" => parsed.explains = true,
                "--deny-warnings" => parsed.denies_warnings = true,
                "--json" => parsed.json = true,
                "--help" | "-h" => parsed.help = true,
                "--" => only_files = true,
                _ => return Err(format!("there is no argument `{name}`")),
            }
        }
        if parsed.json && !cfg!(feature = "json") {
            return Err("`--json` needs the feature `json` of `reloadable`".to_owned());
        }
        Ok(parsed)
    }

    fn answer<T: Reloadable>(self, layers: Builder<T>) -> Answer {
        if self.help {
            return Answer { status: 0, out: USAGE.to_owned(), err: String::new() };
        }
        let mut layers = layers;
        #[cfg(feature = "fs")]
        for file in &self.files {
            layers = layers.file(file);
        }
        #[cfg(not(feature = "fs"))]
        if let Some(file) = self.files.first() {
            let err = format!("{}: files are read with the feature `fs`", file.to_string_lossy());
            return Answer { status: 2, out: String::new(), err };
        }
        if let Some(prefix) = &self.env {
            layers = layers.env(Env::prefixed(prefix));
        }
        if !self.set.is_empty() {
            layers = layers.set(&self.set);
        }
        self.judge(layers.check_blocking())
    }

    fn judge<T: Reloadable>(&self, checked: Result<Plan<T>, Error>) -> Answer {
        let (report, status, heading) = match &checked {
            Ok(plan) => {
                let warnings = plan.warnings();
                let is_refused = self.denies_warnings && !warnings.is_empty();
                (
                    warnings,
                    u8::from(is_refused),
                    if is_refused { "configuration refused" } else { "configuration valid" },
                )
            }
            Err(error) => {
                let status = if error.kind() == ErrorKind::Invalid { 1 } else { 2 };
                (error.report().clone(), status, error.heading())
            }
        };
        let mut out = String::new();
        if self.json {
            return Answer { status, out: json(status == 0, &report), err: String::new() };
        }
        if let (true, Ok(plan)) = (self.explains, &checked) {
            let _ = writeln!(out, "{}", plan.candidate().explain_all());
        }
        if status == 0 {
            out.push_str(heading);
            let err = if report.is_empty() { String::new() } else { shown(&report) };
            return Answer { status, out, err };
        }
        let errors = report.errors().count() + report.omitted();
        let problems = if self.denies_warnings { errors + report.warnings().count() } else { errors };
        let noun = if problems == 1 { "problem" } else { "problems" };
        Answer { status, out, err: format!("{heading}: {problems} {noun}\n{}", shown(&report)) }
    }
}

#[cfg(feature = "pretty")]
fn shown(report: &Report) -> String {
    report.pretty().to_string()
}

#[cfg(not(feature = "pretty"))]
fn shown(report: &Report) -> String {
    format!("  {}", format!("{report:#}").replace('\n', "\n  "))
}

#[cfg(feature = "json")]
fn json(valid: bool, report: &Report) -> String {
    #[derive(serde::Serialize)]
    struct Checked<'r> {
        valid: bool,
        violations: &'r Report,
        omitted: usize,
    }
    let checked = Checked { valid, violations: report, omitted: report.omitted() };
    crate::format::to_json(&checked)
}

#[cfg(not(feature = "json"))]
fn json(valid: bool, _: &Report) -> String {
    format!("{{\"valid\":{valid}}}")
}
