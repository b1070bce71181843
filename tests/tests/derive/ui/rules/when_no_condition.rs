use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(1..), when = 5)]
    field: u8,
}

fn main() {}
