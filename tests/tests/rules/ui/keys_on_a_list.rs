#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(keys(non_empty))]
    field: Vec<String>,
}

fn main() {}
