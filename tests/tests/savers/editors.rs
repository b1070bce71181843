//! Editors, each in all the ways in which it saves.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{ChildStdout, Stdio};

use crate::desk::{Desk, Save, Way};
use crate::process::{program, run, succeed};

/// `backupskip` is emptied since it turns the backups off in directories for temporary files.
fn vim(save: &Save, settings: &str) {
    let [old, new] = save.words();
    run(program("vim")
        .args(["-e", "-s", "-u", "NONE", "-i", "NONE"])
        .args([
            "-c",
            "set nocompatible backupskip= directory=. updatecount=200",
            "-c",
            &format!("set {settings}"),
        ])
        .args(["-c", &format!("%s/{old}/{new}/"), "-c", "wq"])
        .arg(&save.path));
}

#[test]
fn vim_renames() {
    let Some(desk) = Desk::with(&["vim"]) else { return };
    desk.saves(Way::Replaced, |save| vim(save, "writebackup backupcopy=no"));
}

#[test]
fn vim_chooses() {
    let Some(desk) = Desk::with(&["vim"]) else { return };
    desk.saves(Way::Replaced, |save| vim(save, "writebackup backupcopy=auto"));
}

#[test]
fn vim_copies() {
    let Some(desk) = Desk::with(&["vim"]) else { return };
    desk.saves(Way::Rewritten, |save| vim(save, "writebackup backupcopy=yes"));
}

#[test]
fn vim_keeps_the_backup() {
    let Some(desk) = Desk::with(&["vim"]) else { return };
    desk.saves(Way::Replaced, |save| vim(save, "backup backupcopy=no"));
}

#[test]
fn vim_without_backup() {
    let Some(desk) = Desk::with(&["vim"]) else { return };
    desk.saves(Way::Rewritten, |save| vim(save, "nobackup nowritebackup"));
}

/// Backups are asked for since Emacs makes none in directories for temporary files.
fn emacs(save: &Save, settings: &str) {
    let [old, new] = save.words().map(|words| words.replace('"', "\\\""));
    run(program("emacs")
        .args(["--batch", "--quick"])
        .args(["--eval", "(setq backup-enable-predicate (lambda (_) t))"])
        .args(["--eval", settings])
        .arg(&save.path)
        .args(["--eval", &format!("(while (search-forward \"{old}\" nil t) (replace-match \"{new}\" t t))")])
        .args(["--eval", "(save-buffer)"]));
}

#[test]
fn emacs_renames_to_its_backup() {
    let Some(desk) = Desk::with(&["emacs"]) else { return };
    desk.saves(Way::Replaced, |save| emacs(save, "(setq make-backup-files t)"));
}

#[test]
fn emacs_copies_to_its_backup() {
    let Some(desk) = Desk::with(&["emacs"]) else { return };
    desk.saves(Way::Rewritten, |save| emacs(save, "(setq backup-by-copying t)"));
}

#[test]
fn emacs_without_backup() {
    let Some(desk) = Desk::with(&["emacs"]) else { return };
    desk.saves(Way::Rewritten, |save| emacs(save, "(setq make-backup-files nil)"));
}

#[test]
fn emacs_with_precious_files() {
    let Some(desk) = Desk::with(&["emacs"]) else { return };
    desk.saves(Way::Replaced, |save| emacs(save, "(setq file-precious-flag t make-backup-files nil)"));
}

/// Nano has no other way in than a terminal, so `script` gives it one. What is typed before it has set that up
/// would be lost.
fn nano(save: &Save, options: &str) {
    let command =
        format!("stty rows 24 cols 80; exec timeout --foreground 60 nano --ignorercfiles {options} app.toml");
    let mut script = program("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(save.directory())
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut keyboard = script.stdin.take().expect("there is a pipe");
    let mut screen = script.stdout.take().expect("there is a pipe");
    wait_for(&mut screen, "GNU nano");
    let [old, new] = save.words();
    let (replace, all, write, exit) = ("\x1br", "a", "\x0f\r", "\x18");
    write!(keyboard, "{replace}{old}\r{new}\r{all}{write}{exit}").expect("nano reads");
    script.stdout = Some(screen);
    succeed(script, "nano");
}

fn wait_for(screen: &mut ChildStdout, wanted: &str) {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(wanted) {
        let mut bytes = [0; 4096];
        let count = screen.read(&mut bytes).expect("the terminal can be read");
        assert!(count > 0, "it ended without {wanted:?}: {:?}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&bytes[..count]);
    }
}

#[test]
fn nano_in_a_terminal() {
    let Some(desk) = Desk::with(&["nano", "script", "timeout"]) else { return };
    desk.saves(Way::Rewritten, |save| nano(save, ""));
}

#[test]
fn nano_with_a_backup() {
    let Some(desk) = Desk::with(&["nano", "script", "timeout"]) else { return };
    desk.saves(Way::Rewritten, |save| nano(save, "--backup"));
}

#[test]
fn ed_from_a_script() {
    let Some(desk) = Desk::with(&["ed"]) else { return };
    desk.saves(Way::Rewritten, |save| {
        let [old, new] = save.words();
        let commands = save.new.with_extension("ed");
        fs::write(&commands, format!(",s/{old}/{new}/\nw\nq\n")).expect("a file");
        let commands = File::open(commands).expect("the commands are there");
        let child = program("ed").arg("-s").arg(&save.path).stdin(commands).spawn().expect("ed starts");
        succeed(child, "ed");
    });
}
