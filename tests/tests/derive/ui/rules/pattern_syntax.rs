use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(pattern("[a-"))]
    field: String,
}

fn main() {}
