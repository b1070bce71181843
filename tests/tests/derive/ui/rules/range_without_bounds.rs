use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range)]
    field: u8,
}

fn main() {}
