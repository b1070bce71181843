#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(length(1..=3))]
    field: u16,
}

fn main() {}
