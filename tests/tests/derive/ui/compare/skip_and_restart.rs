use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(skip, restart)]
    field: String,
}

fn main() {}
