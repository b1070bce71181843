use reloadable::Reloadable;

#[derive(Reloadable)]
#[serde(try_from = "Raw")]
struct Config {
    field: u8,
}

#[derive(Reloadable)]
struct Raw {
    #[reload(range(1..))]
    field: u8,
    #[serde(flatten)]
    flattened: Flattened,
}

#[derive(Reloadable)]
struct Flattened {
    #[reload(restart, length(1..))]
    field: String,
}

fn main() {}
