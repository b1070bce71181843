//! Saving beside the reload, which never waits for a disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::describe::Describe;
use crate::error::Error;
use crate::layer::Layers;

use super::{GoodSet, SetFile};

/// What was saved.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) at: SystemTime,
    /// The names of the layers that were left out, since they hold secrets.
    pub(crate) left_out: Vec<Arc<str>>,
    /// Nothing of any layer is in it.
    pub(crate) is_empty: bool,
}

/// Saves one set after the other. Of those that come while another one is being written, only the newest is.
#[derive(Clone)]
pub(crate) struct Saver {
    set_file: Arc<SetFile>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    newest: Option<Save>,
    /// A thread will look for the newest before it ends.
    is_served: bool,
}

type Save = Box<dyn FnOnce(&SetFile) + Send>;

impl Saver {
    pub(crate) fn new(set_file: Arc<SetFile>) -> Self {
        Self { set_file, waiting: Arc::default() }
    }

    /// Saves what may be kept of these layers, and says what that was or what went wrong. Within a tokio runtime.
    pub(crate) fn save<T: Describe>(
        &self,
        layers: Layers,
        generation: u64,
        told: impl FnOnce(Result<Saved, Error>) + Send + 'static,
    ) {
        let save: Save = Box::new(move |set_file| {
            let (set, left_out) = GoodSet::of::<T>(&layers, generation, set_file.with_secrets);
            let saved = Saved { at: set.saved_at, left_out, is_empty: set.is_empty() };
            told(set_file.save(&set).map(|()| saved));
        });
        let (passed_over, is_served) = {
            let mut waiting = self.waiting();
            (waiting.newest.replace(save), std::mem::replace(&mut waiting.is_served, true))
        };
        drop(passed_over);
        if !is_served {
            let saver = self.clone();
            tokio::task::spawn_blocking(move || saver.serve());
        }
    }

    /// Tells whether something is being saved, or waits for it.
    pub(crate) fn is_busy(&self) -> bool {
        self.waiting().is_served
    }

    fn serve(&self) {
        while let Some(save) = self.next() {
            // Whatever goes wrong with this one, the next one has its turn.
            let _ = catch_unwind(AssertUnwindSafe(|| save(&self.set_file)));
        }
    }

    fn next(&self) -> Option<Save> {
        let mut waiting = self.waiting();
        let newest = waiting.newest.take();
        waiting.is_served = newest.is_some();
        newest
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::last_good::LastGood;
    use crate::layer::{LayerSettings, Lints};

    fn layers() -> Layers {
        let settings = [LayerSettings::new("app")];
        Layers { settings: settings.into(), documents: Vec::new(), lints: Lints::default() }
    }

    #[tokio::test]
    async fn of_those_that_wait_only_the_newest_is_saved() {
        let root = tempfile::tempdir().unwrap();
        let set_file = LastGood::in_directory(root.path()).into_file([], 1 << 20).unwrap();
        let saver = Saver::new(Arc::new(set_file));
        let (tell, told) = channel();
        let (go_on, held_up) = channel::<()>();
        let save = |number: u64, first: Box<dyn FnOnce() + Send>| {
            let tell = tell.clone();
            saver.save::<u8>(layers(), number, move |saved| {
                tell.send((number, saved.is_ok())).unwrap();
                first();
            });
        };
        let patience = Duration::from_secs(20);
        save(1, Box::new(move || held_up.recv().unwrap()));
        assert_eq!(told.recv_timeout(patience), Ok((1, true)));
        for number in 2..5 {
            save(number, Box::new(|| panic!("whoever is told panics")));
        }
        go_on.send(()).unwrap();
        assert_eq!(told.recv_timeout(patience), Ok((4, true)));
        save(5, Box::new(|| {}));
        assert_eq!(told.recv_timeout(patience), Ok((5, true)));
        let settings = layers().settings;
        let loaded = saver.set_file.load(&settings).unwrap().unwrap();
        assert_eq!(loaded.generation, 5);
    }
}
