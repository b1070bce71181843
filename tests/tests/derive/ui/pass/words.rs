use reloadable::Reloadable;

#[derive(Reloadable)]
#[reload(normalize = Self::fill_in, validate = Self::check, rename_all = "kebab-case")]
struct Config {
    #[reload(range(1..=10), restart)]
    number: u8,
    #[reload(secret)]
    #[reload(length(1..))]
    text: String,
    #[reload(each(length(1..)))]
    texts: Vec<String>,
    variant: Variant,
}

#[derive(Reloadable)]
enum Variant {
    #[reload(rename = "renamed")]
    One(#[reload(secret)] u8),
}

impl Config {
    fn fill_in(&mut self) {}

    fn check(&self, _: &mut reloadable::Reporter<'_>) {}
}

fn main() {}
