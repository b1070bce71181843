//! What a controller has given up, and whether it works at all.

use std::panic::{AssertUnwindSafe, catch_unwind};

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, Unit, with_recorder};

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// It tells only for a controller that has a name.
pub(crate) struct LetterMeter(Option<Keys>);

struct Keys {
    started: Key,
    letters: Key,
    given_up: Key,
    overflowed: Key,
}

impl LetterMeter {
    pub(crate) fn new(name: Option<&str>) -> Self {
        Self(name.map(|name| {
            let key = |metric: &'static str| {
                Key::from_parts(metric, vec![Label::new("controller", name.to_owned())])
            };
            Keys {
                started: key("controller_started"),
                letters: key("controller_dead_letters"),
                given_up: key("controller_given_up_total"),
                overflowed: key("controller_overflowed_total"),
            }
        }))
    }

    /// Totals are set, not added to: a recorder that is installed late has them as well.
    #[allow(clippy::cast_precision_loss, reason = "nobody gives up as many as 2^53 keys")]
    pub(crate) fn publish(&self, has_started: bool, letters: usize, given_up: u64, overflowed: u64) {
        let Some(keys) = &self.0 else { return };
        // A panic of the recorder ends nothing.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            with_recorder(|recorder| {
                describe(recorder);
                recorder.register_gauge(&keys.started, &METADATA).set(f64::from(u8::from(has_started)));
                recorder.register_gauge(&keys.letters, &METADATA).set(letters as f64);
                recorder.register_counter(&keys.given_up, &METADATA).absolute(given_up);
                recorder.register_counter(&keys.overflowed, &METADATA).absolute(overflowed);
            });
        }));
    }
}

fn describe(recorder: &dyn Recorder) {
    for (name, text) in [
        ("controller_started", "Whether every informer had its first list, so that keys are worked on."),
        ("controller_dead_letters", "Keys that were given up."),
    ] {
        recorder.describe_gauge(KeyName::from_const_str(name), Some(Unit::Count), text.into());
    }
    for (name, text) in [
        ("controller_given_up_total", "How often a key became a dead letter."),
        ("controller_overflowed_total", "How often there was no room for one more dead letter."),
    ] {
        recorder.describe_counter(KeyName::from_const_str(name), Some(Unit::Count), text.into());
    }
}
