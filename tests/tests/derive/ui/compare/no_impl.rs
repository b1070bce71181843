use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    field: Foreign,
}

struct Foreign;

fn main() {}
