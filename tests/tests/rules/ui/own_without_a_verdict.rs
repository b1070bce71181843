#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Config {
    #[reload(validate = even)]
    field: u16,
}

fn even(number: &u16) -> bool {
    number % 2 == 0
}

fn main() {}
