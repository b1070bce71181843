use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload]
    field: String,
}

fn main() {}
