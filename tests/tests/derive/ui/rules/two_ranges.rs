use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(1..=2, 4..=5))]
    field: u8,
}

fn main() {}
