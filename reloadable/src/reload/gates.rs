//! Asking the gates, one after the other.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

use super::inside::Marker;
use crate::gate::{Gate, Prepared, Refusal};
use crate::load::{Reloadable, guarded, what_panicked};
use crate::observe::carried_future;
use crate::path::FieldPath;
use crate::publish::Snapshot;
use crate::report::{Report, Violation};
use crate::status::{Veto, VetoCause};

/// All gates, in the order in which they are asked.
pub(super) struct Gates<T> {
    gates: Vec<Guarded<T>>,
}

struct Guarded<T> {
    gate: Gate<T>,
    /// What did not end when its time was over. What it may still prepare belongs to nobody, and is given up by itself.
    stuck: Option<AbortHandle>,
}

/// What the gates have made ready, with their names.
pub(super) struct AllPrepared<T: Reloadable> {
    prepared: Vec<(Arc<str>, Prepared)>,
    of: std::marker::PhantomData<fn() -> T>,
}

/// How long a gate that is ended has to do so: any that waits ends at once, and one that blocks its thread does not.
const GRACE: Duration = Duration::from_millis(100);

impl<T: Reloadable> Gates<T> {
    pub(super) fn new(gates: Vec<Gate<T>>) -> Self {
        Self { gates: gates.into_iter().map(|gate| Guarded { gate, stuck: None }).collect() }
    }

    /// Asks all gates that are concerned. If one refuses, what those before it have made ready is given up.
    pub(super) async fn ask(
        &mut self,
        inside: Marker,
        running: Option<&Arc<Snapshot<T>>>,
        candidate: &Arc<Snapshot<T>>,
    ) -> Result<AllPrepared<T>, Veto> {
        let mut all = AllPrepared { prepared: Vec::new(), of: std::marker::PhantomData };
        for guarded in &mut self.gates {
            let name = Arc::clone(&guarded.gate.name);
            if let Some(prepared) = guarded.ask(inside, running, candidate).await? {
                all.prepared.push((name, prepared));
            }
        }
        Ok(all)
    }
}

impl<T: Reloadable> Guarded<T> {
    async fn ask(
        &mut self,
        inside: Marker,
        running: Option<&Arc<Snapshot<T>>>,
        candidate: &Arc<Snapshot<T>>,
    ) -> Result<Option<Prepared>, Veto> {
        let Gate { name, timeout: limit, code } = &self.gate;
        let veto = |cause, reason: &str| Veto::new(Arc::clone(name), cause, reason);
        if let Some(running) = running {
            match catch_unwind(AssertUnwindSafe(|| code.concerns(running, candidate))) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(payload) => return Err(veto(VetoCause::Panicked, &panicked::<T>(payload.as_ref()))),
            }
        }
        if self.stuck.as_ref().is_some_and(|task| !task.is_finished()) {
            let reason = "it has not ended since it was asked before; does it block its thread?";
            return Err(veto(VetoCause::TimedOut, reason));
        }
        self.stuck = None;
        // What it says may quote a secret, as an address with a password. What the candidate keeps, the running one holds.
        let shown = |refusal: &Refusal| {
            let reason = candidate.basis().hide_secrets::<T>(refusal.reason());
            running.map(|running| running.without_secrets(&reason)).unwrap_or(reason)
        };
        let (code, running, candidate) = (Arc::clone(code), running.cloned(), Arc::clone(candidate));
        // In a task of its own, so that one that blocks its thread does not block the reloader's for good.
        let asking = inside.scope(async move { code.ask(running, candidate).await });
        let mut task = Asked(tokio::spawn(carried_future(asking)));
        match timeout(*limit, &mut task.0).await {
            Ok(Ok(Ok(prepared))) => Ok(Some(prepared)),
            Ok(Ok(Err(refusal))) => Err(veto(VetoCause::Refused, &shown(&refusal))),
            Ok(Err(ended)) => {
                let reason = match ended.try_into_panic() {
                    Ok(payload) => panicked::<T>(payload.as_ref()),
                    Err(_) => "it was ended, as the runtime ends".to_owned(),
                };
                Err(veto(VetoCause::Panicked, &reason))
            }
            Err(_) => {
                let veto = veto(VetoCause::TimedOut, &format!("it did not answer within {limit:?}"));
                task.0.abort();
                match timeout(GRACE, &mut task.0).await {
                    Ok(late) => give_up(late),
                    Err(_) => self.stuck = Some(task.0.abort_handle()),
                }
                Err(veto)
            }
        }
    }
}

/// A gate that is being asked. Dropped, it is not asked any more.
struct Asked(JoinHandle<Result<Prepared, Refusal>>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Drops what was prepared. One that panics does not keep the others, and the panic hook has what it said.
fn give_up<P>(prepared: P) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(prepared)));
}

fn panicked<T: Reloadable>(payload: &(dyn Any + Send)) -> String {
    what_panicked::<T>("deciding", payload)
}

impl<T: Reloadable> AllPrepared<T> {
    /// Takes everything into use, in order. It is called right after the publication.
    pub(super) fn commit(mut self) -> Report {
        let mut report = Report::new();
        for (name, prepared) in std::mem::take(&mut self.prepared) {
            if let Err(panicked) = guarded::<T, _>("committing", || prepared.run()) {
                report.extend(panicked.violations().iter().map(|violation| {
                    let message = format!("the gate `{name}` {}", violation.message());
                    Violation::new(FieldPath::root(), "commit", message).into_warning()
                }));
            }
        }
        report
    }
}

/// Gives up what was not committed, the last first.
impl<T: Reloadable> Drop for AllPrepared<T> {
    fn drop(&mut self) {
        while let Some((_, prepared)) = self.prepared.pop() {
            give_up(prepared);
        }
    }
}
