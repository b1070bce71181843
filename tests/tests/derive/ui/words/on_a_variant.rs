use reloadable::Reloadable;

#[derive(Reloadable)]
enum Config {
    #[reload(secret)]
    Variant(u8),
}

fn main() {}
