//! No budget: loom lets everybody run.

pub async fn consume_budget() {}
