use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(eq = same)]
    field: u8,
}

fn main() {}
