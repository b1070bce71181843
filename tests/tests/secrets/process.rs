//! What a process with secrets writes by itself: nothing, unless the application does.

use std::process::Command;

use reloadable::{Format, MemorySource, Reloader};

use crate::app::App;
use crate::documents::{self, Secrets};
use crate::vault::Search;

/// Tells the process that it is the one whose output is looked at.
const INNER: &str = "RELOADABLE_SECRETS_INNER";

#[test]
fn a_process_writes_no_secret() -> Result<(), Box<dyn std::error::Error>> {
    let mut search = Search::default();
    let good = Secrets { round: 1, search: &mut search }.lines();
    let wrong = documents::wrong_lines(&good, &mut Secrets { round: 99, search: &mut search });
    if std::env::var_os(INNER).is_some() {
        // What a panic says is the application's, and its hook's to print.
        std::panic::set_hook(Box::new(|_| {}));
        let (source, document) = MemorySource::new("memory", Format::Toml, documents::toml(&good));
        let config = Reloader::<App>::builder().source(source).secrets().start_blocking()?;
        for wrong in wrong.iter().step_by(9) {
            document.replace(wrong);
            config.blocking_reload();
        }
        config.blocking_shutdown();
        check(&documents::toml(&good));
        wrong.iter().step_by(97).for_each(|wrong| check(wrong));
        return Ok(());
    }
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "process::a_process_writes_no_secret", "--nocapture", "--test-threads=1"])
        .env(INNER, "1")
        .output()?;
    assert!(output.status.success(), "{}", output.status);
    for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(search.find(&text), None, "in {name}");
    }
    Ok(())
}

/// Prints what a `check-config` prints.
fn check(text: &str) {
    for arguments in [&["--explain"][..], &["--json"], &["--deny-warnings", "--set", "plain=many"]] {
        let (source, _document) = MemorySource::new("memory", Format::Toml, text);
        let _ = reloadable::check_main(Reloader::<App>::builder().source(source), arguments);
    }
}
