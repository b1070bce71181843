//! What a publish costs when many subscribe to sections that did not change.

mod ratio;

use std::collections::BTreeMap;

use reloadable::{Format, MemorySource, Reloadable, Reloader};
use serde::Deserialize;

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    number: u64,
    other: BTreeMap<String, u64>,
}

fn main() -> Result<(), reloadable::Error> {
    let mut criterion = ratio::criterion();
    let mut group = ratio::Group::new(&mut criterion, "publish to subscribers of other sections");
    group.by_turns = false;
    let text = |number: u64| format!("number = {number}\n[other]\na = 1\nb = 2\n");
    for (subscribers, captures) in
        [(1, false), (1_000, false), (100_000, false), (1_000, true), (100_000, true)]
    {
        let (source, handle) = MemorySource::new("memory", Format::Toml, text(0));
        let config = Reloader::<App>::builder().source(source).start_blocking()?;
        let sleeping: Vec<_> = (0..subscribers)
            .map(|index| match captures {
                false => config.subscribe_to(|app: &App| &app.other),
                // A capture makes each selector one of its own, which is compared by itself.
                true => {
                    config.subscribe_to(move |app: &App| if index >= 0 { &app.other } else { unreachable!() })
                }
            })
            .collect();
        let selectors = if captures { "each its own selector" } else { "one selector" };
        let mut number = 0;
        group.bench(&format!("{subscribers} subscribed, {selectors}"), move || {
            std::hint::black_box(&sleeping);
            number += 1;
            handle.replace(text(number));
            config.blocking_reload()
        });
    }
    group.finish();
    Ok(())
}
