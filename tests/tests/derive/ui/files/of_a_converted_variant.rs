use reloadable::Reloadable;

#[derive(Reloadable)]
enum Config {
    #[serde(with = "raw")]
    Variant {
        #[reload(file)]
        field: String,
    },
}

fn main() {}
