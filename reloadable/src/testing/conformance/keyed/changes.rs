//! The checks of what a source tells of changes: each is told, in order, and to whoever has not heard of it yet.

use std::cmp::Ordering;
use std::time::Duration;

use super::driven::{Driven, broken};
use super::rig::KeyedRig;
use crate::document::Revision;
use crate::error::SourceErrorKind;
use crate::source::{AnyKeyedSource, Changed, Delta, KeyedSource};
use crate::testing::conformance::finding::{Fault, holds_secret};
use crate::testing::conformance::in_time;
use crate::testing::deadline::{polled, within};

const POLLS: usize = 6;

/// How often in a row a source may have something to tell although nothing happens.
const TELLINGS: usize = 20;

/// How long nothing may be told after that: on the clock of the machine, and on one that is paused.
const SILENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(60)];

/// One change after the other is told, of one object and of others, for as long as anybody listens.
pub(super) async fn keeps_telling<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    driven.must_tell()?;
    for number in 2..=12 {
        driven.put("a", number).await?;
        driven.comes_to(&[("a", number)]).await.map_err(|fault| match fault {
            Fault::Broken(why) => broken(format!("after {} changes that were told, {why}", number - 2)),
            other => other,
        })?;
    }
    driven.put("b", 1).await?;
    driven.comes_to(&[("a", 12), ("b", 1)]).await
}

/// Of one object an older content is never told after a newer one, and the last is told last.
pub(super) async fn order<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    for round in 0..5 {
        let from = 10 + round * 10;
        for number in from..from + 5 {
            driven.put("a", number).await?;
            driven.put("b", number + 100).await?;
        }
        driven.comes_to(&[("a", from + 4), ("b", from + 104)]).await?;
    }
    for name in ["a", "b"] {
        let key = driven.rig.key(name);
        let told: Vec<_> =
            driven.told.iter().filter(|(of, _)| *of == key).map(|(_, number)| *number).collect();
        if let Some(pair) = told.windows(2).find(|pair| pair[0] > pair[1]) {
            return Err(broken(format!("of {name}, document {} was told after {}", pair[1], pair[0])));
        }
    }
    Ok(())
}

/// What is deleted is gone, whether that is told or seen in a list.
pub(super) async fn deleted<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1), ("c", 1)]).await?;
    driven.rig.delete("b").await?;
    driven.comes_to(&[("a", 1), ("c", 1)]).await?;
    driven.rig.delete("a").await?;
    driven.rig.delete("c").await?;
    driven.comes_to(&[]).await?;
    driven.put("c", 2).await?;
    driven.comes_to(&[("c", 2)]).await
}

/// What is deleted and made anew is another object, where the source tells objects apart at all; and has its new content.
pub(super) async fn recreated<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    let of = |driven: &Driven<R>, name: &str| driven.seen(name).and_then(|seen| seen.incarnation.clone());
    let (first, other) = (of(&driven, "a"), of(&driven, "b"));
    driven.put("a", 2).await?;
    driven.comes_to(&[("a", 2), ("b", 1)]).await?;
    driven.rig.delete("a").await?;
    driven.put("a", 3).await?;
    driven.comes_to(&[("a", 3), ("b", 1)]).await?;
    match (first, of(&driven, "a")) {
        (Some(first), Some(second)) if first == second => {
            Err(broken("an object that was deleted and made anew has the same incarnation"))
        }
        (Some(_), None) => Err(broken("an object lost its incarnation")),
        _ if other != of(&driven, "b") => {
            Err(broken("an object that nobody touched has another incarnation"))
        }
        _ => Ok(()),
    }
}

/// What goes back to how it was is told as any other change.
pub(super) async fn reverted<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    for number in [2, 1, 2, 1] {
        driven.put("a", number).await?;
        driven.comes_to(&[("a", number)]).await?;
    }
    Ok(())
}

/// A wait that is dropped, after however many polls, loses no change.
pub(super) async fn dropped<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    driven.must_tell()?;
    for polls in 0..=POLLS {
        let number = 2 + polls as u32;
        // One that began before the change, and one that is in the middle of telling it.
        for (times, is_changed) in [(1, false), (polls, true)] {
            if is_changed {
                driven.put("a", number).await?;
            }
            let cursor = driven.cursor.clone();
            let wait = polled(AnyKeyedSource::changed(&mut driven.source, cursor.as_ref()), times);
            let answer = in_time(driven.deadline, wait).await;
            if let Some(Some(answer)) = answer {
                driven.take(answer).await?;
            }
        }
        driven.comes_to(&[("a", number)]).await.map_err(|fault| match fault {
            Fault::Broken(why) => broken(format!("with a wait that was dropped after {polls} polls, {why}")),
            other => other,
        })?;
    }
    Ok(())
}

/// What was told, but not accepted, is told again to who asks from where he was.
pub(super) async fn cursor<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    driven.must_tell()?;
    let Some(from) = driven.cursor.clone() else {
        return Err(Fault::NotApplicable("the source has no revision of the whole".to_owned()));
    };
    driven.put("a", 2).await?;
    driven.comes_to(&[("a", 2)]).await?;
    let accepted = driven.cursor.clone();
    // As after a failure between being told and having it in force.
    driven.objects.clear();
    driven.cursor = Some(from);
    driven.comes_to(&[("a", 2)]).await.map_err(|fault| match fault {
        Fault::Broken(why) => broken(format!("asked again from the revision before, {why}")),
        other => other,
    })?;
    if accepted.is_none() {
        return Err(broken("a list of no revision, from a source whose lists have one"));
    }
    Ok(())
}

/// Where it cannot tell what has changed, it says so, and a list finds it.
pub(super) async fn expired<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1), ("b", 1)]).await?;
    driven.must_tell()?;
    driven.put("a", 2).await?;
    driven.rig.delete("b").await?;
    driven.rig.forget().await?;
    driven.comes_to(&[("a", 2)]).await?;
    driven.put("c", 3).await?;
    driven.comes_to(&[("a", 2), ("c", 3)]).await?;
    if driven.cursor.is_some() {
        // Silence would be for ever: an informer asks from the revision that it has.
        let foreign = Revision::new("a revision that this source never gave");
        let answer = AnyKeyedSource::changed(&mut driven.source, Some(&foreign));
        let answer = in_time(driven.deadline, answer).await;
        if answer.is_none() {
            return Err(broken("asked from a revision that it never gave, it says nothing"));
        }
    }
    Ok(())
}

/// While nothing happens, nothing is told but that it is so.
pub(super) async fn quiet<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    let [running, paused] = SILENCE;
    for _ in 0..TELLINGS {
        let cursor = driven.cursor.clone();
        let answer =
            within(running, paused, AnyKeyedSource::changed(&mut driven.source, cursor.as_ref())).await;
        match answer {
            None => return Ok(()),
            Some(Err(error)) if error.kind() != SourceErrorKind::Expired => {
                return Err(broken(format!("changed() failed, but nothing was wrong: {error}")));
            }
            Some(answer) => {
                let is_alive = matches!(&answer, Ok(Changed::Deltas(deltas))
                    if !deltas.is_empty() && deltas.iter().all(|delta| matches!(delta, Delta::Progress(_))));
                driven.take(answer).await?;
                if is_alive {
                    return Ok(());
                }
            }
        }
    }
    Err(broken(format!("it told of {TELLINGS} changes in a row, but there was none")))
}

/// The origin is always the same, and nothing that is said holds a secret.
pub(super) async fn origin<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    let origin = KeyedSource::origin(&driven.source);
    driven.put("a", 2).await?;
    driven.comes_to(&[("a", 2)]).await?;
    for is_whole in [false, true] {
        let done = if is_whole { driven.rig.fail().await } else { driven.rig.block("a").await };
        match done.map_err(Fault::from) {
            Err(Fault::NotApplicable(_)) => continue,
            done => done?,
        }
        let _ = driven.list().await?;
        let cursor = driven.cursor.clone();
        let [running, paused] = SILENCE;
        let wait = AnyKeyedSource::changed(&mut driven.source, cursor.as_ref());
        if let Some(answer) = within(running / 10, paused, wait).await {
            driven.take(answer).await?;
        }
    }
    let now = KeyedSource::origin(&driven.source);
    if now != origin {
        return Err(broken(format!("it was {origin}, and is {now} now")));
    }
    if origin.to_string().trim().is_empty() {
        return Err(broken("it has no name"));
    }
    let secrets = driven.rig.secrets();
    // What it says is not repeated.
    if holds_secret(&origin.to_string(), &secrets) {
        return Err(broken("a secret is in the origin of the source"));
    }
    match driven.said.iter().any(|said| holds_secret(said, &secrets)) {
        true => Err(broken("a secret is in the origin of a document, or in an error")),
        false => Ok(()),
    }
}

/// Where it can tell which of two revisions is the newer one, that is how they came.
pub(super) async fn compare<R: KeyedRig>(rig: R) -> Result<(), Fault> {
    let mut driven = Driven::holding(rig, &[("a", 1)]).await?;
    let (mut whole, mut single) = (vec![driven.cursor.clone()], vec![driven.revision_of("a")]);
    for number in 2..6 {
        driven.put("a", number).await?;
        driven.comes_to(&[("a", number)]).await?;
        whole.push(driven.cursor.clone());
        single.push(driven.revision_of("a"));
    }
    for revisions in [whole, single] {
        let revisions: Vec<_> = revisions.into_iter().flatten().collect();
        for (nth, one) in revisions.iter().enumerate() {
            for (mth, other) in revisions.iter().enumerate() {
                let Some(told) = <R::Source as KeyedSource>::compare(one, other) else { continue };
                let is_so = match told {
                    Ordering::Equal => one == other,
                    Ordering::Less => nth < mth,
                    Ordering::Greater => nth > mth,
                };
                if !is_so {
                    return Err(broken(format!(
                        "the revision of state {nth} is said to be {told:?} to that of state {mth}"
                    )));
                }
            }
        }
    }
    Ok(())
}
