use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(secret, file)]
    field: String,
}

fn main() {}
