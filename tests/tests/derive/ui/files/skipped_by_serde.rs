use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[serde(skip)]
    #[reload(diff, file)]
    field: String,
}

fn main() {}
