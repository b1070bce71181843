//! How long it takes from the moment a save is complete to the task that waited for it, beside what people write by
//! hand instead: an inotify loop, a notify callback and notify-debouncer-full, by turns, each in a directory of its
//! own.
//!
//! `-- --test` goes through it once, `-- vim swap` takes only the ways to save whose name contains one of the words, and
//! `RELOADABLE_BENCH_ROUNDS` says how often each is saved.

#[cfg(target_os = "linux")]
mod competitors;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod saves;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    measure::all()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("it is measured beside inotify, which only Linux has");
}
