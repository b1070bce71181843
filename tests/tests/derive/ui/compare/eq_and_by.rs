use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(leaf, eq = same, by = length)]
    field: String,
}

fn main() {}
