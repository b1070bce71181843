use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(keys(non_empty))]
    field: Vec<String>,
}

fn main() {}
