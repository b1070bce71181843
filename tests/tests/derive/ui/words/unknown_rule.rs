use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(rnage(1..=10))]
    field: u8,
}

fn main() {}
