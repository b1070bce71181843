//! Six layers, from the program's defaults to an override at run time, and where each value comes from.
//!
//! Ends with: `the file shows through again: pool_size 20`

use std::error::Error;

use reloadable::{Env, Reloadable, Reloader, Secret};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Reloadable)]
struct App {
    listen: String,
    database: Database,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize, Reloadable)]
struct Database {
    #[serde(default = "Database::host")]
    host: String,
    password: Secret<String>,
    #[reload(range(1..=1024))]
    pool_size: u16,
}

impl Database {
    fn host() -> String {
        "localhost".to_owned()
    }
}

/// What the program ships with; any struct will do that has some of the fields.
#[derive(Serialize)]
struct Defaults {
    listen: &'static str,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    std::env::set_current_dir(directory.path())?;
    std::fs::write("app.toml", "[database]\npool_size = 20\n")?;
    std::fs::write("app.production.toml", "listen = '0.0.0.0:80'\ntags = ['production']\n")?;
    std::fs::create_dir("conf.d")?;
    std::fs::write("conf.d/10-tags.toml", "tags = ['eu']\n")?;
    std::fs::write("secrets.toml", "[database]\npassword = 'correct horse battery staple'\n")?;
    #[cfg(unix)]
    std::fs::set_permissions("secrets.toml", std::os::unix::fs::PermissionsExt::from_mode(0o600))?;

    let config = Reloader::<App>::builder()
        .defaults(Defaults { listen: "127.0.0.1:8080" })
        .file("app.toml")
        .profile("production")
        .directory("conf.d", "*.toml")
        .arrays(reloadable::Arrays::Append)
        .file("local.toml")
        .optional()
        .file("secrets.toml")
        .secrets()
        // In a program: `.env("APP")`.
        .env(Env::prefixed("APP").variables([("APP_DATABASE__POOL_SIZE", "30")]))
        // What followed each `--set`.
        .set(["database.pool_size=40"])
        .start()
        .await?;

    println!("{}\n", config.snapshot().explain_all());
    if let Some(explanation) = config.snapshot().explain("database.pool_size") {
        println!("{explanation}\n");
    }

    // At run time, code has the last word, until it takes it back.
    let outcome = config.set_override("database.pool_size", 64).await;
    println!("{outcome}");
    let refused = config.set_override("database.pool_size", 5000).await;
    println!("{refused}");
    config.clear_overrides().await;

    let plain = Reloader::<App>::builder()
        .defaults(Defaults { listen: "127.0.0.1:8080" })
        .file("app.toml")
        .file("secrets.toml")
        .secrets();
    let plan = config.check(plain).await?;
    println!("without the upper layers: {plan}\n");
    println!("the file shows through again: pool_size {}", plan.candidate().database.pool_size);
    Ok(())
}
