use bytes::Bytes;
use reloadable::Reloadable;
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(length(1..3))]
    magic: Bytes,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(edited::<Config>("magic = [1, 2]", "magic = [1, 255]"), ["magic: [1, 2] -> [1, 255]"]);
}

#[test]
fn bytes_have_a_length() {
    assert_eq!(problems::<Config>("magic = []"), ["magic: the length is 0, not in 1..3 [length]"]);
}
