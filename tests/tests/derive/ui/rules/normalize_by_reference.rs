use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(normalize = fill_in)]
struct Config(u8);

fn fill_in(_: &u8) {}

fn main() {}
