use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(set, ordered)]
    field: Vec<String>,
}

fn main() {}
