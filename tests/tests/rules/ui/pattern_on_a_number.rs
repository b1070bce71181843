#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(pattern("^[0-9]+$"))]
    field: u16,
}

fn main() {}
