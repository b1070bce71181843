use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(leaf, eq = same, restart)]
    field: Foreign,
}

struct Foreign;

fn same(_: &Foreign, _: &Foreign) -> bool {
    true
}

fn main() {}
