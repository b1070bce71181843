use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(ordered)]
    port: u16,
}

fn main() {}
