use reloadable::Reloadable;

#[derive(Reloadable)]
#[serde(try_from = "Raw")]
struct Config {
    #[reload(range(1..))]
    field: u8,
}

fn main() {}
