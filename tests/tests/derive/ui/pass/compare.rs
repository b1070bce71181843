use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(leaf, eq = same)]
    eq: Foreign,
    #[reload(leaf, by = number)]
    by: Foreign,
    #[reload(leaf, restart)]
    leaf: Option<Vec<u8>>,
    #[reload(key = "name", ordered)]
    keyed: Vec<Item>,
    #[reload(set)]
    set: Vec<u8>,
    #[reload(skip)]
    skipped: Foreign,
    #[serde(skip)]
    #[reload(diff, leaf)]
    derived: String,
}

#[derive(Reloadable)]
struct Item {
    name: String,
}

struct Foreign;

fn same(_: &Foreign, _: &Foreign) -> bool {
    true
}

fn number(_: &Foreign) -> u8 {
    1
}

fn main() {}
