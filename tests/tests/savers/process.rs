//! Running the programs: whether they are there, and to their end.

use std::env;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far above what any of them takes, so that only one that hangs is ever ended.
const DEADLINE: Duration = Duration::from_secs(60);

/// Says whether all these programs are installed, and otherwise what is to be done about it.
pub fn are_installed(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| !is_installed(program)).collect();
    for program in &missing {
        pass_over(&format!("{program} is not installed; Debian's package is {}", package(program)));
    }
    missing.is_empty()
}

/// Says why a test is passed over, or fails it where nothing may be.
pub fn pass_over(reason: &str) {
    assert!(!env::var("RELOADABLE_SAVERS").is_ok_and(|value| value == "required"), "{reason}");
    eprintln!("skipped: {reason}");
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").expect("there is a PATH");
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// The list stands in a file of its own because `.ci/run` installs what it names.
fn package(program: &str) -> &'static str {
    include_str!("packages.txt")
        .lines()
        .find_map(|line| line.strip_prefix(program)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("{program} is not in packages.txt"))
}

/// A program that finds nothing of the settings of whoever runs the tests.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("LC_ALL", "C").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for unwanted in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "RSYNC_RSH", "TAR_OPTIONS", "VIMINIT"] {
        command.env_remove(unwanted);
    }
    command
}

/// Runs a program to its end, without anybody at the keyboard.
pub fn run(command: &mut Command) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
    succeed(child, &format!("{command:?}"));
}

/// Waits until the program has ended well.
pub fn succeed(mut child: Child, name: &str) {
    let output = reader(child.stdout.take());
    let errors = reader(child.stderr.take());
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("the program can be ended");
            panic!("{name} did not end");
        }
        thread::sleep(Duration::from_millis(1));
    };
    let said = format!("{}{}", output.join().expect("a reader"), errors.join().expect("a reader"));
    assert!(status.success(), "{name} ended with {status}: {said}");
}

/// Reads in a thread of its own, since a program whose pipe is full does not end.
fn reader(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What is said is only for the message of a test that fails.
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
