//! A program with a subcommand that checks its configuration, for operators and for CI.
//!
//! `cargo run --example check_config -- check-config --help` tells of its arguments.
//!
//! Ends with: `exit status 0 if it is valid, 1 if it is refused, 2 if it cannot be read`

use std::error::Error;
use std::process::ExitCode;

use reloadable::{Builder, Reloadable, Reloader, check_main};
use serde::Deserialize;

#[derive(Deserialize, Reloadable)]
#[allow(dead_code, reason = "the program does nothing but check")]
struct App {
    listen: std::net::SocketAddr,
    #[reload(range(1..=64))]
    workers: u16,
}

/// The layers are told once, for the program and for the check.
fn layers() -> Builder<App> {
    Reloader::builder().set(["listen=127.0.0.1:8080"])
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "check-config") {
        return Ok(check_main(layers(), arguments));
    }

    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    for text in ["workers = 4\n", "workers = 4\nworkrs = 8\n", "workers = 400\n"] {
        std::fs::write(&path, text)?;
        println!("$ check-config app.toml    # {text:?}");
        // The exit status is what `main` would return.
        let status = check_main(layers(), [&path]);
        println!("{}\n", if status == ExitCode::SUCCESS { "ok" } else { "not ok" });
    }
    println!("exit status 0 if it is valid, 1 if it is refused, 2 if it cannot be read");
    Ok(ExitCode::SUCCESS)
}
