//! A directory of route files drives a small HTTP proxy: each file takes effect alone, a broken one keeps its last good
//! self, and a route whose upstream does not answer is tried again, given up, and comes back when its file is mended.
//!
//! Ends with: `6 changes took effect alone, 1 route was given up and came back`

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::any;
use reloadable::{Controller, Informer, ReconcileContext, ReconcileError, Reloadable, Requeue, atomic_write};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// One file of `routes.d`.
#[derive(Debug, Clone, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Route {
    #[reload(non_empty)]
    path: String,
    upstream: SocketAddr,
}

/// What the proxy serves, by the names of the routes.
type Table = Arc<Mutex<BTreeMap<String, Route>>>;

fn with<R>(table: &Table, use_it: impl FnOnce(&mut BTreeMap<String, Route>) -> R) -> R {
    use_it(&mut table.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Brings one route to where its file says it should be. It does not ask what has happened, so it may be run twice, after a
/// restart, or for nothing.
async fn reconcile(
    name: String,
    context: ReconcileContext<Route>,
    table: Table,
) -> Result<Requeue, ReconcileError> {
    let Some(route) = context.get() else {
        println!("{name}: taken down");
        with(&table, |table| table.remove(&name));
        return Ok(Requeue::done());
    };
    // A route is taken into use only if somebody answers there. Any error is worth another try.
    timeout(Duration::from_secs(1), TcpStream::connect(route.upstream)).await??;
    println!("{name}: {} goes to {}", route.path, route.upstream);
    with(&table, |table| table.insert(name, Route::clone(&route)));
    // Nobody tells of an upstream that dies, so it is looked at again.
    Ok(Requeue::after(Duration::from_secs(30)))
}

/// Passes a request on to whoever has the path.
async fn forward(State(table): State<Table>, request: Request) -> (StatusCode, String) {
    let path = request.uri().path();
    let upstream =
        with(&table, |table| table.values().find(|route| route.path == path).map(|route| route.upstream));
    let Some(upstream) = upstream else { return (StatusCode::NOT_FOUND, "no route".to_owned()) };
    match ask(upstream, path).await {
        Ok((status, body)) => (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), body),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let routes = directory.path();
    let (red, blue) = (serve("red").await?, serve("blue").await?);
    // Nobody answers here.
    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    write(routes, "api", "/api", red)?;
    write(routes, "web", "/web", blue)?;

    let informer = Informer::<Route>::builder().directory(routes, "*.toml").start().await?;
    let table = Table::default();
    let used = Arc::clone(&table);
    let controller = Controller::new(informer.clone())
        .name("routes")
        .concurrency(4)
        .backoff(Duration::from_millis(10), Duration::from_secs(60))
        .max_attempts(4)
        .run(move |name, context| reconcile(name, context, Arc::clone(&used)))?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = listener.local_addr()?;
    let router = Router::new().fallback(any(forward)).with_state(table);
    tokio::spawn(axum::serve(listener, router).into_future());

    let mut changes = 0;
    for (path, wanted) in [("/api", "red"), ("/web", "blue")] {
        until(proxy, path, 200, wanted).await?;
        changes += 1;
    }
    write(routes, "api", "/api", blue)?;
    until(proxy, "/api", 200, "blue").await?;
    changes += 1;

    atomic_write(routes.join("web.toml"), "path = '/web'\nupstream = 'the moon'\n")?;
    eventually("it is seen that it is broken", || !informer.status().broken.is_empty()).await?;
    println!("{}", informer.status().broken[0].report);
    until(proxy, "/web", 200, "blue").await?;
    std::fs::remove_file(routes.join("web.toml"))?;
    until(proxy, "/web", 404, "no route").await?;
    changes += 1;

    let dead = controller.dead_letters();
    write(routes, "new", "/new", nobody)?;
    eventually("it is given up", || dead.len() == 1).await?;
    for letter in dead.list() {
        println!("{}: given up after {} attempts: {}", letter.key, letter.attempts, letter.reason);
    }
    until(proxy, "/new", 404, "no route").await?;
    until(proxy, "/api", 200, "blue").await?;
    changes += 1;
    // An edit of the file brings it back with fresh attempts; `dead.requeue(..)` does so without one.
    write(routes, "new", "/new", red)?;
    until(proxy, "/new", 200, "red").await?;
    eventually("it is no dead letter any more", || dead.is_empty()).await?;
    changes += 1;

    let given_up = controller.status().counts.given_up;
    let left = controller.shutdown(Duration::from_secs(5)).await;
    // What only wanted to be looked at again is not lost: everything is, after a restart.
    println!("left: {:?}", left.delayed());
    println!("{changes} changes took effect alone, {given_up} route was given up and came back");
    Ok(())
}

fn write(routes: &Path, name: &str, path: &str, upstream: SocketAddr) -> std::io::Result<()> {
    let text = format!("path = '{path}'\nupstream = '{upstream}'\n");
    atomic_write(routes.join(format!("{name}.toml")), text)
}

/// An upstream that says its name.
async fn serve(name: &'static str) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, Router::new().fallback(move || async move { name })).into_future());
    Ok(address)
}

/// One request, over a connection of its own.
async fn ask(address: SocketAddr, path: &str) -> Result<(u16, String), Box<dyn Error + Send + Sync>> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("it broke off")?;
    let status = head.split(' ').nth(1).ok_or("it has no status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// Asks the proxy until it answers so.
async fn until(proxy: SocketAddr, path: &str, status: u16, body: &str) -> Result<(), Box<dyn Error>> {
    let wanted = (status, body.to_owned());
    let answers = async {
        while ask(proxy, path).await.ok().as_ref() != Some(&wanted) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), answers)
        .await
        .map_err(|_| format!("{path} never answered {wanted:?}"))?;
    println!("GET {path}: {status} {body}");
    Ok(())
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) -> Result<(), Box<dyn Error>> {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.map_err(|_| format!("it never happened: {what}"))?;
    Ok(())
}
