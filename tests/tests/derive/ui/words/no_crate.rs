use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(crate = 5)]
struct Config(u8);

fn main() {}
