use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    field: fn(u8) -> u8,
}

fn main() {}
