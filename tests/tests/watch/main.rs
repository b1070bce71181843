//! Each known way in which the watching of files fails, provoked on a real disk: the tests carry the numbers of the
//! rows in the table of failure modes. Two rows are left out: 29, names that differ only by case, since the usual file
//! systems of Linux tell them apart, and 34, events that are replayed at the start, which only macOS does.

mod config_maps;
mod directories;
mod limits;
mod links;
mod mounts;
mod noise;
mod process;
mod saves;
mod unreadable;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use reloadable::{Builder, Error, Reloader, Status, Subscription};
pub use reloadable_tests::waiting::{DEADLINE, in_time};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Whatever is in force can be checked for wholeness: a file `app.toml` has 30 keys, `app_00` to `app_29`, which all
/// have the same value. Since every key is optional, nothing but the watcher keeps half a file out.
pub type App = BTreeMap<String, u32>;

const KEYS: usize = 30;

pub fn lines(name: &str, number: u32) -> Vec<String> {
    (0..KEYS).map(|key| format!("{name}_{key:02} = {number}\n")).collect()
}

pub fn text(name: &str, number: u32) -> String {
    lines(name, number).concat()
}

/// In a file of a directory, the name tells the keys: `conf.d/a.toml` has `a_00` to `a_29`.
pub fn text_for(path: &Path, number: u32) -> String {
    text(path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default(), number)
}

/// As programs do that save in place: truncate, write, close.
pub fn rewrite(path: &Path, number: u32) -> std::io::Result<()> {
    fs::write(path, text_for(path, number))
}

/// As programs do that replace a file atomically.
pub fn replace(path: &Path, number: u32) -> std::io::Result<()> {
    let beside = path.with_extension("beside");
    fs::write(&beside, text_for(path, number))?;
    fs::rename(beside, path)
}

pub fn assert_whole(app: &App) {
    let mut files = BTreeMap::<_, Vec<u32>>::new();
    for (key, value) in app {
        files.entry(key.rsplit_once('_').map(|(name, _)| name)).or_default().push(*value);
    }
    let is_whole = |values: &Vec<u32>| values.len() == KEYS && values.iter().all(|value| *value == values[0]);
    assert!(!files.is_empty() && files.values().all(is_whole), "torn: {files:?}");
}

/// So seldom that only an event can have told of a change.
pub const NEVER: Duration = Duration::from_secs(3600);

pub fn by_events() -> Builder<App> {
    Reloader::builder().resync(NEVER)
}

/// A reloader, and whoever follows it.
pub struct Followed {
    pub config: Reloader<App>,
    pub changes: Subscription<App>,
}

impl Followed {
    pub async fn start(builder: Builder<App>) -> Result<Self, Error> {
        let config = in_time(builder.start()).await?;
        let changes = config.subscribe();
        Ok(Self { config, changes })
    }

    /// Waits for this content of `app.toml`.
    pub async fn arrives(&mut self, number: u32) -> Outcome {
        self.arrives_in("app", number).await
    }

    /// Waits for this content of the file, and sees to it that nothing on the way there is torn.
    pub async fn arrives_in(&mut self, name: &str, number: u32) -> Outcome {
        let key = format!("{name}_00");
        while self.changes.seen().get(&key) != Some(&number) {
            let Ok(change) = tokio::time::timeout(DEADLINE, self.changes.changed()).await else {
                let seen = self.changes.seen().get(&key);
                panic!("{key} = {number} did not arrive, {seen:?} is in force: {}", self.state());
            };
            assert_whole(change?.current());
        }
        Ok(())
    }

    pub fn generation(&self) -> u64 {
        self.config.snapshot().generation()
    }

    pub fn attempts(&self) -> u64 {
        self.config.status().attempts
    }

    /// What a test that fails shows, without the changes.
    fn state(&self) -> String {
        let Status { generation, attempts, last_error, sources, .. } = self.config.status();
        format!("generation {generation}, {attempts} attempts, {last_error:?}, {sources:#?}")
    }

    /// Waits for this status.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&Status) -> bool) {
        if !comes_true(|| is_so(&self.config.status())).await {
            panic!("it did not happen in time: {what}: {}", self.state());
        }
    }

    /// Waits until the last attempt was refused for this reason.
    pub async fn is_refused(&self, code: &str) {
        let refused = |status: &Status| {
            status.last_report().is_some_and(|report| report.violations().iter().any(|it| it.code() == code))
        };
        self.until(code, refused).await;
    }
}

/// Asks again and again until the answer is yes, or the time is up.
pub async fn comes_true(mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    let mut pause = tokio::time::interval(Duration::from_millis(2));
    while !is_so() {
        if tokio::time::Instant::now() > deadline {
            return false;
        }
        pause.tick().await;
    }
    true
}

/// Tells that this process is the child in which a test runs its body alone.
const ALONE: &str = "RELOADABLE_ALONE";

pub fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Makes the command that runs one test of this executable by itself, behind the words of `wrapper`.
pub fn child(test: &str, wrapper: &[&str]) -> std::io::Result<Command> {
    let executable = std::env::current_exe()?.into_os_string();
    let mut words = wrapper.iter().map(Into::into).chain([executable]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).args(["--exact", test, "--nocapture"]).env(ALONE, "1");
    // What a child is skipped for must be read by people, who are not shown what tests print.
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    Ok(command)
}

/// A name that is not that of a test would have nothing run, and succeed.
pub fn assert_passed(child: &std::process::Output) {
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && told.contains(" 1 passed"), "{}: {told}", child.status);
}

/// Runs a test's body in a process of its own, for what the other tests of this process would disturb.
pub fn alone(test: &str, wrapper: &[&str], body: impl Future<Output = Outcome>) -> Outcome {
    if is_alone() {
        return tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?
            .block_on(body);
    }
    assert_passed(&child(test, wrapper)?.output()?);
    Ok(())
}

/// Runs a test's body where it may mount file systems and set limits that nobody else has.
pub fn in_namespaces(test: &str, body: impl Future<Output = Outcome>) -> Outcome {
    let wrapper = ["unshare", "--map-root-user", "--mount"];
    if !is_alone() && run(&[&wrapper[..], &["true"]].concat()).is_err() {
        return skipped("`unshare --map-root-user --mount` is refused here");
    }
    alone(test, &wrapper, body)
}

/// Where everything is promised to be there, its absence is a failure.
pub fn skipped(why: &str) -> Outcome {
    if std::env::var("RELOADABLE_PRIVILEGED").is_ok_and(|value| value == "required") {
        return Err(why.into());
    }
    passed_over(why)
}

/// Says why a test tries nothing.
pub fn passed_over(why: &str) -> Outcome {
    // Not by a macro, whose output is kept from people if the test passes.
    writeln!(std::io::stderr(), "skipped: {why}")?;
    Ok(())
}

/// Runs a command to its end.
pub fn run(words: &[impl AsRef<OsStr>]) -> Outcome {
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{:?}: {}: {told}", program.as_ref(), output.status).into());
    }
    Ok(())
}
