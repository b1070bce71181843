use reloadable::Reloadable;

#[derive(Reloadable)]
union Config {
    field: u8,
}

fn main() {}
