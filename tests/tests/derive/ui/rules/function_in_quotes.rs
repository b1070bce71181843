use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(validate = "check")]
    field: u8,
}

fn main() {}
