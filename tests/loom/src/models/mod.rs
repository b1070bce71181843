//! What must hold in every order. A thread that waits for ever is found as well: loom tells that nothing can go on.

mod acknowledge;
mod queue;
mod subscribe;

use std::sync::Arc;

use crate::publish::{Current, Made, Publisher, Snapshot};
use crate::subscribe::Sections;

/// Two sections. In what is published here both are the generation, unless a model says otherwise.
#[derive(Debug)]
struct App {
    left: u64,
    right: u64,
}

impl crate::diff::Diff for App {
    type Changes<'a> = ();

    fn diff<'a>(&'a self, new: &'a Self) -> Option<()> {
        ((self.left, self.right) != (new.left, new.right)).then_some(())
    }
}

/// What the task of a reloader holds of it.
struct Writer {
    publisher: Publisher<App>,
    sections: Sections<App>,
}

impl Writer {
    fn new() -> (Self, Current<App>, Sections<App>) {
        let first = Snapshot::new(App { left: 1, right: 1 }, made(), 1);
        let publisher = Publisher::new(Arc::new(first));
        let (current, sections) = (publisher.current().clone(), Sections::new());
        (Self { publisher, sections: sections.clone() }, current, sections)
    }

    /// In the order in which an attempt does it.
    fn publish(&mut self, left: u64, right: u64) {
        let next = self.publisher.next(App { left, right }, made());
        let previous = self.publisher.publish(Arc::clone(&next));
        self.sections.wake(&previous, &next);
    }

    /// In an order that would be wrong: it wakes before it stores.
    fn publish_after_waking(&mut self, left: u64, right: u64) {
        let next = self.publisher.next(App { left, right }, made());
        self.sections.wake(&self.publisher.current().snapshot(), &next);
        self.publisher.publish(next);
    }
}

fn made() -> Made {
    Made { files: Default::default(), layers: Default::default(), kept: None, warnings: Default::default() }
}

fn left(app: &App) -> &u64 {
    &app.left
}

fn right(app: &App) -> &u64 {
    &app.right
}

/// Tries every order with at most `preemptions` switches from a thread that could have gone on.
fn every_order(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Runs a test that must fail, in a process of its own: what loom finds may end it at once.
fn is_found(fault: &str) -> bool {
    let program = std::env::current_exe().expect("a program knows itself");
    let child = std::process::Command::new(program)
        .args(["--exact", fault, "--ignored"])
        .output()
        .expect("a program can be run again");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("running 1 test"), "there is no test {fault}: {said}");
    !child.status.success()
}
