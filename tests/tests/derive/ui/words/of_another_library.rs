use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(min = 1, max = LIMIT - 1)]
    field: u8,
    #[reload(min(1))]
    other: u8,
    #[reload(keyed = "name")]
    list: Vec<Item>,
}

#[derive(Reloadable)]
struct Item {
    name: String,
}

const LIMIT: u8 = 10;

fn main() {}
