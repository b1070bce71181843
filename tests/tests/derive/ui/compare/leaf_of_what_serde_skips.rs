use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[serde(skip)]
    #[reload(leaf)]
    field: String,
}

fn main() {}
