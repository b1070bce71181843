use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[serde(flatten)]
    #[reload(restart)]
    field: Option<u8>,
}

fn main() {}
