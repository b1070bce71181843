//! No wake-up is lost, no snapshot is seen before it is stored, and no two generations are mixed.

use loom::future::block_on;
use loom::thread;

use super::{Writer, every_order, is_found, left, right};

#[test]
fn whoever_sleeps_is_woken_and_finds_what_woke_him() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let mut subscription = sections.subscribe(&current, left);
        let writer = thread::spawn(move || writer.publish(2, 2));
        let change = block_on(subscription.changed()).expect("the reloader runs");
        assert_eq!((change.generation(), *change.previous(), *change.current()), (2, 1, 2));
        assert_eq!(current.load().left, 2);
        writer.join().expect("it does not panic");
    });
}

/// The test of the test.
#[test]
fn to_wake_before_the_store_would_be_found() {
    assert!(is_found("models::subscribe::whoever_is_woken_before_the_store"));
}

#[test]
#[ignore = "it must fail, and another one sees to it that it does"]
fn whoever_is_woken_before_the_store() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let mut subscription = sections.subscribe(&current, left);
        let writer = thread::spawn(move || writer.publish_after_waking(2, 2));
        let change = block_on(subscription.changed()).expect("the reloader runs");
        assert_eq!(change.generation(), 2);
        writer.join().expect("it does not panic");
    });
}

#[test]
fn whoever_subscribes_while_something_is_published_sees_it_once() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let writer = thread::spawn(move || {
            writer.publish(2, 2);
            writer
        });
        let mut subscription = sections.subscribe(&current, left);
        if subscription.seen_snapshot().generation() == 1 {
            let change = block_on(subscription.changed()).expect("the reloader runs");
            assert_eq!((change.generation(), *change.current()), (2, 2));
        }
        assert_eq!(*subscription.seen(), 2);
        let writer = writer.join().expect("it does not panic");
        writer.sections.close();
        drop(writer);
        assert!(block_on(subscription.changed()).is_err(), "it was told of once");
    });
}

#[test]
fn two_sections_are_of_one_generation_and_none_goes_back() {
    every_order(2, || {
        let (mut writer, current, sections) = Writer::new();
        let mut of_left = sections.subscribe(&current, left);
        let mut of_right = sections.subscribe(&current, right);
        let writer = thread::spawn(move || {
            writer.publish(2, 2);
            writer.publish(3, 3);
        });
        while *of_left.seen() < 3 {
            let change = block_on(of_left.changed()).expect("the reloader runs");
            let snapshot = change.snapshot();
            assert_eq!((snapshot.left, snapshot.right), (snapshot.generation(), snapshot.generation()));
            assert!(change.previous_snapshot().generation() < snapshot.generation());
            assert!(current.load().left >= snapshot.left);
        }
        while *of_right.seen() < 3 {
            let change = block_on(of_right.changed()).expect("the reloader runs");
            assert_eq!(*change.current(), change.snapshot().left);
        }
        writer.join().expect("it does not panic");
    });
}

#[test]
fn the_last_change_is_told_before_the_end() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let mut subscription = sections.subscribe(&current, left);
        let writer = thread::spawn(move || {
            writer.publish(2, 1);
            writer.sections.close();
        });
        let mut changes = 0;
        while let Ok(change) = block_on(subscription.changed()) {
            assert_eq!(change.generation(), 2);
            changes += 1;
        }
        assert_eq!(changes, 1);
        writer.join().expect("it does not panic");
    });
}

#[test]
fn whoever_subscribes_at_the_end_is_told_of_the_end() {
    every_order(3, || {
        let (writer, current, sections) = Writer::new();
        let writer = thread::spawn(move || writer.sections.close());
        let mut subscription = sections.subscribe(&current, left);
        assert!(block_on(subscription.changed()).is_err());
        writer.join().expect("it does not panic");
    });
}

#[test]
fn whoever_sleeps_elsewhere_is_not_woken() {
    every_order(3, || {
        let (mut writer, current, sections) = Writer::new();
        let mut subscription = sections.subscribe(&current, right);
        let writer = thread::spawn(move || {
            writer.publish(2, 1);
            writer.sections.close();
        });
        assert!(block_on(subscription.changed()).is_err());
        assert_eq!(subscription.seen_snapshot().generation(), 1, "it has not even looked");
        writer.join().expect("it does not panic");
    });
}

/// Those who come and go free the place of a section, and take it from nobody else.
#[test]
fn whoever_goes_takes_no_wake_up_along() {
    every_order(2, || {
        let (mut writer, current, sections) = Writer::new();
        let mut stays = sections.subscribe(&current, left);
        let goes = stays.clone();
        let writer = thread::spawn(move || writer.publish(2, 2));
        let gone = thread::spawn(move || drop(goes));
        assert_eq!(block_on(stays.changed()).expect("the reloader runs").generation(), 2);
        writer.join().expect("it does not panic");
        gone.join().expect("it does not panic");
    });
}
