#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(each(non_empty))]
    field: std::collections::HashMap<String, String>,
}

fn main() {}
