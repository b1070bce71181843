//! Urgent keys go first, and the others make progress.

use reloadable::{Add, Priority};

use crate::{Outcome, queue, ready, rest};

fn with(priority: Priority) -> Add {
    Add::new().priority(priority)
}

#[tokio::test]
async fn urgent_keys_go_first() -> Outcome {
    let queue = queue();
    queue.add_with("low", with(Priority::Low)).await?;
    queue.add("normal").await?;
    queue.add_with("high", with(Priority::High)).await?;
    queue.add("another").await?;
    assert_eq!(rest(&queue), ["high", "normal", "another", "low"]);
    Ok(())
}

#[tokio::test]
async fn a_higher_priority_raises_and_a_lower_one_does_nothing() -> Outcome {
    let queue = queue();
    for key in ["a", "b"] {
        queue.add_with(key, with(Priority::Low)).await?;
    }
    queue.add("c").await?;
    queue.add("a").await?;
    queue.add_with("c", with(Priority::Low)).await?;
    assert_eq!(rest(&queue), ["c", "a", "b"]);
    Ok(())
}

/// The first list of a controller is of low priority. If events never cease, it must all the same be worked on.
#[tokio::test]
async fn the_first_list_does_not_starve_while_events_go_on() -> Outcome {
    let queue = queue();
    const LISTED: u32 = 100;
    for key in 0..LISTED {
        queue.add_with(key, with(Priority::Low)).await?;
    }
    let mut next_event = 1_000;
    let mut handed_out = 0;
    let mut listed = Vec::new();
    while listed.len() < LISTED as usize {
        // More events than are ever worked on.
        for _ in 0..2 {
            queue.add(next_event).await?;
            next_event += 1;
        }
        let item = ready(&queue).ok_or("there is always something")?;
        handed_out += 1;
        if *item.key() < LISTED {
            listed.push(*item.key());
        }
        assert!(handed_out < 10 * (listed.len() + 1), "{listed:?} after {handed_out}");
        item.done();
    }
    assert_eq!(listed, (0..LISTED).collect::<Vec<_>>(), "and in order");
    assert!(handed_out > 8 * listed.len(), "events still go first: {handed_out}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_stays_so_until_it_succeeds() -> Outcome {
    let queue = queue();
    queue.add_with("high", with(Priority::High)).await?;
    ready(&queue).ok_or("it is ready")?.retry();
    queue.add("normal").await?;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let item = ready(&queue).ok_or("it is due")?;
    assert_eq!((*item.key(), item.priority()), ("high", Priority::High));
    item.requeue_after(std::time::Duration::ZERO);
    assert_eq!(rest(&queue), ["normal", "high"], "it comes back as any other");
    Ok(())
}
