use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(key = first)]
    field: Vec<u8>,
}

struct Hidden;

fn first(_: &u8) -> Hidden {
    Hidden
}

fn main() {}
