use reloadable::Reloadable;

use std::sync::atomic::AtomicU64;

#[derive(Reloadable)]
struct Config {
    field: AtomicU64,
}

fn main() {}
