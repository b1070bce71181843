use reloadable::Reloadable;

#[derive(Reloadable)]
struct Config {
    text: std::borrow::Cow<'static, str>,
    shared: std::sync::Arc<str>,
    #[reload(leaf, eq = same)]
    object: Box<dyn std::fmt::Debug>,
    #[reload(skip)]
    cell: Option<std::cell::RefCell<u8>>,
    #[serde(skip)]
    lock: std::sync::Mutex<u8>,
    #[reload(skip)]
    function: fn(u8) -> u8,
    own: crate::own::Cell,
}

mod own {
    #[derive(reloadable::Reloadable)]
    pub struct Cell(u8);
}

fn same(_: &Box<dyn std::fmt::Debug>, _: &Box<dyn std::fmt::Debug>) -> bool {
    true
}

fn main() {}
