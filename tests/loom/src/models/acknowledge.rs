//! Whoever waits for acknowledgements is told of the last one, and of nothing before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::future::block_on;
use loom::thread;

use super::{Writer, every_order, left, right};
use crate::progress::Reached;

#[test]
fn whoever_waits_is_woken_by_the_acknowledgement() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let mut subscription = sections.subscribe(&current, left).acknowledging("left");
        let is_applied = Arc::new(AtomicBool::new(false));
        let applying = Arc::clone(&is_applied);
        let subscriber = thread::spawn(move || {
            let change = block_on(subscription.changed()).expect("the reloader runs");
            applying.store(true, Ordering::Relaxed);
            change.applied();
            subscription
        });
        let roster = sections.roster().clone();
        let writer = thread::spawn(move || writer.publish(2, 2));
        assert!(matches!(block_on(roster.answered(2)), Reached::Everywhere));
        assert!(is_applied.load(Ordering::Relaxed), "it was told too early");
        writer.join().expect("it does not panic");
        drop(subscriber.join().expect("it does not panic"));
    });
}

#[test]
fn whoever_waits_is_woken_by_a_failure_and_by_who_goes() {
    every_order(2, || {
        let (mut writer, current, sections) = Writer::new();
        let mut fails = sections.subscribe(&current, left).acknowledging("fails");
        let goes = sections.subscribe(&current, left).acknowledging("goes");
        writer.publish(2, 2);
        let failing = thread::spawn(move || {
            block_on(fails.changed()).expect("the reloader runs").failed("no connection");
            fails
        });
        let going = thread::spawn(move || drop(goes));
        let Reached::Failed(behind) = block_on(sections.roster().answered(2)) else {
            panic!("one has failed")
        };
        assert_eq!(behind.len(), 1);
        assert_eq!(behind[0].failed.as_deref(), Some("no connection"));
        going.join().expect("it does not panic");
        drop(failing.join().expect("it does not panic"));
    });
}

#[test]
fn whoever_waits_is_woken_by_the_end() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let owes = sections.subscribe(&current, left).acknowledging("owes");
        let writer = thread::spawn(move || {
            writer.publish(2, 2);
            writer.sections.close();
        });
        assert!(matches!(block_on(sections.roster().answered(2)), Reached::Closed));
        writer.join().expect("it does not panic");
        drop(owes);
    });
}

/// Nothing is owed by whoever has seen it at once, everything by whoever has not.
#[test]
fn whoever_begins_to_acknowledge_while_something_is_published_owes_what_he_has_not_seen() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let writer = thread::spawn(move || writer.publish(2, 2));
        let mut subscription = sections.subscribe(&current, left).acknowledging("left");
        let seen = subscription.seen_snapshot().generation();
        writer.join().expect("it does not panic");
        let reached = sections.roster().reached(2);
        assert_eq!(matches!(reached, Reached::Everywhere), seen == 2, "{reached:?}, having seen {seen}");
        if seen == 1 {
            block_on(subscription.changed()).expect("the reloader runs").applied();
        }
        assert!(matches!(sections.roster().reached(2), Reached::Everywhere));
    });
}

/// The acknowledgement may come before all sections are judged, and between two publishes.
#[test]
fn an_acknowledgement_counts_whenever_it_comes() {
    every_order(2, || {
        let (mut writer, current, sections) = Writer::new();
        let mut of_left = sections.subscribe(&current, left).acknowledging("left");
        let of_right = sections.subscribe(&current, right).acknowledging("right");
        let writer = thread::spawn(move || {
            writer.publish(2, 1);
            writer.publish(3, 1);
        });
        while *of_left.seen() < 3 {
            let change = block_on(of_left.changed()).expect("the reloader runs");
            change.applied();
            assert!(matches!(sections.roster().reached(1), Reached::Everywhere));
            assert!(!matches!(sections.roster().reached(3), Reached::Everywhere) || change.generation() == 3);
        }
        writer.join().expect("it does not panic");
        assert!(matches!(sections.roster().reached(3), Reached::Everywhere));
        drop(of_right);
    });
}

/// What went back before anybody looked is owed until somebody has looked.
#[test]
fn there_and_back_again_is_settled_by_a_look() {
    every_order(2, || {
        let (mut writer, current, sections) = Writer::new();
        let mut subscription = sections.subscribe(&current, left).acknowledging("left");
        let writer = thread::spawn(move || {
            writer.publish(2, 1);
            writer.publish(1, 1);
            writer.sections.close();
        });
        while let Ok(change) = block_on(subscription.changed()) {
            change.applied();
        }
        writer.join().expect("it does not panic");
        assert!(matches!(sections.roster().reached(3), Reached::Everywhere));
    });
}
