use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(validate = |_| ())]
    field: u8,
}

fn main() {}
