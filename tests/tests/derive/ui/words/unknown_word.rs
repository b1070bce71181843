use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(sercet)]
    field: String,
}

fn main() {}
