use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[serde(flatten)]
    #[reload(file)]
    field: Option<Box<Config>>,
}

fn main() {}
