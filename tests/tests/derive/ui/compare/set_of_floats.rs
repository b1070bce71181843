use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(set)]
    field: Vec<f32>,
}

fn main() {}
