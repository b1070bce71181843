//! A configuration with one mistake of every kind, and the report that names them all at once.
//!
//! Ends with: `refused, and told why`

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;

use reloadable::{Env, Reloadable, Reloader, Secret};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it never comes to be")]
struct App {
    listen: SocketAddr,
    #[reload(length(16..))]
    api_token: Secret<String>,
    database: Database,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[allow(dead_code, reason = "it never comes to be")]
struct Database {
    host: String,
    #[reload(range(1..=1024))]
    pool_size: u16,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it never comes to be")]
struct Route {
    name: String,
    path: String,
}

const APP: &str = r#"
listen = "127.0.0.1:8080"
api_token = "too short"
route = []

[database]
pool_size = 20

[[routes]]
name = "api"
path = 7
"#;

const POOL: &str = "[database]\npool_size = 5000\n";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("app.toml"), APP)?;
    // As most systems do it unless told otherwise.
    #[cfg(unix)]
    std::fs::set_permissions(
        directory.path().join("app.toml"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )?;
    std::fs::create_dir(directory.path().join("conf.d"))?;
    std::fs::write(directory.path().join("conf.d/20-pool.toml"), POOL)?;
    std::env::set_current_dir(directory.path())?;

    let refused = Reloader::<App>::builder()
        .file("app.toml")
        .secrets()
        .directory("conf.d", "*.toml")
        .env(Env::prefixed("APP").variables([("APP_LISTEN", "everywhere"), ("APP_LABLES__TEAM", "x")]))
        .set(["labels.env=test"])
        .start_blocking();
    let Err(error) = refused else { return Err("it was accepted".into()) };
    println!("{error:#}");
    println!();
    println!("refused, and told why");
    Ok(())
}
