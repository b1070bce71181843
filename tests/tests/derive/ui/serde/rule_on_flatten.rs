use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[serde(flatten)]
    #[reload(length(1..))]
    field: Vec<u8>,
}

fn main() {}
