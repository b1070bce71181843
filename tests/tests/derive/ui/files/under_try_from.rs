use reloadable::Reloadable;

#[derive(Reloadable)]
#[serde(try_from = "Raw")]
struct Config {
    #[reload(file)]
    field: String,
}

fn main() {}
