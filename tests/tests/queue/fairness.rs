//! Groups of keys take turns.

use reloadable::{Add, Jitter, Priority, WorkQueue};

use crate::{Outcome, rest};

fn queue() -> WorkQueue<(&'static str, u32)> {
    WorkQueue::builder().jitter(Jitter::None).fairness(|(tenant, _): &(&str, u32)| *tenant).build()
}

/// Without turns a tenant who adds a thousand keys would have the others wait for all of them.
#[tokio::test]
async fn a_flood_of_one_tenant_does_not_hold_up_the_others() -> Outcome {
    let queue = queue();
    for number in 0..1_000 {
        queue.add(("loud", number)).await?;
    }
    for number in 0..3 {
        queue.add(("quiet", number)).await?;
    }
    let order = rest(&queue);
    let quiet: Vec<_> = order
        .iter()
        .enumerate()
        .filter(|(_, (tenant, _))| *tenant == "quiet")
        .map(|(place, _)| place)
        .collect();
    assert_eq!(quiet, [1, 3, 5]);
    let loud = order.iter().filter(|(tenant, _)| *tenant == "loud").map(|(_, number)| *number);
    assert!(loud.eq(0..1_000), "each tenant's own are in order");
    Ok(())
}

#[tokio::test]
async fn turns_are_taken_within_a_priority() -> Outcome {
    let queue = queue();
    let high = Add::new().priority(Priority::High);
    for (key, add) in [
        (("a", 1), Add::new()),
        (("a", 2), Add::new()),
        (("b", 1), Add::new()),
        (("a", 3), high),
        (("a", 4), high),
        (("c", 1), high),
    ] {
        queue.add_with(key, add).await?;
    }
    assert_eq!(rest(&queue), [("a", 3), ("c", 1), ("a", 4), ("a", 1), ("b", 1), ("a", 2)]);
    Ok(())
}
