//! A configuration file to start from, and all fields as a list: for `--print-config` and for documentation.
//!
//! Ends with: `tls.certificate: text; secret: false, optional: false`

use std::error::Error;

use reloadable::{Format, Reloadable};
use serde::Deserialize;

/// A small web server.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(default, deny_unknown_fields)]
struct App {
    /// Where connections are accepted.
    #[reload(restart)]
    listen: String,
    /// How many requests are worked on at once.
    #[reload(range(1..=1024))]
    workers: u16,
    #[reload(secret)]
    token: String,
    log: Log,
    /// Without it, connections are not encrypted.
    tls: Option<Tls>,
}

/// What is written to the log.
#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
enum Log {
    /// Every request.
    Requests,
    /// Only what went wrong.
    #[default]
    Errors,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Tls {
    #[reload(file)]
    certificate: String,
}

impl Default for App {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            workers: 4,
            token: String::new(),
            log: Log::default(),
            tls: None,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", App::template(Format::Toml));

    for field in App::fields() {
        println!("{}: {}; secret: {}, optional: {}", field.path, field.words, field.secret, field.optional);
    }
    Ok(())
}
