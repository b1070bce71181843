//! What is wrong at the start is an error that says what and where; while running, the last good value stays.

use std::fs;
use std::path::{Path, PathBuf};

use reloadable::{Error, ErrorKind, Format, Reloader};
use serde::Deserialize;

use crate::{App, in_time};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What is put in the file's place, what the first violation's code is, and its line and column if it has them.
struct Bad {
    name: &'static str,
    put: fn(&Path) -> std::io::Result<()>,
    kind: ErrorKind,
    code: &'static str,
    position: Option<(usize, usize)>,
}

fn text(path: &Path, text: impl AsRef<[u8]>) -> std::io::Result<()> {
    fs::write(path, text)
}

const BAD: &[Bad] = &[
    Bad { name: "missing", put: |_| Ok(()), kind: ErrorKind::Unavailable, code: "not_found", position: None },
    Bad {
        name: "a directory",
        put: |path| fs::create_dir(path),
        kind: ErrorKind::Unavailable,
        code: "wrong_kind",
        position: None,
    },
    Bad {
        name: "a device",
        put: |path| std::os::unix::fs::symlink("/dev/zero", path),
        kind: ErrorKind::Unavailable,
        code: "wrong_kind",
        position: None,
    },
    Bad {
        name: "a pipe",
        put: |path| {
            let made = std::process::Command::new("mkfifo").arg(path).status()?;
            assert!(made.success(), "mkfifo failed");
            Ok(())
        },
        kind: ErrorKind::Unavailable,
        code: "wrong_kind",
        position: None,
    },
    Bad {
        name: "a link to itself",
        put: |path| std::os::unix::fs::symlink(path, path),
        kind: ErrorKind::Unavailable,
        code: "unreadable",
        position: None,
    },
    Bad {
        name: "too large",
        put: |path| fs::File::create(path)?.set_len(10 << 30),
        kind: ErrorKind::Unavailable,
        code: "too_large",
        position: None,
    },
    Bad {
        name: "not UTF-8",
        put: |path| text(path, b"[server]\nname = '\xff'\n"),
        kind: ErrorKind::Invalid,
        code: "encoding",
        position: Some((2, 9)),
    },
    Bad {
        name: "empty",
        put: |path| text(path, ""),
        kind: ErrorKind::Invalid,
        code: "empty",
        position: Some((1, 1)),
    },
    Bad {
        name: "blank",
        put: |path| text(path, " \n\n"),
        kind: ErrorKind::Invalid,
        code: "empty",
        position: Some((1, 1)),
    },
    Bad {
        name: "a syntax error",
        put: |path| text(path, "[server]\nport = = 80\n"),
        kind: ErrorKind::Invalid,
        code: "syntax",
        position: Some((2, 8)),
    },
    Bad {
        name: "a duplicate key",
        put: |path| text(path, "[server]\nport = 80\nport = 81\n"),
        kind: ErrorKind::Invalid,
        code: "duplicate_key",
        position: Some((3, 1)),
    },
    Bad {
        name: "a wrong type",
        put: |path| text(path, "[server]\nport = 'eighty'\n"),
        kind: ErrorKind::Invalid,
        code: "type",
        position: Some((2, 8)),
    },
    Bad {
        name: "a number out of range",
        put: |path| text(path, "[server]\nport = 70000\n"),
        kind: ErrorKind::Invalid,
        code: "value",
        position: Some((2, 8)),
    },
    Bad {
        name: "a missing field",
        put: |path| text(path, "[[routes]]\ntimeout = 3\n"),
        kind: ErrorKind::Invalid,
        code: "missing_field",
        position: Some((1, 1)),
    },
    Bad {
        name: "an unknown field",
        put: |path| text(path, "[server]\nprot = 80\n"),
        kind: ErrorKind::Invalid,
        code: "unknown_key",
        position: Some((2, 1)),
    },
    Bad {
        name: "a violation",
        put: |path| text(path, "[database]\nurl = ''\npool_size = 5000\n"),
        kind: ErrorKind::Invalid,
        code: "range",
        position: Some((3, 13)),
    },
];

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
}

fn is_told(error: &Error, bad: &Bad, path: &Path) {
    let violation = &error.report().violations()[0];
    assert_eq!((error.kind(), violation.code()), (bad.kind, bad.code), "{}: {error}", bad.name);
    assert_eq!(violation.origin().and_then(|origin| origin.path()), Some(path), "{}: {error}", bad.name);
    let position = violation.position().map(|position| (position.line, position.column));
    assert_eq!(position, bad.position, "{}: {error}", bad.name);
    assert!(!error.to_string().contains('\n'), "one line: {error}");
}

#[tokio::test]
async fn at_the_start_it_is_an_error_that_says_what_and_where() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    for bad in BAD {
        remove(&path);
        (bad.put)(&path)?;
        match in_time(Reloader::<App>::builder().file(&path).start()).await {
            Ok(_) => panic!("{} is accepted", bad.name),
            Err(error) => is_told(&error, bad, &path),
        }
    }
    Ok(())
}

#[tokio::test]
async fn while_running_the_last_good_value_stays_and_the_status_says_why() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, "[server]\nport = 80\n")?;
    let config = Reloader::<App>::builder().file(&path).start().await?;
    for (generation, bad) in (1..).zip(BAD) {
        remove(&path);
        (bad.put)(&path)?;
        in_time(config.reload()).await;
        let status = config.status();
        is_told(status.last_error.as_ref().ok_or(bad.name)?, bad, &path);
        assert_eq!(
            (u64::from(config.load().server.port), status.generation),
            (79 + generation, generation),
            "{}",
            bad.name
        );

        remove(&path);
        fs::write(&path, format!("[server]\nport = {}\n", 80 + generation))?;
        in_time(config.reload()).await;
        assert!(config.status().is_healthy(), "after {}", bad.name);
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_may_not_be_read_says_so() -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    fs::write(&path, "[server]\n")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000))?;
    if fs::read(&path).is_ok() {
        println!("skipped: this user may read everything");
        return Ok(());
    }
    let error = Reloader::<App>::builder().file(&path).start().await.map(|_| ()).err();
    assert_eq!(
        error.map(|error| error.report().violations()[0].code().to_owned()).as_deref(),
        Some("permission_denied")
    );
    Ok(())
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped() -> Outcome {
    let directory = tempfile::tempdir()?;
    for (name, text) in
        [("app.toml", "\u{feff}[server]\nport = 80\n"), ("app.json", "\u{feff}{\"server\": {\"port\": 80}}")]
    {
        let path = directory.path().join(name);
        fs::write(&path, text)?;
        let config = Reloader::<App>::builder().file(&path).start().await?;
        assert_eq!(config.load().server.port, 80, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_extension_asks_for_the_format() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.conf");
    fs::write(&path, "[server]\nport = 80\n")?;
    let error =
        Reloader::<App>::builder().file(&path).start().await.map(|_| ()).err().map(|error| error.to_string());
    assert!(
        error.as_ref().is_some_and(|error| error.contains("file_as") && error.contains("[unknown_format]")),
        "{error:?}"
    );
    let config = Reloader::<App>::builder().file_as(&path, Format::Toml).start().await?;
    assert_eq!(config.load().server.port, 80);
    Ok(())
}

#[tokio::test]
async fn a_malformed_pattern_is_refused() {
    let error = Reloader::<App>::builder().directory(".", "[").start().await.map(|_| ()).err();
    assert_eq!(
        error.map(|error| (error.kind(), error.to_string().contains("`[`"))),
        Some((ErrorKind::Setup, true))
    );
}

#[tokio::test]
async fn two_layers_that_disagree_on_table_against_scalar_name_both_places() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (one, two) = (directory.path().join("one.toml"), directory.path().join("two.json"));
    fs::write(&one, "[server]\nport = 80\n")?;
    fs::write(&two, "{\n  \"server\": 3\n}")?;
    let error = Reloader::<App>::builder().file(&one).file(&two).start().await.map(|_| ()).err();
    let error = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(
        error.contains("one.toml:1:") && error.contains("two.json:2:") && error.contains("[shape]"),
        "{error}"
    );
    Ok(())
}

/// Anything goes, however deep.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Anything(#[expect(dead_code, reason = "only decoded")] serde_json::Value);

impl reloadable::Describe for Anything {}
impl reloadable::Validate for Anything {}
impl reloadable::Diff for Anything {
    type Changes<'a> = reloadable::Leaf<'a, Self>;

    fn diff<'a>(&'a self, _: &'a Self) -> Option<Self::Changes<'a>> {
        None
    }

    fn value(&self) -> reloadable::Value<'_> {
        reloadable::Value::Opaque
    }
}

#[tokio::test]
async fn nesting_has_a_limit() -> Outcome {
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: String| -> std::io::Result<PathBuf> {
        let path = directory.path().join(name);
        fs::write(&path, text)?;
        Ok(path)
    };
    for depth in [129, 1_000, 100_000] {
        for path in [
            write("arrays.json", format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth)))?,
            write("objects.json", format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)))?,
            write("arrays.toml", format!("a = {}{}", "[".repeat(depth), "]".repeat(depth)))?,
            write("keys.toml", format!("a{} = 1", ".a".repeat(depth)))?,
            write("tables.toml", format!("[a{}]\nb = 1", ".a".repeat(depth)))?,
        ] {
            let error = in_time(Reloader::<Anything>::builder().file(&path).start()).await.map(|_| ()).err();
            let error = error.map(|error| error.report().violations()[0].clone());
            assert!(
                error.as_ref().is_some_and(
                    |error| matches!(error.code(), "depth" | "syntax") && error.position().is_some()
                ),
                "{path:?} {depth}: {error:?}"
            );
        }
    }
    Ok(())
}
