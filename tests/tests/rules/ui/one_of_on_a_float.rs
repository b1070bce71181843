#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(one_of(0.5, 1.0))]
    field: f64,
}

fn main() {}
