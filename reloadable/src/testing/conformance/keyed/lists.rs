//! The checks of lists: what is in them, and what becomes of one that ends early.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::driven::{Driven, broken, held};
use super::rig::KeyedRig;
use crate::document::Revision;
use crate::source::{AnyKeyedSource, Changed, Delta, Item, Listing};
use crate::testing::conformance::content::text;
use crate::testing::conformance::finding::Fault;
use crate::testing::conformance::in_time;
use crate::testing::deadline::polled;

/// How often a future is polled at most before it is dropped.
const POLLS: usize = 6;

/// So many objects are more than what fits into the hands of a list at once.
const MANY: u32 = 300;

/// All that is there is listed, each once, and nothing that is not.
pub(super) async fn complete<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::new(rig);
    driven.lists(&[]).await?;
    let names: Vec<_> = (0..MANY).map(|number| format!("object{number}")).collect();
    let mut all: Vec<_> = names.iter().map(String::as_str).zip(1..).collect();
    for (name, number) in &all {
        driven.put(name, *number).await?;
    }
    driven.lists(&all).await?;
    while all.len() > 3 {
        if let Some((name, _)) = all.pop() {
            driven.rig.delete(name).await?;
        }
    }
    driven.lists(&all).await
}

/// What changes while the first list is made is in it, or told after it.
pub(super) async fn first<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1), ("c", 1)]).await?;
    driven.must_tell()?;
    for round in 0..=POLLS {
        let number = 2 + round as u32;
        // Up to where the list is meant to be, and then the change, and the rest of the list.
        let cursor = driven.cursor.clone();
        let (listing, mut items) = Listing::new(Arc::default(), cursor);
        let newer = text(driven.rig.format(), number)?;
        let listed = {
            let mut list = AnyKeyedSource::list(&mut driven.source, listing);
            match polled(list.as_mut(), round).await {
                Some(listed) => {
                    driven.rig.put("b", &newer).await?;
                    listed
                }
                None => {
                    driven.rig.put("b", &newer).await?;
                    let ended = in_time(driven.deadline, list).await;
                    ended.ok_or_else(|| broken("list() gave no answer"))?
                }
            }
        };
        let listed =
            listed.map_err(|error| broken(format!("list() failed, but nothing was wrong: {error}")))?;
        driven.objects.clear();
        while let Ok(item) = items.try_recv() {
            if let Item::Document(found) = item {
                driven.take(Ok(Changed::Deltas(vec![Delta::Upsert(found)]))).await?;
            }
        }
        driven.cursor = listed.revision;
        driven.comes_to(&[("a", 1), ("b", number), ("c", 1)]).await.map_err(|fault| match fault {
            Fault::Broken(why) => broken(format!("of a change during a list, {why}")),
            other => other,
        })?;
    }
    Ok(())
}

/// A list that could not be completed is an error, and never one of what was found.
pub(super) async fn failed<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let all = [("a", 1), ("b", 1), ("c", 1)];
    let mut driven = Driven::holding(rig, &all).await?;
    driven.rig.fail().await?;
    let known = driven.known();
    if let Some(Ok(gathered)) = driven.list_knowing(known, None).await? {
        let found = gathered.items.len();
        return Err(broken(format!(
            "the place had failed, but list() ended well, with {found} objects of 3"
        )));
    }
    driven.rig.recover().await?;
    driven.lists(&all).await
}

/// A list that is dropped keeps nothing from the next one, nor from being told.
pub(super) async fn dropped<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    for polls in 0..=POLLS {
        let number = 2 + polls as u32;
        driven.put("b", number).await?;
        let _ = driven.list_knowing(HashMap::new(), Some(polls)).await?;
        let all = [("a", 1), ("b", number)];
        // What was dropped is as if it had never been: what is told is still to be told.
        let follows = if polls % 2 == 0 { driven.comes_to(&all).await } else { driven.lists(&all).await };
        follows.map_err(|fault| match fault {
            Fault::Broken(why) => broken(format!("after a list that was dropped after {polls} polls, {why}")),
            other => other,
        })?;
    }
    Ok(())
}

/// No object is in a list twice.
pub(super) async fn once<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    for number in 2..6 {
        driven.put("a", number).await?;
        // Whoever gathers the list sees it.
        driven.lists(&[("a", number), ("b", 1)]).await?;
    }
    Ok(())
}

/// The revision of an object is another one where its content is, and else it stays.
pub(super) async fn revision<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    let first = driven.revision_of("a");
    for _ in 0..3 {
        driven.lists(&[("a", 1), ("b", 1)]).await?;
        if driven.revision_of("a") != first {
            return Err(broken("the same content has another revision in the next list"));
        }
    }
    let mut before = first;
    for number in 2..5 {
        driven.put("a", number).await?;
        driven.lists(&[("a", number), ("b", 1)]).await?;
        let now = driven.revision_of("a");
        if now == before {
            return Err(broken("two contents of an object have the same revision"));
        }
        before = now;
    }
    Ok(())
}

/// "Unchanged" is said only to who knows the present revision.
pub(super) async fn known<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    let old = driven.known();
    driven.put("a", 2).await?;
    driven.lists(&[("a", 2), ("b", 1)]).await?;
    // Of what it takes to be changing just now, it may say that it is there, and tell the rest later.
    for _ in 0..3 {
        driven.listen().await?;
    }
    let foreign = Revision::new("a revision that this source never gave");
    let foreign = driven.objects.keys().map(|key| (key.clone(), held(Some(foreign.clone())))).collect();
    let unread = driven.objects.keys().map(|key| (key.clone(), held(None))).collect();
    let changed = driven.rig.key("a");
    let cases = [
        (HashMap::new(), "nothing", true),
        (foreign, "revisions that it never gave", true),
        (unread, "no revision", true),
        (old, "the revision before", false),
    ];
    for (known, who, is_all) in cases {
        let listed = driven.list_knowing(known, None).await?;
        let Some(Ok(gathered)) = listed else { return Err(broken("list() failed, but nothing was wrong")) };
        for item in gathered.items {
            match item {
                Item::Unchanged(key) if is_all || key == changed => {
                    return Err(broken(format!("it says \"unchanged\" of {key:?} to who knows {who}")));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// An object that cannot be read is there all the same, and keeps no other from being listed.
pub(super) async fn unreadable<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1), ("c", 1)]).await?;
    driven.rig.block("b").await?;
    let deadline = driven.deadline;
    let mut why = String::new();
    let told = in_time(deadline, async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        loop {
            pause.tick().await;
            why = match driven.list().await? {
                Err(error) => format!("one cannot be read, and no list is made: {error}"),
                Ok(()) if driven.objects.len() != 3 => {
                    format!("of 3 objects, {} are listed", driven.objects.len())
                }
                Ok(()) => match driven.seen("b").map(|seen| seen.number.is_err()) {
                    Some(true) => return Ok(()),
                    _ => "what cannot be read is not said to be so".to_owned(),
                },
            };
            driven.listen().await?;
        }
    });
    let told: Option<Result<(), Fault>> = told.await;
    told.unwrap_or_else(|| Err(broken(why)))?;
    driven.put("b", 2).await?;
    driven.comes_to(&[("a", 1), ("b", 2), ("c", 1)]).await
}
