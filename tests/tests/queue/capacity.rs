//! A queue holds as many keys as it may.

use reloadable::{Add, Jitter, WorkQueue};

use crate::{Outcome, at_once, in_time, millis, ready, rest};

fn small(capacity: usize) -> WorkQueue<&'static str> {
    WorkQueue::builder().jitter(Jitter::None).capacity(capacity).build()
}

#[tokio::test]
async fn what_is_too_much_is_given_back_and_what_is_known_is_taken() -> Outcome {
    let queue = small(3);
    queue.try_add("in work")?;
    let item = ready(&queue).ok_or("it is ready")?;
    queue.try_add("ready")?;
    queue.try_add_with("delayed", Add::new().after(millis(1)))?;
    let error = queue.try_add("new").err().ok_or("it is full")?;
    assert!(error.is_full() && !error.is_closed());
    assert_eq!(error.to_string(), "the queue is full");
    assert_eq!((*error.key(), error.into_key()), ("new", "new"));
    for key in ["in work", "ready", "delayed"] {
        queue.try_add(key)?;
    }
    item.done();
    assert_eq!(rest(&queue), ["ready", "delayed", "in work"]);
    queue.try_add("new")?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_room_is_served_in_order_and_when_there_is_some() -> Outcome {
    let queue = small(1);
    queue.try_add("first")?;
    let adders: Vec<_> = ["second", "third"]
        .into_iter()
        .map(|key| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.add(key).await })
        })
        .collect();
    tokio::time::sleep(millis(1)).await;
    let item = ready(&queue).ok_or("it is ready")?;
    tokio::time::sleep(millis(1)).await;
    assert!(adders.iter().all(|adder| !adder.is_finished()), "what is worked on takes room");
    item.done();
    let mut order = vec!["first"];
    for _ in 0..2 {
        let item = in_time(queue.next()).await?.ok_or("it is open")?;
        order.push(*item.key());
        item.done();
    }
    assert_eq!(order, ["first", "second", "third"]);
    for adder in adders {
        in_time(adder).await???;
    }
    Ok(())
}

/// Room that was for somebody who has gone is for the next one.
#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_for_room_leaves_it_to_others() -> Outcome {
    let queue = small(1);
    queue.try_add("first")?;
    let mut gives_up = Box::pin(queue.add("gives up"));
    assert!(at_once(gives_up.as_mut()).is_none());
    let stays = queue.clone();
    let stays = tokio::spawn(async move { stays.add("stays").await });
    tokio::time::sleep(millis(1)).await;
    ready(&queue).ok_or("it is ready")?.done();
    // It has been woken, and never looks.
    drop(gives_up);
    in_time(stays).await???;
    assert_eq!(rest(&queue), ["stays"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_room_is_told_of_the_end() -> Outcome {
    let queue = small(1);
    queue.try_add("first")?;
    let adder = queue.clone();
    let adder = tokio::spawn(async move { adder.add("second").await });
    tokio::time::sleep(millis(1)).await;
    queue.shutdown();
    let error = in_time(adder).await??.err().ok_or("it is closed")?;
    assert!(error.is_closed());
    assert_eq!(error.to_string(), "the queue is closed");
    assert_eq!(error.into_key(), "second");
    Ok(())
}

#[test]
fn no_capacity_is_one() -> Outcome {
    let queue = small(0);
    queue.try_add("a")?;
    assert!(queue.try_add("b").is_err());
    Ok(())
}
