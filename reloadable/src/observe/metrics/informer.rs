//! What an informer counts.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::UNIX_EPOCH;

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, Unit, with_recorder};

use crate::document::Origin;
use crate::observe::InformerFigures;
use crate::status::SourceState;

/// A recorder may come later, so it is asked each time; what it is asked with is made once.
pub(crate) struct InformerMeter {
    labels: Vec<Label>,
    keys: Keys,
    /// The subscribers that were told of last.
    subscribers: BTreeSet<String>,
}

struct Keys {
    objects: Key,
    broken: Key,
    withheld: Key,
    synced: Key,
    connected: Key,
    confirmed: Key,
    events: [Key; 4],
    lists: [Key; 2],
    interruptions: Key,
    lagged: Key,
}

/// The kinds of events that are counted, so that each is there from the start.
const KINDS: [&str; 4] = ["added", "modified", "removed", "resync"];

const OUTCOMES: [&str; 2] = ["complete", "failed"];

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

impl InformerMeter {
    pub(crate) fn new(name: Option<&str>, source: &Origin) -> Self {
        let name = name.map(|name| Label::new("informer", name.to_owned()));
        let labels: Vec<_> = name.into_iter().chain([Label::new("source", source.to_string())]).collect();
        let key = |metric: &'static str| Key::from_parts(metric, labels.clone());
        let with = |metric: &'static str, label: &'static str, value: &'static str| {
            let labels: Vec<_> = labels.iter().cloned().chain([Label::new(label, value)]).collect();
            Key::from_parts(metric, labels)
        };
        let keys = Keys {
            objects: key("informer_objects"),
            broken: key("informer_broken_objects"),
            withheld: key("informer_withheld_objects"),
            synced: key("informer_synced"),
            connected: key("informer_connected"),
            confirmed: key("informer_last_confirmed_timestamp_seconds"),
            events: KINDS.map(|kind| with("informer_events_total", "kind", kind)),
            lists: OUTCOMES.map(|outcome| with("informer_lists_total", "outcome", outcome)),
            interruptions: key("informer_interruptions_total"),
            lagged: key("informer_lagged_total"),
        };
        Self { labels, keys, subscribers: BTreeSet::new() }
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody counts up to 2^53")]
    pub(crate) fn restated(&mut self, figures: &InformerFigures<'_>) {
        self.tell(|meter, recorder| {
            let keys = &meter.keys;
            describe(recorder);
            let gauge = |key, value| recorder.register_gauge(key, &METADATA).set(value);
            let flag = |is_so| if is_so { 1.0 } else { 0.0 };
            gauge(&keys.objects, figures.objects as f64);
            gauge(&keys.broken, figures.broken as f64);
            gauge(&keys.withheld, figures.withheld as f64);
            gauge(&keys.synced, flag(figures.last_confirmed.is_some()));
            gauge(
                &keys.connected,
                flag(matches!(figures.state, SourceState::Watching | SourceState::Polling)),
            );
            if let Some(at) = figures.last_confirmed.and_then(|at| at.duration_since(UNIX_EPOCH).ok()) {
                gauge(&keys.confirmed, at.as_secs_f64());
            }
            let count = |key, value| recorder.register_counter(key, &METADATA).absolute(value);
            for (key, value) in keys.events.iter().zip(figures.events) {
                count(key, value);
            }
            for (key, value) in keys.lists.iter().zip(figures.lists) {
                count(key, value);
            }
            count(&keys.interruptions, figures.interruptions);
            count(&keys.lagged, figures.lagged);
            meter.subscribers(figures, recorder);
        });
    }

    /// How many generations each subscriber that acknowledges has still to apply. One that is gone has none.
    #[allow(clippy::cast_precision_loss, reason = "nobody lags by 2^53")]
    fn subscribers(&mut self, figures: &InformerFigures<'_>, recorder: &dyn Recorder) {
        let mut lags: Vec<_> =
            std::mem::take(&mut self.subscribers).into_iter().map(|name| (name, 0)).collect();
        for subscriber in &figures.subscribers {
            if let (Some(name), Some(applied)) = (&subscriber.name, subscriber.applied) {
                self.subscribers.insert(name.to_string());
                lags.push((name.to_string(), figures.generation.saturating_sub(applied)));
            }
        }
        for (name, lag) in lags {
            let labels: Vec<_> =
                self.labels.iter().cloned().chain([Label::new("subscriber", name)]).collect();
            let key = Key::from_parts("informer_subscriber_lag", labels);
            recorder.register_gauge(&key, &METADATA).set(lag as f64);
        }
    }

    /// Nothing is followed any more.
    pub(crate) fn closed(&mut self) {
        self.tell(|meter, recorder| recorder.register_gauge(&meter.keys.connected, &METADATA).set(0.0));
    }

    /// The recorder is the application's, and its panic must not end an informer.
    fn tell(&mut self, tell: impl FnOnce(&mut Self, &dyn Recorder)) {
        let _ = catch_unwind(AssertUnwindSafe(|| with_recorder(|recorder| tell(self, recorder))));
    }
}

fn describe(recorder: &dyn Recorder) {
    let gauge = |name: &'static str, unit: Option<Unit>, text: &'static str| {
        recorder.describe_gauge(KeyName::from_const_str(name), unit, text.into());
    };
    gauge("informer_objects", Some(Unit::Count), "Objects in the store.");
    gauge("informer_broken_objects", Some(Unit::Count), "Objects whose newest content was refused.");
    gauge(
        "informer_withheld_objects",
        Some(Unit::Count),
        "Objects that were missing in a list and are kept.",
    );
    gauge("informer_synced", None, "Whether a list was complete and is in the store.");
    gauge("informer_connected", None, "Whether changes of the source are followed.");
    gauge(
        "informer_last_confirmed_timestamp_seconds",
        Some(Unit::Seconds),
        "When the store was last known to be as the source is, since 1970.",
    );
    gauge("informer_subscriber_lag", Some(Unit::Count), "Generations that a subscriber has still to apply.");
    let counter = |name: &'static str, text: &'static str| {
        recorder.describe_counter(KeyName::from_const_str(name), Some(Unit::Count), text.into());
    };
    counter("informer_events_total", "What subscribers were told, by kind.");
    counter("informer_lists_total", "Lists, by outcome.");
    counter("informer_interruptions_total", "Connections that ended or failed.");
    counter(
        "informer_lagged_total",
        "How often a subscriber was so slow that a snapshot took the place of events.",
    );
}
