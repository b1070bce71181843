use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(secret, secret)]
    field: String,
}

fn main() {}
