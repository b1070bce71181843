use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[serde(borrow)]
    field: std::borrow::Cow<'static, str>,
}

fn main() {}
