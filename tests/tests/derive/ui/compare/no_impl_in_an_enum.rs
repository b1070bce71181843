use reloadable::Reloadable;

#[derive(Reloadable)]
enum Config {
    Tuple(Foreign),
    Struct { list: Vec<Foreign> },
}

struct Foreign;

fn main() {}
