use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    field: Option<std::cell::RefCell<u8>>,
}

fn main() {}
