use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(secret = true)]
    field: String,
}

fn main() {}
