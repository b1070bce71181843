#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(unique)]
    field: Vec<f64>,
}

fn main() {}
