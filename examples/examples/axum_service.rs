//! An HTTP server whose routes, limits and texts follow the file, without dropping a connection, and whose `/ready` says
//! whether it serves what is in force.
//!
//! Without an argument it asks itself over one connection while it edits its file, and ends. With the path of a file
//! it serves until Ctrl-C.
//!
//! Ends with: `nine answers over one connection`

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::any;
use reloadable::{Reloadable, Reloader, Subscription};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct App {
    /// A socket that is bound once: a change of it is reported, and waits for a restart.
    #[reload(restart)]
    listen: SocketAddr,
    #[reload(range(1..=1_048_576))]
    max_body: usize,
    #[reload(key = "path")]
    pages: Vec<Page>,
}

#[derive(Deserialize, Reloadable)]
struct Page {
    #[reload(non_empty)]
    path: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = tempfile::tempdir()?;
    let path = given.clone().unwrap_or_else(|| directory.path().join("site.toml"));
    if given.is_none() {
        std::fs::write(&path, site(16, &[("/", "hello")]))?;
    }
    let config = Reloader::<App>::builder().file(&path).start().await?;
    let listener = TcpListener::bind(config.load().listen).await?;
    let address = listener.local_addr()?;
    println!("http://{address} serves {}", path.display());
    tokio::spawn(follow(config.subscribe_to(|app| &app.pages).acknowledging("pages")));
    let router = Router::new().route("/ready", any(ready)).fallback(answer).with_state(config.clone());
    let server = axum::serve(listener, router);
    if given.is_some() {
        return Ok(server.with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?);
    }
    let server = tokio::spawn(server.into_future());

    let mut connection = BufReader::new(TcpStream::connect(address).await?);
    let mut changes = config.subscribe();
    assert_eq!(ask(&mut connection, "/", "").await?, (200, "hello".to_owned()));
    assert_eq!(ask(&mut connection, "/news", "").await?.0, 404);
    assert_eq!(
        ask(&mut connection, "/ready", "").await?,
        (200, "ready, generation 1 is in force".to_owned())
    );
    assert_eq!(ask(&mut connection, "/", "a body of twenty by").await?.0, 413);

    std::fs::write(&path, site(64, &[("/", "good morning"), ("/news", "none")]))?;
    let change = changes.changed().await?;
    println!("{}", change.changes());
    assert_eq!(ask(&mut connection, "/", "").await?, (200, "good morning".to_owned()));
    assert_eq!(ask(&mut connection, "/news", "").await?, (200, "none".to_owned()));
    assert_eq!(ask(&mut connection, "/", "a body of twenty by").await?.0, 200);
    config.wait_applied(change.generation(), Duration::from_secs(10)).await?;
    assert_eq!(ask(&mut connection, "/ready", "").await?.0, 200);

    // It can be served, but not all of it: whoever balances the load is told.
    std::fs::write(&path, site(64, &[("/", "good morning"), ("/ready", "never seen")]))?;
    let change = changes.changed().await?;
    let refused = config.wait_applied(change.generation(), Duration::from_secs(10)).await;
    println!("{}", refused.err().ok_or("a page is hidden")?);
    let (status, why) = ask(&mut connection, "/ready", "").await?;
    assert!(status == 503 && why.ends_with("/ready is not a page"), "{status} {why}");
    server.abort();
    println!("nine answers over one connection");
    Ok(())
}

/// What a program does besides, whenever the pages change: fill a cache, warm up a template; and it says how that went.
async fn follow(mut pages: Subscription<App, Vec<Page>>) {
    while let Ok(change) = pages.changed().await {
        match change.current().iter().find(|page| page.path == "/ready") {
            None => change.applied(),
            Some(page) => change.failed(format_args!("{} is not a page", page.path)),
        }
    }
}

/// For whoever balances the load. A file that is refused does not make it 503, since the last good one serves.
async fn ready(State(config): State<Reloader<App>>) -> (StatusCode, String) {
    let readiness = config.readiness();
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, readiness.to_string())
}

/// Looks the page up in the snapshot of this moment; the whole of one request is answered from one snapshot.
async fn answer(State(config): State<Reloader<App>>, request: Request<Body>) -> (StatusCode, String) {
    let app = config.snapshot();
    let (head, body) = request.into_parts();
    if to_bytes(body, app.max_body).await.is_err() {
        return (StatusCode::PAYLOAD_TOO_LARGE, format!("at most {} bytes", app.max_body));
    }
    match app.pages.iter().find(|page| page.path == head.uri.path()) {
        Some(page) => (StatusCode::OK, page.text.clone()),
        None => (StatusCode::NOT_FOUND, "no such page".to_owned()),
    }
}

fn site(max_body: usize, pages: &[(&str, &str)]) -> String {
    let pages = pages.iter().map(|(path, text)| format!("[[pages]]\npath = {path:?}\ntext = {text:?}\n"));
    format!("listen = \"127.0.0.1:0\"\nmax_body = {max_body}\n{}", pages.collect::<String>())
}

/// One request over a connection that stays open.
async fn ask(
    connection: &mut BufReader<TcpStream>,
    path: &str,
    body: &str,
) -> Result<(u16, String), Box<dyn Error>> {
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    connection.write_all(request.as_bytes()).await?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        if let Some(code) = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next()) {
            status = code.parse()?;
        } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut answer = vec![0; length];
    connection.read_exact(&mut answer).await?;
    Ok((status, String::from_utf8(answer)?))
}
