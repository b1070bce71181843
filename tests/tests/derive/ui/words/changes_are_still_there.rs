use reloadable::{Diff, Reloadable};

#[derive(Reloadable)]
struct Config {
    #[reload(laef)]
    foreign: Foreign,
    size: u8,
}

struct Foreign;

fn main() {
    let config = Config { foreign: Foreign, size: 1 };
    let _: Option<ConfigChanges<'_>> = config.diff(&config).filter(|changes| changes.size.is_some());
}
