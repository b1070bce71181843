//! A page that Prometheus scrapes. It is scraped here as well: after an edit that is refused, and after its revert.
//!
//! Ends with: `app_config_last_reload_successful 1`

use std::error::Error;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusBuilder;
use reloadable::{Reloadable, Reloader, atomic_write};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Deserialize, Reloadable)]
struct App {
    #[reload(range(1..=64))]
    workers: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    std::fs::write(&path, "workers = 4\n")?;

    let page = PrometheusBuilder::new().install_recorder()?;
    let config = Reloader::<App>::builder().file(&path).metrics_prefix("app").start().await?;
    println!("{} workers", config.load().workers);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let metrics = Router::new().route("/metrics", get(move || async move { page.render() }));
    tokio::spawn(async move { axum::serve(listener, metrics).await });

    let mut outcomes = config.outcomes();
    for text in ["workers = 400\n", "workers = 4\n"] {
        atomic_write(&path, text)?;
        let attempt = outcomes.next().await?;
        println!("attempt {}: {}", attempt.number(), attempt.outcome().name());
        for line in scrape(address).await?.lines().filter(|line| is_shown(line)) {
            println!("{line}");
        }
    }
    Ok(())
}

fn is_shown(line: &str) -> bool {
    line.contains("outcome=\"rejected\"") || line.starts_with("app_config_last_reload_successful")
}

/// What Prometheus does every few seconds.
async fn scrape(address: std::net::SocketAddr) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
