use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    field: std::rc::Rc<str>,
}

fn main() {}
