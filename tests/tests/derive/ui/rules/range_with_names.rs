use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(min = 1, max = 10))]
    field: u8,
}

fn main() {}
