use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(rename_all = "Kebab-Case")]
struct Config {
    field: u8,
}

fn main() {}
