//! The checks of a source within an informer, and of what it takes of the machine.

use std::collections::BTreeMap;
use std::time::Duration;

use super::driven::{Driven, KeyOf, broken};
use super::rig::KeyedRig;
use crate::collection::{Informer, Lister, RemovalGuard};
use crate::testing::conformance::content::{Held, invalid, number_of, text};
use crate::testing::conformance::finding::Fault;
use crate::testing::conformance::growth::{BEFORE, RELOADS, Taken, is_no_more_than, tasks, tasks_end};
use crate::testing::conformance::in_time;

async fn informer<R: KeyedRig>(rig: &mut R) -> Result<Informer<Held, KeyOf<R>>, Fault> {
    let builder = Informer::<Held>::builder().source(rig.source()).removal_guard(RemovalGuard::off());
    // What is told needs no list; what is not is listed soon.
    let builder = match rig.tells() {
        true => builder.never_reverify(),
        false => builder.reverify(Duration::from_millis(20)),
    };
    builder
        .sync_within(rig.deadline())
        .start()
        .await
        .map_err(|error| broken(format!("it did not start: {error}")))
}

/// Whatever happens, the store comes to what is there, and an object that is not valid keeps its last good self.
pub(super) async fn final_objects<R: KeyedRig>(mut rig: R) -> Result<(), Fault> {
    let format = rig.format();
    rig.put("a", &text(format, 1)?).await?;
    rig.put("b", &text(format, 1)?).await?;
    let informer = informer(&mut rig).await?;
    for number in 2..20 {
        rig.put("a", &text(format, number)?).await?;
        rig.put("new", &text(format, number)?).await?;
        if number % 3 == 0 {
            rig.delete("new").await?;
        }
    }
    rig.delete("b").await?;
    rig.put("b", &text(format, 40)?).await?;
    let all = [("a", 19), ("b", 40), ("new", 19)];
    comes_to(&rig, &informer, &all).await?;
    for wrong in invalid(format)? {
        rig.put("b", &wrong).await?;
        rig.put("a", &text(format, 50)?).await?;
        comes_to(&rig, &informer, &[("a", 50), ("b", 40), ("new", 19)]).await?;
        rig.put("a", &text(format, 19)?).await?;
        comes_to(&rig, &informer, &all).await?;
    }
    rig.put("b", &text(format, 41)?).await?;
    comes_to(&rig, &informer, &[("a", 19), ("b", 41), ("new", 19)]).await
}

async fn comes_to<R: KeyedRig>(
    rig: &R,
    informer: &Informer<Held, KeyOf<R>>,
    expected: &[(&str, u32)],
) -> Result<(), Fault> {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, number)| (rig.key(name), Ok(*number))).collect();
    let lister = informer.lister();
    let come = in_time(rig.deadline(), async {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while held_by(&lister) != expected {
            pause.tick().await;
        }
    });
    match come.await {
        Some(()) => Ok(()),
        None => Err(broken(format!(
            "the store holds {:?}, and {expected:?} is what is there; {:?}",
            held_by(&lister),
            informer.status().last_error
        ))),
    }
}

fn held_by<K: crate::key::Key>(lister: &Lister<K, Held>) -> BTreeMap<K, Result<u32, String>> {
    let view = lister.snapshot();
    view.iter().map(|(key, object)| (key.clone(), number_of(object))).collect()
}

/// Nothing grows with the number of lists and changes.
pub(super) async fn growth<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut before = Taken::now();
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    for number in 2..RELOADS + BEFORE {
        if number == BEFORE {
            before = Taken::now();
        }
        driven.put("a", number).await?;
        let all = [("a", number), ("b", 1)];
        if number % 2 == 0 {
            driven.comes_to(&all).await?;
        }
        driven.lists(&all).await?;
    }
    is_no_more_than(before, driven.deadline).await
}

/// Nothing is left running when it has ended.
pub(super) async fn released<R: KeyedRig>(mut rig: R) -> Result<(), Fault> {
    rig.put("a", &text(rig.format(), 1)?).await?;
    let deadline = rig.deadline();
    let before = tasks();
    let informer = informer(&mut rig).await?;
    let ended = in_time(deadline, informer.shutdown()).await;
    ended.ok_or_else(|| broken("it did not end"))?;
    match tasks_end(before, deadline).await {
        true => Ok(()),
        false => Err(broken(format!("{} tasks were left when it had ended", tasks().saturating_sub(before)))),
    }
}
