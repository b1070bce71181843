use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config<'a> {
    field: &'a str,
}

fn main() {}
