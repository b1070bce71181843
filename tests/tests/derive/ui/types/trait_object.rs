use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    field: Box<dyn std::fmt::Debug>,
}

fn main() {}
