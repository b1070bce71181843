use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(validate = check)]
    field: u8,
}

fn check(_: &u8) -> bool {
    true
}

fn main() {}
