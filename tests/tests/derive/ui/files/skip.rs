use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(skip, file)]
    field: String,
}

fn main() {}
