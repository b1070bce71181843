use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(diff)]
    field: String,
}

fn main() {}
