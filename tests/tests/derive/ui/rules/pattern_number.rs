use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(pattern(5))]
    field: String,
}

fn main() {}
