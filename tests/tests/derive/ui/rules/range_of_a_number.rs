use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(length(5))]
    field: String,
}

fn main() {}
