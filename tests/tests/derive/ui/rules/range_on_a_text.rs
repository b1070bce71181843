use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(1..))]
    field: String,
}

fn main() {}
