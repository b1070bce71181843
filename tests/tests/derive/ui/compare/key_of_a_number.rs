use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(key = "name")]
    field: u8,
}

fn main() {}
