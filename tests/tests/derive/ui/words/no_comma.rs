use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(secret restart)]
    field: String,
}

fn main() {}
