#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(range(1..=3))]
    field: String,
}

fn main() {}
