use reloadable::Reloadable;
use serde::Deserialize;
use uuid::Uuid;

use super::edited;

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    node: Uuid,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(
        edited::<Config>(
            "node = '00000000-0000-0000-0000-00000000000a'",
            "node = '{00000000-0000-0000-0000-00000000000B}'",
        ),
        [r#"node: "00000000-0000-0000-0000-00000000000a" -> "00000000-0000-0000-0000-00000000000b""#]
    );
    assert_eq!(
        edited::<Config>(
            "node = '00000000-0000-0000-0000-00000000000a'",
            "node = '0000000000000000000000000000000A'",
        ),
        [""; 0]
    );
}
