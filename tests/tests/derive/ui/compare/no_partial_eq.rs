use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(leaf)]
    field: Foreign,
}

struct Foreign;

fn main() {}
