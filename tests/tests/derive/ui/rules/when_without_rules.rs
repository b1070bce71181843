use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(secret, when = true)]
    field: u8,
}

fn main() {}
