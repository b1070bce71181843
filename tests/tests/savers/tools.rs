//! Programs that edit, copy or unpack.

use std::fs;
use std::path::Path;

use crate::desk::{Desk, Save, VERSIONS, Way, text};
use crate::process::{program, run};

#[test]
fn sed() {
    let Some(desk) = Desk::with(&["sed"]) else { return };
    desk.saves(Way::Replaced, |save| {
        let [old, new] = save.words();
        run(program("sed").args(["-i", &format!("s/{old}/{new}/")]).arg(&save.path));
    });
}

#[test]
fn perl() {
    let Some(desk) = Desk::with(&["perl"]) else { return };
    desk.saves(Way::Replaced, |save| {
        let [old, new] = save.words();
        run(program("perl").args(["-pi", "-e", &format!("s/{old}/{new}/")]).arg(&save.path));
    });
}

#[test]
fn perl_with_a_backup() {
    let Some(desk) = Desk::with(&["perl"]) else { return };
    desk.saves(Way::Replaced, |save| {
        let [old, new] = save.words();
        run(program("perl").args(["-pi.bak", "-e", &format!("s/{old}/{new}/")]).arg(&save.path));
    });
}

/// As programs do that know how to save.
const REPLACE: &str = "
import os, sys, tempfile
path, new = sys.argv[1:]
with tempfile.NamedTemporaryFile('w', dir=os.path.dirname(path), delete=False) as beside:
    beside.write(open(new).read())
    beside.flush()
    os.fsync(beside.fileno())
os.replace(beside.name, path)
";

/// As programs do that do not, in one piece and in many.
const REWRITE: &str = "
import sys
path, new = sys.argv[1:]
with open(path, 'w') as file:
    for line in open(new):
        file.write(line)
        file.flush()
";

fn python(save: &Save, script: &str) {
    run(program("python3").args(["-I", "-c", script]).args([&save.path, &save.new]));
}

#[test]
fn python_replaces() {
    let Some(desk) = Desk::with(&["python3"]) else { return };
    desk.saves(Way::Replaced, |save| python(save, REPLACE));
}

#[test]
fn python_rewrites() {
    let Some(desk) = Desk::with(&["python3"]) else { return };
    desk.saves(Way::Rewritten, |save| python(save, REWRITE));
}

/// Times are ignored, since a file of the same second and length would not be copied.
fn rsync(save: &Save, options: &[&str]) {
    run(program("rsync").arg("--ignore-times").args(options).args([&save.new, &save.path]));
}

#[test]
fn rsync_renames() {
    let Some(desk) = Desk::with(&["rsync"]) else { return };
    desk.saves(Way::Replaced, |save| rsync(save, &["--archive"]));
}

#[test]
fn rsync_in_place() {
    let Some(desk) = Desk::with(&["rsync"]) else { return };
    desk.saves(Way::Rewritten, |save| rsync(save, &["--inplace"]));
}

/// Only the pieces that differ are written, one after the other.
#[test]
fn rsync_in_place_in_pieces() {
    let Some(desk) = Desk::with(&["rsync"]) else { return };
    let save = |save: &Save| rsync(save, &["--inplace", "--no-whole-file", "--block-size=700"]);
    desk.saves_of_equal_length(Way::Rewritten, save);
}

#[test]
fn tar() {
    let Some(desk) = Desk::with(&["tar"]) else { return };
    desk.saves(Way::Recreated, |save| {
        let [from, to] = [&save.new, &save.path].map(|path| path.parent().expect("a directory"));
        fs::rename(&save.new, from.join("app.toml")).expect("the new name");
        run(program("tar").current_dir(from).args(["-cf", "new.tar", "app.toml"]));
        run(program("tar").current_dir(to).arg("-xf").arg(from.join("new.tar")));
    });
}

fn git(directory: &Path, arguments: &[&str]) {
    let settings = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "gc.auto=0"];
    run(program("git").current_dir(directory).args(settings).args(arguments));
}

#[test]
fn git_checkout() {
    let Some(desk) = Desk::with(&["git"]) else { return };
    git(&desk.etc, &["init", "--quiet"]);
    for version in VERSIONS {
        fs::write(desk.etc.join("app.toml"), text(version)).expect("a file");
        git(&desk.etc, &["add", "app.toml"]);
        git(&desk.etc, &["commit", "--quiet", "--message", "a version"]);
        git(&desk.etc, &["tag", &tag(version)]);
    }
    git(&desk.etc, &["checkout", "--quiet", &tag(VERSIONS[0])]);
    desk.saves(Way::Recreated, |save| git(&desk.etc, &["checkout", "--quiet", &tag(save.new_version)]));
}

fn tag(version: u32) -> String {
    format!("v{version}")
}
