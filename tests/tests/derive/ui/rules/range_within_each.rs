use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(each(range(1..)))]
    field: Vec<String>,
}

fn main() {}
