use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(validat = Self::check)]
struct Config {
    #[reload(rnage(1..), secert, restart)]
    first: u8,
    #[reload(length)]
    second: std::cell::Cell<u8>,
}

fn main() {}
