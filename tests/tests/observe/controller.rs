//! What a controller logs.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reloadable::{Controller, Format, Informer, Jitter, MemoryCollection, ReconcileError, Requeue};
use tracing_subscriber::fmt::MakeWriter;

type Route = std::collections::BTreeMap<String, u16>;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_says_which_key_failed_how_and_that_it_was_given_up() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).without_time();
    let _logging = tracing::subscriber::set_default(subscriber.finish());
    let (source, routes) = MemoryCollection::<String>::new("routes", Format::Toml);
    routes.upsert("api", "port = 80");
    let informer = Informer::<Route>::builder().source(source).start().await.unwrap();
    let controller = Controller::new(informer).name("routes").jitter(Jitter::None);
    let run = controller.timeout(Duration::from_secs(1)).run(|_, context| async move {
        match context.attempt() {
            1 => Err(ReconcileError::transient("busy")),
            2 => panic!("oh"),
            3 => std::future::pending().await,
            4 => {
                tracing::info!("within the run");
                Err(ReconcileError::permanent("no such upstream"))
            }
            _ => Ok(Requeue::done()),
        }
    });
    let handle = run.unwrap();
    let mut dead = handle.dead_letters();
    tokio::time::timeout(Duration::from_secs(60), dead.changed()).await.unwrap().unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told: Vec<_> =
        text.lines().filter(|line| line.contains("reconcil") || line.contains("reloadable")).collect();
    assert_eq!(
        told,
        [
            r#" WARN reloadable: a run has failed controller="routes" key="api" attempt=1 kind="transient" error="busy""#,
            r#" WARN reloadable: a run has failed controller="routes" key="api" attempt=2 kind="panicked" error="panicked while reconciling: oh""#,
            r#" WARN reloadable: a run has failed controller="routes" key="api" attempt=3 kind="timed_out" error="it took longer than 1s""#,
            r#" INFO reconcile{controller="routes" key="api" attempt=4}: observe::controller: within the run"#,
            r#" WARN reloadable: a run has failed controller="routes" key="api" attempt=4 kind="permanent" error="no such upstream""#,
            r#" WARN reloadable: given up until something new is told of it controller="routes" key="api" attempts=4 error="no such upstream""#,
        ]
    );
}
