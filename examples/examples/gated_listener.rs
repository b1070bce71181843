//! A socket that is rebound while it serves: the new one is open before the old one closes, and a port that is in use
//! refuses the reload.
//!
//! Ends with: `bound 2 times, refused 1 time, 0 of the requests failed`

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use reloadable::{Prepared, Refusal, ReloadOutcome, Reloadable, Reloader};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

#[derive(Deserialize, Reloadable)]
struct App {
    listen: SocketAddr,
    greeting: String,
}

fn write(path: &Path, listen: SocketAddr) -> std::io::Result<()> {
    reloadable::atomic_write(path, format!("listen = \"{listen}\"\ngreeting = \"hello\"\n"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    write(&path, free().await?)?;

    // The gate binds the new address before anybody sees it. Its commit hands the socket to the server, right after the
    // configuration is published; if another gate refused, the socket would be closed again.
    let (listeners, new_listeners) = mpsc::unbounded_channel();
    let config = Reloader::<App>::builder()
        .file(&path)
        .gate_on(
            "listener",
            |app| &app.listen,
            move |candidate| {
                let listeners = listeners.clone();
                async move {
                    let address = candidate.value();
                    // The error alone would not say which address is in use.
                    let refusal = |error| Refusal::new(format!("{address}: {error}"));
                    let listener = TcpListener::bind(address).await.map_err(refusal)?;
                    println!("bound for generation {}", candidate.generation());
                    Ok(Prepared::commit(move || {
                        // The server may have ended, as at the end of the program.
                        let _ = listeners.send(listener);
                    }))
                }
            },
        )
        .start()
        .await?;
    let server = tokio::spawn(serve(config.clone(), new_listeners));

    // A client that asks all the time, at the address in force.
    let (failed, is_over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let client = tokio::spawn(ask_on(config.clone(), Arc::clone(&failed), Arc::clone(&is_over)));
    assert_eq!(ask(config.load().listen).await?, "hello");

    // Another port: both are open for a moment, so that nobody is turned away.
    let mut changes = config.subscribe_to(|app| &app.listen);
    write(&path, free().await?)?;
    let moved = changes.changed().await?;
    assert_eq!(ask(*moved.current()).await?, "hello");
    println!("generation {} serves another port", moved.generation());

    // A port that somebody else has: the reload is refused, and everything stays as it is.
    let taken = TcpListener::bind("127.0.0.1:0").await?;
    write(&path, taken.local_addr()?)?;
    let outcome = config.reload().await;
    let ReloadOutcome::Vetoed(veto) = &outcome else { return Err(outcome.to_string().into()) };
    println!("refused by the gate {}: {}", veto.gate(), veto.reason());
    assert_eq!((config.load().listen, config.status().is_healthy()), (*moved.current(), false));
    assert_eq!(ask(config.load().listen).await?, "hello");

    is_over.store(true, Ordering::Relaxed);
    client.await??;
    config.shutdown().await;
    let bound = server.await??;
    println!(
        "bound {bound} times, refused 1 time, {} of the requests failed",
        failed.load(Ordering::Relaxed)
    );
    Ok(())
}

/// Serves the newest of the listeners, and returns how many there were.
async fn serve(
    config: Reloader<App>,
    mut listeners: mpsc::UnboundedReceiver<TcpListener>,
) -> std::io::Result<u32> {
    let Some(mut listener) = listeners.recv().await else { return Ok(0) };
    let mut bound = 1;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (mut stream, _) = accepted?;
                let greeting = config.load().greeting.clone();
                stream.write_all(greeting.as_bytes()).await?;
            }
            new = listeners.recv() => match new {
                // The old one closes here, where the new one is open already. What waits in its queue is served first.
                Some(new) => {
                    let old = std::mem::replace(&mut listener, new);
                    bound += 1;
                    while let Ok(accepted) = tokio::time::timeout(std::time::Duration::ZERO, old.accept()).await {
                        let (mut stream, _) = accepted?;
                        stream.write_all(config.load().greeting.as_bytes()).await?;
                    }
                }
                None => return Ok(bound),
            },
        }
    }
}

/// Asks at the address in force, again and again.
async fn ask_on(
    config: Reloader<App>,
    failed: Arc<AtomicU32>,
    is_over: Arc<AtomicBool>,
) -> std::io::Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        let before = config.snapshot();
        let answered = ask(before.listen).await;
        // Whoever is overtaken by a move asks again, as any client does.
        if answered.is_err() && config.snapshot().generation() == before.generation() {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut answer = String::new();
    TcpStream::connect(address).await?.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Finds an address that nobody has at the moment.
async fn free() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr()
}
