use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(key = "name", set)]
    field: Vec<String>,
}

fn main() {}
