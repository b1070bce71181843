use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(key = 5 + 5)]
    field: Vec<String>,
}

fn main() {}
