use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(1..1))]
    field: u8,
}

fn main() {}
