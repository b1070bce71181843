//! What shells do by themselves and with the programs that are everywhere.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::desk::{Desk, Save, Way};
use crate::process::{pass_over, program, run};

/// Runs a script that knows the file to save as `$path` and what is to be saved as `$new`.
fn sh(save: &Save, script: &str) {
    run(program("sh").args(["-euc", script]).env("path", &save.path).env("new", &save.new));
}

#[test]
fn redirection() {
    let Some(desk) = Desk::with(&[]) else { return };
    desk.saves(Way::Rewritten, |save| sh(save, r#"cat "$new" > "$path""#));
}

#[test]
fn redirection_of_many_writes() {
    let Some(desk) = Desk::with(&[]) else { return };
    desk.saves(Way::Rewritten, |save| {
        sh(save, r#"while read -r line; do printf '%s\n' "$line"; done < "$new" > "$path""#)
    });
}

#[test]
fn redirection_with_a_pause() {
    let Some(desk) = Desk::with(&[]) else { return };
    desk.saves(Way::Rewritten, |save| {
        sh(save, r#"{ head -n 15 "$new"; sleep 0.2; tail -n +16 "$new"; } > "$path""#)
    });
}

#[test]
fn redirection_over_the_old_bytes_with_a_pause() {
    let Some(desk) = Desk::with(&[]) else { return };
    desk.saves_of_equal_length(Way::Rewritten, |save| {
        sh(save, r#"{ head -n 15 "$new"; sleep 0.2; tail -n +16 "$new"; } 1<> "$path""#)
    });
}

#[test]
fn tee() {
    let Some(desk) = Desk::with(&["tee"]) else { return };
    desk.saves(Way::Rewritten, |save| sh(save, r#"tee "$path" < "$new" > /dev/null"#));
}

#[test]
fn dd() {
    let Some(desk) = Desk::with(&["dd"]) else { return };
    desk.saves(Way::Rewritten, |save| sh(save, r#"dd if="$new" of="$path" bs=1k status=none"#));
}

#[test]
fn dd_over_the_old_bytes() {
    let Some(desk) = Desk::with(&["dd"]) else { return };
    let save = |save: &Save| sh(save, r#"dd if="$new" of="$path" bs=1k conv=notrunc status=none"#);
    desk.saves_of_equal_length(Way::Rewritten, save);
}

#[test]
fn cp() {
    let Some(desk) = Desk::with(&["cp"]) else { return };
    desk.saves(Way::Rewritten, |save| sh(save, r#"cp "$new" "$path""#));
}

#[test]
fn cp_which_removes_first() {
    let Some(desk) = Desk::with(&["cp"]) else { return };
    desk.saves(Way::Recreated, |save| sh(save, r#"cp --remove-destination "$new" "$path""#));
}

#[test]
fn install() {
    let Some(desk) = Desk::with(&["install"]) else { return };
    desk.saves(Way::Recreated, |save| sh(save, r#"install --mode=600 "$new" "$path""#));
}

#[test]
fn mv() {
    let Some(desk) = Desk::with(&["mv"]) else { return };
    desk.saves(Way::Replaced, |save| sh(save, r#"mv "$new" "$path""#));
}

#[test]
fn mv_across_file_systems() {
    let Some(desk) = Desk::with(&["cp", "mv", "unshare"]) else { return };
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let memory = Path::new("/dev/shm");
    if device(memory).is_some_and(|memory| Some(memory) != device(&desk.etc)) {
        let memory = tempfile::tempdir_in(memory).expect("a directory");
        desk.saves(Way::Recreated, |save| mv_out_of(memory.path(), save, program("sh"), ""));
        return;
    }
    let apart = || {
        let mut unshare = program("unshare");
        unshare.args(["--map-root-user", "--mount", "sh"]);
        unshare
    };
    if !apart().args(["-c", "true"]).status().is_ok_and(|status| status.success()) {
        pass_over("there is no other file system, and none may be mounted");
        return;
    }
    let mount = desk.elsewhere.join("mount");
    fs::create_dir(&mount).expect("a directory");
    desk.saves(Way::Recreated, |save| mv_out_of(&mount, save, apart(), r#"mount -t tmpfs tmpfs "$memory";"#));
}

fn mv_out_of(memory: &Path, save: &Save, mut shell: Command, before: &str) {
    let script = format!(r#"{before} cp "$new" "$memory/app.toml"; mv "$memory/app.toml" "$path""#);
    let shell = shell.args(["-euc", &script]).env("memory", memory);
    run(shell.env("path", &save.path).env("new", &save.new));
}

#[test]
fn another_symlink() {
    let Some(desk) = Desk::with(&["ln"]) else { return };
    desk.saves(Way::Replaced, |save| sh(save, r#"ln -sfn "$new" "$path""#));
}

#[test]
fn another_hard_link() {
    let Some(desk) = Desk::with(&["ln"]) else { return };
    desk.saves(Way::Replaced, |save| sh(save, r#"ln -f "$new" "$path""#));
}

#[test]
fn rm_and_a_symlink() {
    let Some(desk) = Desk::with(&["ln"]) else { return };
    desk.saves(Way::Replaced, |save| sh(save, r#"rm "$path"; ln -s "$new" "$path""#));
}

#[test]
fn rm_and_a_hard_link() {
    let Some(desk) = Desk::with(&["ln"]) else { return };
    desk.saves(Way::Replaced, |save| sh(save, r#"rm "$path"; ln "$new" "$path""#));
}
