use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(each(lenght(1..)))]
    field: Vec<String>,
}

fn main() {}
