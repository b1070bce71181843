use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(leaf, key = "name")]
    field: Vec<String>,
}

fn main() {}
