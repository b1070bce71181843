//! Programs with which people and machines save files, each run on a real disk: every save is published once, whole,
//! and the next one too. What is not installed is passed over, unless `RELOADABLE_SAVERS=required` is set, as
//! `.ci/run savers` does.
#![cfg(target_os = "linux")]

mod desk;
mod editors;
mod kubernetes;
mod process;
mod shell;
mod tools;
