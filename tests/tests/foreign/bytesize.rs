use bytesize::ByteSize;
use reloadable::Reloadable;
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(range(ByteSize::kib(1)..=ByteSize::mib(64)))]
    limit: Option<ByteSize>,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(edited::<Config>("limit = '1 MiB'", "limit = '2 MiB'"), [r#"limit: "1.0 MiB" -> "2.0 MiB""#]);
    assert_eq!(edited::<Config>("limit = '1 MiB'", "limit = '1024 KiB'"), [""; 0]);
    assert_eq!(
        edited::<Config>("limit = '1 MiB'", "limit = 1048577"),
        [r#"limit: "1.0 MiB" -> "1048577 B""#]
    );
}

#[test]
fn a_size_has_a_range() {
    assert_eq!(problems::<Config>("limit = '64 MiB'"), [""; 0]);
    assert_eq!(
        problems::<Config>("limit = '1 GiB'"),
        ["limit: 1.0 GiB is not in 1.0 KiB..=64.0 MiB [range]"]
    );
}
