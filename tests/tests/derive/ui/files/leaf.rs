use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(leaf, file)]
    field: String,
}

fn main() {}
