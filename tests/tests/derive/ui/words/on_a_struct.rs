use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(range(1..=10))]
struct Config {
    field: u8,
}

fn main() {}
