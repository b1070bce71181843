use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(10..=1))]
    field: u8,
}

fn main() {}
