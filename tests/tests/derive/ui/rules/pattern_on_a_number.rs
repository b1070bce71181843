use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(pattern("a"))]
    field: u8,
}

fn main() {}
