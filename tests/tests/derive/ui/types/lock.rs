use reloadable::Reloadable;

use std::sync::Mutex;

#[derive(Reloadable)]
struct Config {
    field: Vec<Mutex<u8>>,
}

fn main() {}
