use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(key = "the name")]
    field: Vec<String>,
}

fn main() {}
