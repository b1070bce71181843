use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(min = 1)]
    field: u8,
}

fn main() {}
