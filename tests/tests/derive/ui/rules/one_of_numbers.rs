use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(one_of(1, 2))]
    field: String,
}

fn main() {}
