use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(normalize = Self::fill_in)]
    field: String,
}

fn main() {}
