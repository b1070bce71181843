use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(unique)]
    field: Vec<f32>,
}

fn main() {}
