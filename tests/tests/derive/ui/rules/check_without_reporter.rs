use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(validate = check)]
struct Config(u8);

fn check(_: &Config) {}

fn main() {}
