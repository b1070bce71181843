use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(colour)]
    field: String,
}

fn main() {}
