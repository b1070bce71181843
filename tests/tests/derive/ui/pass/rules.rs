use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    #[reload(range(1..=10), validate = check, range(1..), when = true)]
    number: u8,
    #[reload(length(5..=5), one_of("a", "b"), pattern("[a-z]"))]
    text: String,
    #[reload(each(range(1..)), unique)]
    numbers: Vec<u8>,
    #[reload(keys(non_empty), values(pattern(PATTERN)))]
    map: std::collections::BTreeMap<String, String>,
}

const PATTERN: &str = "[a-z]";

fn check(_: &u8) -> Result<(), String> {
    Ok(())
}

fn main() {}
