use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(key = "name")]
    field: Vec<Item>,
}

#[derive(Reloadable)]
struct Item(u8);

fn main() {}
