//! Runs a small service and edits its configuration while it runs, in a temporary directory. With a path it does so
//! there if there is no such file yet, and then follows the file until Ctrl-C, so that you can edit it yourself.
//!
//! Ends with: `every edit reached the part that it concerns, and no other`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reloadable::{ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

#[derive(Deserialize, Reloadable)]
struct App {
    greeting: String,
    pool: Pool,
    routes: Routes,
}

#[derive(Deserialize, Reloadable)]
struct Pool {
    #[reload(range(1..=64))]
    size: u32,
}

// A type of its own, since a subscription that selects a plain `Vec` does not know the `key` on the field around it.
#[derive(Deserialize, Reloadable)]
struct Routes(#[reload(key = "name")] Vec<Route>);

#[derive(Deserialize, Reloadable)]
struct Route {
    name: String,
    weight: u8,
}

const START: &str =
    "greeting = \"hello\"\n[pool]\nsize = 4\n[[routes]]\nname = \"api\"\nweight = 100\n# more\n";
/// What is done, the text that is replaced, the text in its place, and what must arrive.
const EDITS: [(&str, &str, &str, &str); 6] = [
    ("raise the pool to 8", "size = 4", "size = 8", "pool: resized from 4 to 8"),
    ("add a route", "# more", "[[routes]]\nname = \"web\"\nweight = 1\n# more", "routes: [\"web\"]: added"),
    ("halve the weight of api", "weight = 100", "weight = 50", "routes: [\"api\"].weight: 100 -> 50"),
    ("take api away", "[[routes]]\nname = \"api\"\nweight = 50\n", "", "routes: [\"api\"]: removed"),
    ("set the pool to 5000, by mistake", "size = 8", "size = 5000", "3:8  pool.size  5000 is not in 1..=64"),
    ("repair it", "size = 5000", "size = 16", "pool: resized from 8 to 16"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = tempfile::tempdir()?;
    let path = given.clone().unwrap_or_else(|| directory.path().join("app.toml"));
    let is_new = !path.exists();
    if is_new {
        std::fs::write(&path, START)?;
    }
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let (tell, mut told) = unbounded_channel();
    tokio::spawn(serve(config.clone(), tell));
    println!("a service follows {}", path.display());
    if is_new {
        edit(&path, &mut told).await?;
    }
    if given.is_some() {
        println!("\nnow edit {} yourself; Ctrl-C ends it", path.display());
        loop {
            tokio::select! {
                Some(line) = told.recv() => println!("  {line}"),
                ended = tokio::signal::ctrl_c() => return Ok(ended?),
            }
        }
    }
    config.shutdown().await;
    println!("\nevery edit reached the part that it concerns, and no other");
    Ok(())
}

/// The service: each part sleeps until its own section changes, and says what it does about it.
async fn serve(config: Reloader<App>, tell: UnboundedSender<String>) {
    let mut greeting = config.subscribe_to(|app| &app.greeting);
    let mut pool = config.subscribe_to(|app| &app.pool);
    let mut routes = config.subscribe_to(|app| &app.routes);
    let mut statuses = config.subscribe_status();
    let say = |line: String| drop(tell.send(line));
    loop {
        tokio::select! {
            Ok(change) = greeting.changed() => say(format!("greeting: now {:?}", change.current())),
            Ok(change) = pool.changed() => if let Some(size) = change.changes().size {
                say(format!("pool: resized from {} to {}", size.old, size.new));
            },
            Ok(change) = routes.changed() => say(format!("routes: {}", change.changes())),
            Ok(status) = statuses.changed() => if let ReloadOutcome::Rejected(error) = status.last_outcome() {
                say(format!("refused, the pool stays at {}:\n    {}", config.load().pool.size, error.report()));
            },
            else => return,
        }
    }
}

async fn edit(path: &Path, told: &mut UnboundedReceiver<String>) -> Result<(), Box<dyn Error>> {
    let mut text = START.to_owned();
    for (doing, from, to, wanted) in EDITS {
        println!("\n> {doing}");
        text = text.replacen(from, to, 1);
        std::fs::write(path, &text)?;
        let line = timeout(Duration::from_secs(5), told.recv()).await?.ok_or("the service has ended")?;
        println!("  {line}");
        // The pause lets you read along; whoever is woken for nothing has the time to say so.
        sleep(Duration::from_millis(400)).await;
        if !line.contains(wanted) || !told.is_empty() {
            return Err(format!("only `{wanted}` should have arrived").into());
        }
        println!("  nobody else was woken");
    }
    Ok(())
}
