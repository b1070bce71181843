//! The file of a profile beside another file.

use std::collections::BTreeMap;
use std::fs;

use reloadable::{ErrorKind, Format, Reloader};

use crate::{Outcome, lines};

type App = BTreeMap<String, u16>;

fn directory() -> std::io::Result<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("app.toml"), "a = 1\nb = 1\nc = 1\n")?;
    fs::write(directory.path().join("app.production.toml"), "b = 2\n")?;
    fs::write(directory.path().join("app.local.toml"), "c = 3\n")?;
    Ok(directory)
}

fn numbers(app: &App) -> Vec<u16> {
    app.values().copied().collect()
}

#[test]
fn it_lies_over_its_file() -> Outcome {
    let directory = directory()?;
    let file = directory.path().join("app.toml");
    let plan = Reloader::<App>::builder().file(&file).profile("production").check_blocking()?;
    assert_eq!(numbers(plan.candidate()), [1, 2, 1]);
    let set = plan.candidate().origin_of("b").map(|set| set.to_string());
    assert_eq!(set, Some(format!("{}:1:5", directory.path().join("app.production.toml").display())));
    Ok(())
}

#[test]
fn a_missing_one_is_refused_unless_it_is_optional() -> Outcome {
    let directory = directory()?;
    let file = directory.path().join("app.toml");
    let builder = || Reloader::<App>::builder().file(&file);
    let error = builder().profile("producton").check_blocking().err().ok_or("it was accepted")?;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let missing = directory.path().join("app.producton.toml");
    let [line] = &lines(error.report())[..] else { panic!("{error:?}") };
    assert!(line.starts_with(&missing.display().to_string()), "{line}");
    let plan = builder().profile("producton").optional().check_blocking()?;
    assert_eq!(numbers(plan.candidate()), [1, 1, 1]);
    Ok(())
}

#[test]
fn a_name_that_is_no_part_of_a_files_name_is_refused() -> Outcome {
    let directory = directory()?;
    let file = directory.path().join("app.toml");
    for name in ["", "a/b", "../x", "a\\b", "a\0b"] {
        let error = Reloader::<App>::builder().file(&file).profile(name).check_blocking().err();
        let told = error.map(|error| (error.kind(), error.to_string()));
        let is_told =
            matches!(&told, Some((ErrorKind::Setup, message)) if message.contains("is not a profile"));
        assert!(is_told, "{name:?}: {told:?}");
    }
    let error = Reloader::<App>::builder().set(["a=1"]).profile("x").check_blocking().err();
    let told = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("goes behind the file that it belongs to"), "{told}");
    Ok(())
}

#[test]
fn a_format_and_names_with_dots_or_without_extension() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    fs::write(root.join("my.app.json"), r#"{"a": 1}"#)?;
    fs::write(root.join("my.app.eu.json"), r#"{"a": 2}"#)?;
    fs::write(root.join("config"), "a = 3")?;
    fs::write(root.join("config.eu"), "a = 4")?;
    let plan = Reloader::<App>::builder().file(root.join("my.app.json")).profile("eu").check_blocking()?;
    assert_eq!(numbers(plan.candidate()), [2]);
    let plan = Reloader::<App>::builder()
        .file_as(root.join("config"), Format::Toml)
        .profile("eu")
        .check_blocking()?;
    assert_eq!(numbers(plan.candidate()), [4]);
    Ok(())
}
