use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(one_of())]
    field: String,
}

fn main() {}
